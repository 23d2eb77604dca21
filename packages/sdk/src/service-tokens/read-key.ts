/** Keys as they lie in files: a service's private one, and the public ones of others. */
import { createPublicKey } from 'node:crypto';
import { readVerificationKey } from '../jwt/jwks.ts';
import type { JwksSource } from '../jwt/jwks-source.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import type { JsonObject } from '../jwt/strict-json.ts';
import { type AssertionKey, readAssertionKey } from '../oauth/client-assertion.ts';

/**
 * Reads a private key in PEM; RSA signs RS256, P-256 signs ES256, Ed25519 signs EdDSA.
 *
 * @param keyId its thumbprint by default, RFC 7638
 * @throws RangeError what is wrong with the key; nothing of it is in the message
 */
export function readSigningKey(pem: string, keyId?: string): AssertionKey {
  const key = readAssertionKey(pem, keyId ?? '');
  if (typeof key === 'string') throw new RangeError(`the signing key ${key}`);
  return keyId === undefined ? { ...key, keyId: thumbprintOf(key) } : key;
}

function thumbprintOf({ key }: AssertionKey): string {
  const read = readVerificationKey(createPublicKey(key).export({ format: 'jwk' }) as JsonObject);
  if (typeof read === 'string') throw new RangeError(`the signing key: ${read}`);
  return read.thumbprint;
}

/** A public key in PEM, and the `kid` that its tokens name; without one it is for tokens that name none. */
export interface PublicPem {
  readonly pem: string;
  readonly keyId?: string;
}

/**
 * The keys of an issuer from files. A key set by URL ({@link createFetchedJwks}) follows its rotation without a deployment; this does not.
 *
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { publicPemKeys } from '@sidegate/sdk/service-tokens';
 *
 * const pem = readFileSync('/etc/certs/service-signing-pub.pem', 'utf8');
 * const keys = publicPemKeys({ pem, keyId: 'key-2026-04' });
 * console.log(keys.current()?.keys.length);
 * ```
 *
 * @throws RangeError when one is not a usable public key
 */
export function publicPemKeys(...keys: readonly PublicPem[]): JwksSource {
  const source = createPushedJwks();
  const findings = source.push(Buffer.from(JSON.stringify({ keys: keys.map(publicJwk) })));
  const [finding] = findings;
  if (finding !== undefined) throw new RangeError(`public keys: ${finding.reason}`);
  return source;
}

function publicJwk({ pem, keyId }: PublicPem): object {
  // Node would derive the public half of a private key; who verifies must not even hold it.
  if (pem.includes('PRIVATE KEY')) throw new RangeError('public keys: a private key was given');
  try {
    return { ...createPublicKey(pem).export({ format: 'jwk' }), ...(keyId === undefined ? {} : { kid: keyId }) };
  } catch {
    throw new RangeError('public keys: one is not a public key in PEM');
  }
}
