/** Verification of a JWT-SVID against the bundles of a Workload API (JWT-SVID sections 2 to 4). */
import { ALGORITHMS, verifySignature } from '../jwt/algorithms.ts';
import { checkClaims } from '../jwt/claims.ts';
import { decodeSegment, readClaims, readHeader, splitCompact } from '../jwt/compact.ts';
import { parseKeySet } from '../jwt/jwks.ts';
import type { JsonObject } from '../jwt/strict-json.ts';
import type { SpiffeId } from '../spiffe/spiffe-id.ts';
import { readJwtSvid } from './jwt-svid.ts';
import { judged, refuse } from './x509-context.ts';

export interface JwtSvidRules {
  /** Compared with each of `aud` exactly. */
  readonly audience: string;
  /** Trust domain → JWK set. */
  readonly bundles: ReadonlyMap<string, Uint8Array>;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface VerifiedJwtSvid {
  readonly id: SpiffeId;
  readonly claims: JsonObject;
}

const CLAIM_RULES = { singleAudience: false, clockSkewSeconds: 5, maxLifetimeSeconds: 86_400 } as const;

/** @throws WorkloadAnswerRefused */
export function verifyJwtSvid(token: string, { audience, bundles, now }: JwtSvidRules): VerifiedJwtSvid {
  return judged(() => {
    const segments = splitCompact(token);
    const { alg, kid } = readHeader(segments.header);
    const claims = readClaims(segments.payload);
    const { sub } = claims;
    const { id } = readJwtSvid({ spiffeId: typeof sub === 'string' ? sub : '', token, hint: '' }, [audience], now);
    const jwks = bundles.get(id.trustDomain);
    const keySet = jwks === undefined ? undefined : parseKeySet(jwks).keySet;
    if (keySet === undefined) refuse('a token of a trust domain that has no keys here');
    const key = kid === undefined ? undefined : keySet.byKid.get(kid);
    const algorithm = ALGORITHMS.get(alg);
    if (key === undefined || algorithm === undefined || !key.algorithms.includes(algorithm.name)) {
      refuse('a token that no key of its trust domain fits');
    }
    const signature = decodeSegment(segments.signature, 'signature');
    if (!verifySignature(algorithm, key.publicKey, Buffer.from(segments.signingInput, 'latin1'), signature)) {
      refuse('a token whose signature does not verify');
    }
    checkClaims(claims, { ...CLAIM_RULES, audiences: [audience] }, now / 1000);
    return { id, claims };
  });
}
