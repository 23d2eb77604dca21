/**
 * RFC 7523 section 2.1: an assertion of an issuer that the realm file names stands for one of the realm's users, whom
 * the file names as well: what others call somebody makes nobody a user here.
 */
import { checkDates, Problem, readJwt, type UnverifiedJwt, verifyJwt } from '@sidegate/sdk';
import { OAuthError } from '../oauth-error.ts';
import { federatedName } from '../realm.ts';
import type { Authorization, GrantRequest } from './grant.ts';

const TYPES = ['', 'jwt', 'authorization-grant+jwt'];
const CLOCK_SKEW_SECONDS = 5;
const DATES = { clockSkewSeconds: CLOCK_SKEW_SECONDS, maxLifetimeSeconds: 300 } as const;

export async function jwtBearer(request: GrantRequest): Promise<Authorization> {
  const { client, form } = request;
  if (!client.jwtBearer) throw new OAuthError('unauthorized_client', 'this client may not use assertions as grants');
  const assertion = form.get('assertion');
  if (assertion === undefined) throw new OAuthError('invalid_request', 'assertion is required');
  try {
    return await verified(readJwt(assertion, TYPES), request);
  } catch (error) {
    if (error instanceof Problem && error.row.status < 500) throw refused(error.message);
    throw error;
  }
}

async function verified(jwt: UnverifiedJwt, { realm, replay, clock }: GrantRequest): Promise<Authorization> {
  const { iss, sub, aud, jti } = jwt.claims;
  const issuer = typeof iss === 'string' ? realm.tokenIssuers.get(iss) : undefined;
  if (issuer === undefined || !issuer.asserts) throw refused('the issuer of the assertion is not trusted here');
  await verifyJwt(jwt, { keys: issuer.keys, owner: `issuer ${issuer.alias}` });
  if (aud !== realm.issuer) throw refused('the audience of the assertion is not exactly this issuer');
  const expiresAt = checkDates(jwt.claims, DATES, clock.now() / 1000);
  if (typeof sub !== 'string') throw refused('the assertion has no subject');
  const user = realm.federatedUsers.get(federatedName(issuer.alias, sub));
  if (user === undefined) throw refused('no user of this realm is the subject of the assertion');
  if (typeof jti !== 'string' || jti === '' || jti.length > 255) throw refused('the assertion has no usable jti');
  const id = JSON.stringify(['assertion', realm.issuer, issuer.issuer, jti]);
  if (!(await replay.firstUse(id, (expiresAt + CLOCK_SKEW_SECONDS) * 1000))) {
    throw refused('the assertion was used before');
  }
  return { subject: user };
}

function refused(detail: string): OAuthError {
  return new OAuthError('invalid_grant', 'the assertion is not accepted', { detail });
}
