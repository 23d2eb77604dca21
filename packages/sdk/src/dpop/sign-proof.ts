/** A client's DPoP key and the proofs it signs, RFC 9449 section 4.2: one for each request. */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import { readVerificationKey } from '../jwt/jwks.ts';
import type { JsonObject } from '../jwt/strict-json.ts';
import { PROOF_TYPE } from './proof-algorithms.ts';
import { accessTokenHash } from './verify-proof.ts';

export interface DpopKey {
  /** RFC 7638, as an issuer writes it into `cnf.jkt`. */
  readonly thumbprint: string;
  /** @param now milliseconds since the epoch */
  prove(request: ProofRequest, now: number): string;
}

export interface ProofRequest {
  readonly method: string;
  /** Query and fragment are left out of the proof. */
  readonly url: string;
  readonly accessToken?: string;
  /** As the server asked for it. */
  readonly nonce?: string | undefined;
}

/**
 * A new P-256 key that never leaves this process.
 *
 * @example
 * ```ts
 * const key = createDpopKey();
 * const accessToken = 'eyJ…';
 * const proof = key.prove({ method: 'GET', url: 'https://orders.example.com/orders', accessToken }, Date.now());
 * const headers = { Authorization: `DPoP ${accessToken}`, DPoP: proof };
 * ```
 */
export function createDpopKey(): DpopKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return dpopKeyOf(privateKey, publicKey);
}

function dpopKeyOf(privateKey: KeyObject, publicKey: KeyObject): DpopKey {
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  const jwk = { kty, crv, x, y } as unknown as JsonObject;
  const read = readVerificationKey(jwk);
  if (typeof read === 'string') throw new TypeError(read);
  const header = encode({ typ: PROOF_TYPE, alg: 'ES256', jwk });
  return {
    thumbprint: read.thumbprint,
    prove({ method, url, accessToken, nonce }, now) {
      const claims = {
        jti: randomUUID(),
        htm: method,
        htu: withoutQuery(url),
        iat: Math.floor(now / 1000),
        ...(accessToken === undefined ? {} : { ath: accessTokenHash(accessToken) }),
        ...(nonce === undefined ? {} : { nonce }),
      };
      const input = `${header}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${input}.${signature.toString('base64url')}`;
    },
  };
}

const withoutQuery = (url: string): string => url.replace(/[?#].*$/s, '');
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
