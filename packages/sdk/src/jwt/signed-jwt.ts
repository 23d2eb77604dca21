/**
 * A signed JWT of any purpose, RFC 7519 and RFC 8725: read strictly, then verified with keys that the reader chose.
 * What its claims must say besides is for whoever knows its purpose; access tokens have {@link createTokenVerifier}.
 */
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';
import { ALGORITHMS, type Algorithm, type AlgorithmName, verifySignature } from './algorithms.ts';
import { decodeSegment, type JoseHeader, readClaims, readHeader, splitCompact } from './compact.ts';
import { findKey } from './find-key.ts';
import type { JwksSource } from './jwks-source.ts';
import type { JsonObject } from './strict-json.ts';

/** Nothing in it is proven: its claims may only choose whose keys are asked. */
export interface UnverifiedJwt {
  readonly header: JoseHeader;
  readonly algorithm: Algorithm;
  readonly claims: JsonObject;
  readonly signingInput: string;
  readonly signature: Buffer;
}

export interface JwtKeys {
  readonly keys: JwksSource;
  /** Whose keys they are, for logs. */
  readonly owner: string;
  /** By default every algorithm of the table. */
  readonly algorithms?: readonly AlgorithmName[] | undefined;
}

/** By what a signature was verified. */
export interface UsedKey {
  /** Its `kid`, else its thumbprint. */
  readonly keyId: string;
  /** {@link KeySet.id} of the set that it came from. */
  readonly keySetId: string;
}

/**
 * @param types media types that `typ` may have, in lower case; `''` lets it be absent. Kinds of JWT that may be confused
 *   must not share one (RFC 8725 section 3.11).
 * @param known whose keys tell a MAC under one of them from a MAC under a key that nobody has
 * @throws Problem `token_*`
 */
export function readJwt(token: string, types: readonly string[], known: readonly JwtKeys[] = []): UnverifiedJwt {
  const segments = splitCompact(token);
  const header = readHeader(segments.header);
  const algorithm = ALGORITHMS.get(header.alg);
  if (algorithm === undefined) throw algorithmRefusal(header, known);
  checkType(header, types);
  return {
    header,
    algorithm,
    claims: readClaims(segments.payload),
    signingInput: segments.signingInput,
    signature: decodeSegment(segments.signature, 'signature'),
  };
}

/** @throws Problem `token_typ_mismatch` */
export function checkType({ typ }: JoseHeader, types: readonly string[]): void {
  // An empty one is there, and is no media type.
  if (typ !== '' && types.includes((typ ?? '').toLowerCase())) return;
  throw new Problem('token_typ_mismatch', `the typ header is ${excerpt(typ ?? 'absent')}`);
}

/** @throws Problem `token_*` or `jwks_unavailable`, as a rejection */
export async function verifyJwt(jwt: UnverifiedJwt, keys: JwtKeys): Promise<void> {
  await verifyJwtWith(jwt, keys, () => undefined);
}

/**
 * Verifies the signature, at once unless keys must be fetched, and then looks at what is in it.
 *
 * @throws Problem `token_*` or `jwks_unavailable`, at once or as a rejection
 */
export function verifyJwtWith<T>(jwt: UnverifiedJwt, keys: JwtKeys, read: (used: UsedKey) => T): T | Promise<T> {
  if (keys.algorithms?.includes(jwt.algorithm.name) === false) {
    throw new Problem('token_alg_not_allowed', `alg ${jwt.algorithm.name} is not allowed for ${keys.owner}`);
  }
  const pending = keys.keys.refreshFor(jwt.header.kid);
  const complete = (): T => read(checkSignature(jwt, keys));
  return pending === undefined ? complete() : pending.then(complete);
}

function checkSignature(jwt: UnverifiedJwt, { keys, owner }: JwtKeys): UsedKey {
  const { key, keySetId } = findKey(jwt, keys, owner);
  if (!verifySignature(jwt.algorithm, key.publicKey, Buffer.from(jwt.signingInput, 'latin1'), jwt.signature)) {
    throw new Problem('token_signature_invalid', `key ${excerpt(key.kid ?? key.thumbprint)}`);
  }
  return { keyId: key.kid ?? key.thumbprint, keySetId };
}

/** A MAC key is looked up like any other, but never fetched: no set can hold one. */
function algorithmRefusal({ alg, kid }: JoseHeader, known: readonly JwtKeys[]): Problem {
  const isKnown = known.length === 0 || known.some(({ keys }) => kid === undefined || keys.current()?.byKid.has(kid));
  if (alg.startsWith('HS') && !isKnown) {
    return new Problem('token_key_not_found', `kid ${excerpt(kid ?? '')} for a MAC`);
  }
  return new Problem('token_alg_not_allowed', `alg ${excerpt(alg)}`);
}
