/** A realm's private key with its public half as a JWK (RFC 7517); the key id is the RFC 7638 thumbprint. */
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';

export type SignatureAlgorithm = 'RS256' | 'ES256';

export interface SigningKey {
  readonly algorithm: SignatureAlgorithm;
  readonly kid: string;
  readonly publicJwk: Readonly<Record<string, string>>;
  /**
   * A JWT (RFC 7519) with these claims, those that are undefined left out. A slow signature is made beside the event loop, or by whoever
   * keeps the key.
   *
   * @param typ of the header
   */
  signJwt(typ: string, claims: object): Promise<string>;
}

/** At least one; the first is the preferred one. */
export type Algorithms = readonly [SignatureAlgorithm, ...SignatureAlgorithm[]];

/** The keys of a realm at this moment: asked anew for every token and every key set, so that keys can follow each other. */
export interface KeyRing {
  /** The one that signs now. */
  current(algorithm: SignatureAlgorithm): SigningKey | undefined;
  /** Public keys of everything that verifies: what will sign, what signs, and what has signed while its tokens live. */
  published(): readonly SigningKey['publicJwk'][];
}

const signBeside = promisify<string, Buffer, SignKey, Buffer>(sign);

interface SignKey {
  readonly key: KeyObject;
  readonly dsaEncoding: 'ieee-p1363';
}

/** Members that identify a key, in the order in which RFC 7638 section 3.2 hashes them. */
const THUMBPRINT_MEMBERS = { RS256: ['e', 'kty', 'n'], ES256: ['crv', 'kty', 'x', 'y'] } as const;

export function signingKey(algorithm: SignatureAlgorithm, privateKey: KeyObject): SigningKey {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  const identity = Object.fromEntries(THUMBPRINT_MEMBERS[algorithm].map((name) => [name, String(jwk[name])]));
  const kid = createHash('sha256').update(JSON.stringify(identity)).digest('base64url');
  const key = { key: privateKey, dsaEncoding: 'ieee-p1363' } as const;
  // of the few kinds of tokens that there are
  const headers = new Map<string, string>();
  const headerOf = (typ: string): string => {
    const header = headers.get(typ) ?? encode({ alg: algorithm, typ, kid });
    headers.set(typ, header);
    return header;
  };
  return {
    algorithm,
    kid,
    publicJwk: { ...identity, kid, use: 'sig', alg: algorithm },
    signJwt: async (typ, claims) => {
      const input = `${headerOf(typ)}.${encode(claims)}`;
      // An ES256 signature takes less time than it takes to hand it to another thread.
      const signature =
        algorithm === 'ES256'
          ? sign('sha256', Buffer.from(input, 'latin1'), key)
          : await signBeside('sha256', Buffer.from(input, 'latin1'), key);
      return `${input}.${signature.toString('base64url')}`;
    },
  };
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
