/**
 * The key kinds this authority makes and signs with, and their PKCS#8 form (RFC 5958).
 * P-256 is the default; the RSA kinds are for trust domains that must keep RSA.
 */

import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

export const KEY_ALGORITHMS = ['P-256', 'RSA-2048', 'RSA-4096'] as const;

export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

/**
 * The kind of a leaf's key below an authority of the given kind. RSA leaves stay at 2048 bits: they live a year at
 * most and sign in every handshake, while the authority signs once.
 */
export function leafKeyAlgorithm(authority: KeyAlgorithm): KeyAlgorithm {
  return authority === 'RSA-4096' ? 'RSA-2048' : authority;
}

/** Makes a new private key. RSA takes long (4096 bits: seconds), so it happens off the main thread. */
export async function generateKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  const { privateKey } = await GENERATORS[algorithm]();
  return privateKey;
}

/** The private key as unencrypted PKCS#8 PEM; the file's mode is what protects it. */
export function privateKeyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' });
}

/** What a key is, in the words of {@link KEY_ALGORITHMS} where it is one of them: `P-256`, `RSA-1024`, `ed25519`. */
export function keyKind(key: KeyObject): string {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined) return `RSA-${modulusLength}`;
  if (namedCurve !== undefined) return CURVE_NAMES[namedCurve] ?? namedCurve;
  return key.asymmetricKeyType ?? 'unknown';
}

const generate = promisify(generateKeyPair);

const GENERATORS: Readonly<Record<KeyAlgorithm, () => Promise<{ readonly privateKey: KeyObject }>>> = {
  'P-256': () => generate('ec', { namedCurve: 'P-256' }),
  'RSA-2048': () => generate('rsa', { modulusLength: 2048 }),
  'RSA-4096': () => generate('rsa', { modulusLength: 4096 }),
};

const CURVE_NAMES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };
