/** JWT-SVIDs and their bundles as a Workload API hands them out (JWT-SVID sections 2 and 3). Whoever receives one verifies it; here only its form counts. */
import { decodeSegment, readClaims, readHeader, splitCompact } from '../jwt/compact.ts';
import { type KeySet, parseKeySet } from '../jwt/jwks.ts';
import { isJsonArray } from '../jwt/strict-json.ts';
import { SVID_ALGORITHMS, SVID_TYPES } from '../jwt/svid.ts';
import { parseSpiffeId, type SpiffeId } from '../spiffe/spiffe-id.ts';
import { type JwtSvidMessage, readJwtBundlesResponse } from './messages.ts';
import { judged, readTrustDomain, refuse } from './x509-context.ts';

/** Trust domain → the keys that sign its JWT-SVIDs. */
export type JwtBundles = ReadonlyMap<string, KeySet>;

export interface JwtSvidFacts {
  readonly id: SpiffeId;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * @param audiences that the token must name, all of them
 * @throws WorkloadAnswerRefused
 */
export function readJwtSvid(
  { spiffeId, token }: JwtSvidMessage,
  audiences: readonly string[],
  now: number,
): JwtSvidFacts {
  return judged(() => {
    const segments = splitCompact(token);
    const { alg, typ } = readHeader(segments.header);
    if (!SVID_ALGORITHMS.some((name) => name === alg)) refuse('a token with an algorithm that no JWT-SVID has');
    if (!SVID_TYPES.includes((typ ?? '').toLowerCase())) refuse('a token of another type');
    decodeSegment(segments.signature, 'signature');
    const { sub, aud, exp } = readClaims(segments.payload);
    if (typeof sub !== 'string') refuse('a token without subject');
    const id = parseSpiffeId(sub);
    if (spiffeId !== id.uri) refuse('a token with another SPIFFE ID than the answer says');
    const named = isJsonArray(aud) ? aud : [aud];
    if (!audiences.every((audience) => named.includes(audience))) refuse('a token for another audience');
    if (typeof exp !== 'number' || !(exp * 1000 > now)) refuse('a token that has expired, or never does');
    return { id, expiresAt: exp * 1000 };
  });
}

/** @throws WorkloadAnswerRefused */
export function readJwtBundles(bytes: Uint8Array): JwtBundles {
  return judged(() => {
    const bundles = new Map<string, KeySet>();
    for (const [key, jwks] of readJwtBundlesResponse(bytes)) {
      const trustDomain = readTrustDomain(key);
      if (bundles.has(trustDomain)) refuse('two bundles for one trust domain');
      const { keySet, findings } = parseKeySet(jwks);
      if (keySet === undefined)
        refuse(`a bundle without usable key: ${findings.map(({ reason }) => reason).join('; ')}`);
      bundles.set(trustDomain, keySet);
    }
    return bundles.size === 0 ? refuse('no bundle') : bundles;
  });
}
