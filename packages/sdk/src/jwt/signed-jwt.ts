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

/**
 * @param types media types that `typ` may have, in lower case; `''` lets it be absent. Kinds of JWT that may be confused
 *   must not share one (RFC 8725 section 3.11).
 * @throws Problem `token_*`
 */
export function readJwt(token: string, types: readonly string[]): UnverifiedJwt {
  const segments = splitCompact(token);
  const header = readHeader(segments.header);
  const algorithm = ALGORITHMS.get(header.alg);
  if (algorithm === undefined) throw new Problem('token_alg_not_allowed', `alg ${excerpt(header.alg)}`);
  if (!types.includes((header.typ ?? '').toLowerCase())) {
    throw new Problem('token_typ_mismatch', `the typ header is ${excerpt(header.typ ?? 'absent')}`);
  }
  return {
    header,
    algorithm,
    claims: readClaims(segments.payload),
    signingInput: segments.signingInput,
    signature: decodeSegment(segments.signature, 'signature'),
  };
}

/** @throws Problem `token_*` or `jwks_unavailable`, as a rejection */
export async function verifyJwt(jwt: UnverifiedJwt, { keys, owner, algorithms }: JwtKeys): Promise<void> {
  if (algorithms?.includes(jwt.algorithm.name) === false) {
    throw new Problem('token_alg_not_allowed', `alg ${jwt.algorithm.name} is not allowed for ${owner}`);
  }
  await keys.refreshFor(jwt.header.kid);
  const { key } = findKey(jwt, keys, owner);
  if (!verifySignature(jwt.algorithm, key.publicKey, Buffer.from(jwt.signingInput, 'latin1'), jwt.signature)) {
    throw new Problem('token_signature_invalid', `key ${excerpt(key.kid ?? key.thumbprint)}`);
  }
}
