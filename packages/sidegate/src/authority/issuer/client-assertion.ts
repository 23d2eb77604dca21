/**
 * JWTs by which clients authenticate: `private_key_jwt` (RFC 7523 section 3) and JWT-SVIDs
 * (draft-ietf-oauth-spiffe-client-auth). Both are for this issuer alone and live for minutes.
 */
import {
  type AlgorithmName,
  checkDates,
  type JwksSource,
  type ReplayStore,
  SVID_ALGORITHMS,
  type UnverifiedJwt,
  verifyJwt,
} from '@sidegate/sdk';

interface ClientKeys {
  readonly clientId: string;
  /** The only audience an assertion may have: a server that the client trusts less could pass on one with another. */
  readonly issuer: string;
  readonly keys: JwksSource;
  readonly algorithms: readonly AlgorithmName[];
}

interface WorkloadKeys {
  readonly spiffeId: string;
  readonly issuer: string;
  readonly keys: JwksSource;
}

const CLOCK_SKEW_SECONDS = 5;
const DATES = { clockSkewSeconds: CLOCK_SKEW_SECONDS, maxLifetimeSeconds: 300 } as const;
const MAX_ID_CHARACTERS = 255;

/**
 * @returns why it is refused, for the log
 * @throws Problem as a rejection: `token_*`, `jwks_unavailable`, `replay_store_full`
 */
export async function verifyClientAssertion(
  jwt: UnverifiedJwt,
  { clientId, issuer, keys, algorithms }: ClientKeys,
  { replay, nowMs }: { readonly replay: ReplayStore; readonly nowMs: number },
): Promise<string | undefined> {
  await verifyJwt(jwt, { keys, algorithms, owner: 'this client' });
  const { iss, sub, aud, jti } = jwt.claims;
  if (iss !== clientId || sub !== clientId) return 'issuer and subject of the assertion are not this client';
  if (aud !== issuer) return 'the audience of the assertion is not exactly this issuer';
  const expiresAt = checkDates(jwt.claims, DATES, nowMs / 1000);
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_ID_CHARACTERS) return 'the assertion has no usable jti';
  const id = JSON.stringify(['client_assertion', issuer, clientId, jti]);
  const first = await replay.firstUse(id, (expiresAt + CLOCK_SKEW_SECONDS) * 1000);
  return first ? undefined : 'the assertion was used before';
}

/**
 * A workload may show its JWT-SVID until it expires: those who hand SVIDs out hand the same one out again.
 *
 * @returns why it is refused, for the log
 * @throws Problem as a rejection: `token_*`, `jwks_unavailable`
 */
export async function verifyJwtSvid(
  jwt: UnverifiedJwt,
  { spiffeId, issuer, keys }: WorkloadKeys,
  nowMs: number,
): Promise<string | undefined> {
  await verifyJwt(jwt, { keys, algorithms: SVID_ALGORITHMS, owner: 'this trust domain' });
  const { sub, aud } = jwt.claims;
  if (sub !== spiffeId) return 'the subject of the JWT-SVID is not this client';
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (audiences.length !== 1 || audiences[0] !== issuer) return 'the JWT-SVID is not for this issuer alone';
  checkDates(jwt.claims, DATES, nowMs / 1000);
  return undefined;
}
