/** Workload Identity Tokens, draft-ietf-wimse-workload-creds: who a workload is and which key is its own, vouched for by the identity server of its trust domain. */
import type { KeyObject } from 'node:crypto';
import type { Algorithm, AlgorithmName } from '../jwt/algorithms.ts';
import { ALGORITHMS } from '../jwt/algorithms.ts';
import { checkDates } from '../jwt/claims.ts';
import { hasControlCharacters } from '../jwt/control-characters.ts';
import { readVerificationKey } from '../jwt/jwks.ts';
import type { JwksSource } from '../jwt/jwks-source.ts';
import { type JwtSigner, signJwt } from '../jwt/sign-jwt.ts';
import { readJwt, verifyJwt } from '../jwt/signed-jwt.ts';
import { isJsonObject, type JsonObject } from '../jwt/strict-json.ts';
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';

export interface IdentityServer {
  /** Of this trust domain and no other one. */
  readonly keys: JwksSource;
  /** Compared with `iss` exactly; undefined: the token need not have one. */
  readonly issuer?: string;
}

export interface WorkloadIdentity {
  /** `wimse://…` or `spiffe://…`. */
  readonly workload: string;
  readonly publicKey: KeyObject;
  readonly thumbprint: string;
  /** The only one that a proof may be signed with. */
  readonly algorithm: Algorithm;
}

export interface IdentityRequest {
  readonly workload: string;
  /** Of the workload, which has the other half. */
  readonly publicKey: KeyObject;
  readonly algorithm: AlgorithmName;
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly lifetimeSeconds: number;
}

const TYPES: readonly string[] = ['wit+jwt', 'application/wit+jwt'];
/** Hours, says the draft. */
const DATES = { clockSkewSeconds: 5, maxLifetimeSeconds: 86_400 };

/** @param signer of the identity server */
export function signWorkloadIdentity(request: IdentityRequest, signer: JwtSigner): string {
  const { workload, publicKey, algorithm, issuedAt, lifetimeSeconds } = request;
  const { kty, crv, x, y, n, e } = publicKey.export({ format: 'jwk' });
  const jwk = { kty, crv, x, y, n, e, alg: algorithm };
  const iat = Math.floor(issuedAt);
  return signJwt('wit+jwt', { sub: workload, iat, exp: iat + lifetimeSeconds, cnf: { jwk } }, signer);
}

/**
 * @param servers by trust domain
 * @throws Problem `token_*` or `jwks_unavailable`, as a rejection
 */
export async function verifyWorkloadIdentity(
  token: string,
  servers: ReadonlyMap<string, IdentityServer>,
  nowSeconds: number,
): Promise<WorkloadIdentity> {
  const jwt = readJwt(token, TYPES);
  const { sub, iss, cnf } = jwt.claims;
  const domain = trustDomainOf(sub);
  const server = servers.get(domain);
  if (server === undefined) throw new Problem('token_issuer_mismatch', `nobody vouches for ${excerpt(domain)} here`);
  if (server.issuer !== undefined && iss !== server.issuer) {
    throw new Problem('token_issuer_mismatch', `iss is not the identity server of ${domain}`);
  }
  await verifyJwt(jwt, { keys: server.keys, owner: `identity server of ${domain}` });
  checkDates(jwt.claims, DATES, nowSeconds);
  return { workload: sub as string, ...readConfirmedKey(cnf) };
}

/** The authority of a URI with a path: a trust domain itself is nobody. */
function trustDomainOf(sub: unknown): string {
  const [, domain] =
    (typeof sub === 'string' &&
      !hasControlCharacters(sub) &&
      /^(?:wimse|spiffe):\/\/([a-z0-9._-]{1,255})\/[^?#]+$/.exec(sub)) ||
    [];
  if (domain !== undefined) return domain;
  throw new Problem('token_sub_invalid', 'sub is not the URI of a workload');
}

function readConfirmedKey(cnf: JsonObject[string] | undefined): Omit<WorkloadIdentity, 'workload'> {
  const jwk = isJsonObject(cnf ?? null) ? (cnf as JsonObject)['jwk'] : undefined;
  if (jwk === undefined || !isJsonObject(jwk)) throw new Problem('token_binding_required', 'cnf has no jwk');
  const key = readVerificationKey(jwk);
  if (typeof key === 'string') throw new Problem('token_claim_type', `cnf.jwk: ${key}`);
  const algorithm = typeof jwk['alg'] === 'string' ? ALGORITHMS.get(jwk['alg']) : undefined;
  if (algorithm === undefined) throw new Problem('token_claim_type', 'cnf.jwk has no alg, or not one for signatures');
  return { publicKey: key.publicKey, thumbprint: key.thumbprint, algorithm };
}
