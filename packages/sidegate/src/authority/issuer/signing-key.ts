/** A realm's private key with its public half as a JWK (RFC 7517); the key id is the RFC 7638 thumbprint. */
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';

export type SignatureAlgorithm = 'RS256' | 'ES256';

export interface SigningKey {
  readonly algorithm: SignatureAlgorithm;
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, string>>;
  /** A JWS signature (RFC 7518 section 3), base64url. */
  sign(input: string): string;
}

/** At least one; the first is the preferred one. */
export type Algorithms = readonly [SignatureAlgorithm, ...SignatureAlgorithm[]];

/** One key for each algorithm of the provider. */
export type SigningKeys = ReadonlyMap<SignatureAlgorithm, SigningKey>;

/** Members that identify a key, in the order in which RFC 7638 section 3.2 hashes them. */
const THUMBPRINT_MEMBERS = { RS256: ['e', 'kty', 'n'], ES256: ['crv', 'kty', 'x', 'y'] } as const;

export function signingKey(algorithm: SignatureAlgorithm, privateKey: KeyObject): SigningKey {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  const identity = Object.fromEntries(THUMBPRINT_MEMBERS[algorithm].map((name) => [name, String(jwk[name])]));
  const kid = createHash('sha256').update(JSON.stringify(identity)).digest('base64url');
  return {
    algorithm,
    kid,
    publicJwk: { ...identity, kid, use: 'sig', alg: algorithm },
    sign: (input) =>
      sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url'),
  };
}
