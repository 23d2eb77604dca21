/** Which key of a set a token's header names, and whether that key is for the token's algorithm. */
import { Problem } from '../problem.ts';
import { excerpt } from '../x509/excerpt.ts';
import type { Algorithm } from './algorithms.ts';
import type { JoseHeader } from './compact.ts';
import type { VerificationKey } from './jwks.ts';
import type { JwksSource } from './jwks-source.ts';

interface Signed {
  readonly header: JoseHeader;
  readonly algorithm: Algorithm;
}

/**
 * Without a `kid` the key must be the only one for the algorithm.
 *
 * @param owner whose keys they are, for logs
 * @throws Problem `jwks_unavailable`, `token_key_not_found`, `token_key_alg_mismatch`, `token_kid_required`
 */
export function findKey(
  { header, algorithm }: Signed,
  source: JwksSource,
  owner: string,
): { readonly key: VerificationKey; readonly keySetId: string } {
  const keySet = source.current();
  if (keySet === undefined) throw new Problem('jwks_unavailable', `no keys of ${owner}`);
  const { id: keySetId, byKid, keys } = keySet;
  if (header.kid !== undefined) {
    const key = byKid.get(header.kid);
    if (key === undefined) throw new Problem('token_key_not_found', `${owner} has no key ${excerpt(header.kid)}`);
    if (!key.algorithms.includes(algorithm.name)) {
      throw new Problem('token_key_alg_mismatch', `key ${excerpt(header.kid)} is not for ${algorithm.name}`);
    }
    return { key, keySetId };
  }
  const [key, another] = keys.filter((candidate) => candidate.algorithms.includes(algorithm.name));
  if (key === undefined) throw new Problem('token_key_not_found', `${owner} has no key for ${algorithm.name}`);
  if (another !== undefined) throw new Problem('token_kid_required', `${owner} has several such keys`);
  return { key, keySetId };
}
