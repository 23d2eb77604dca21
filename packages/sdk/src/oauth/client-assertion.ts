/** The assertion by which a client proves that it holds its key: `private_key_jwt`, RFC 7523 sections 2.2 and 3. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { keyWeakness } from '../jwt/algorithms.ts';
import { signJwt } from '../jwt/sign-jwt.ts';

/** What a client signs with: the algorithm follows from the key. */
export interface AssertionKey {
  readonly key: KeyObject;
  readonly algorithm: 'RS256' | 'ES256' | 'EdDSA';
  /** By which the issuer finds the public key. */
  readonly keyId: string;
}

export interface AssertionOptions extends AssertionKey {
  /** The issuer itself, as its metadata names it; never a list, never the token endpoint. */
  readonly audience: string;
  /** A fresh one for each assertion, 128 bits at least: an issuer accepts each once. */
  readonly newId: () => string;
}

/** Long enough for a slow issuer, too short to be worth stealing. */
const LIFETIME_SECONDS = 60;

/**
 * Reads a private key in PEM: RSA of 2048 bits or more, P-256 or Ed25519.
 *
 * @returns the key, or what is wrong with it
 */
export function readAssertionKey(pem: string, keyId: string): AssertionKey | string {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    return 'is not an unencrypted PEM private key';
  }
  const weakness = keyWeakness(key);
  if (weakness !== undefined) return `is too weak: ${weakness}`;
  const algorithm = algorithmOf(key);
  return algorithm === undefined ? 'is neither an RSA, a P-256 nor an Ed25519 key' : { key, algorithm, keyId };
}

/** @param now milliseconds since the epoch */
export function signClientAssertion(clientId: string, options: AssertionOptions, now: number): string {
  const iat = Math.floor(now / 1000);
  const { audience, newId } = options;
  const claims = { iss: clientId, sub: clientId, aud: audience, jti: newId(), iat, exp: iat + LIFETIME_SECONDS };
  return signJwt('client-authentication+jwt', claims, options);
}

function algorithmOf(key: KeyObject): AssertionKey['algorithm'] | undefined {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ed25519') return 'EdDSA';
  return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ES256' : undefined;
}
