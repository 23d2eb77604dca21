/** A token that this realm has issued: its signature, its issuer and its dates. Whose it is, and for whom, is for others to ask. */
import { type Clock, checkDates, type JsonObject, type JwksSource, Problem, readJwt, verifyJwt } from '@sidegate/sdk';
import type { Realm } from './realm.ts';

export interface OwnTokens {
  readonly realm: Realm;
  readonly ownKeys: JwksSource;
  readonly clock: Clock;
}

/** Media types of what the realm issues. */
const TYPES = ['at+jwt', 'txntoken+jwt'] as const;

/** Its claims; undefined for whatever else it is: expired, of another issuer, no token at all. */
export async function readOwnToken(token: string, own: OwnTokens): Promise<JsonObject | undefined> {
  const { realm, ownKeys: keys, clock } = own;
  try {
    const jwt = readJwt(token, TYPES);
    if (jwt.claims['iss'] !== realm.issuer) return undefined;
    await verifyJwt(jwt, { keys, owner: `realm ${realm.name}` });
    checkDates(jwt.claims, { clockSkewSeconds: 0, maxLifetimeSeconds: Number.POSITIVE_INFINITY }, clock.now() / 1000);
    return jwt.claims;
  } catch (error) {
    if (error instanceof Problem && error.row.status < 500) return undefined;
    throw error;
  }
}

/** RFC 9068 section 2.2; Keycloak's name for it first. */
export function clientOfToken({ azp, client_id: clientId }: JsonObject): string | undefined {
  const client = azp ?? clientId;
  return typeof client === 'string' ? client : undefined;
}

export function revocableToken(claims: JsonObject) {
  const { sub } = claims;
  return { claims, clientId: clientOfToken(claims), subject: typeof sub === 'string' ? sub : '' };
}
