/** Keys to verify signatures with: from a PEM certificate or public key, or from a JWK (set). */
import { toNative } from '../value/json.ts';
import { objectGet } from '../value/object.ts';
import type { ObjectValue } from '../value/value.ts';
import { type BuiltinContext, BuiltinError } from './builtin.ts';
import { parseCertificates } from './certificate.ts';
import { cryptoOf } from './crypto.ts';
import type { HostCrypto, HostKey, KeyKind, SignatureAlgorithm } from './host.ts';
import { type Jwk, readJwkSet } from './jwk.ts';
import { firstPemBlock } from './pem.ts';

export interface VerificationKey {
  readonly key: HostKey;
  /** Empty when the key does not say. */
  readonly algorithm: string;
  readonly id: string;
}

const ALGORITHMS: ReadonlySet<string> = new Set<SignatureAlgorithm>([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'HS256',
  'HS384',
  'HS512',
  'EdDSA',
]);

export function isSignatureAlgorithm(name: string): name is SignatureAlgorithm {
  return ALGORITHMS.has(name);
}

export function verificationKeys(context: BuiltinContext, text: string): readonly VerificationKey[] {
  return context.patterns.get(`keys ${text}`, () => readKeys(context, text));
}

function readKeys(context: BuiltinContext, text: string): readonly VerificationKey[] {
  const block = firstPemBlock(text);
  if (block === undefined)
    return jwkSet(context, text).filter(({ algorithm }) => algorithm === '' || ALGORITHMS.has(algorithm));
  if (block.rest !== '') throw new BuiltinError('extra data after a PEM certificate block');
  const crypto = cryptoOf(context);
  switch (block.type) {
    case 'CERTIFICATE':
      return [plain(attempt('failed to parse a PEM certificate', () => certificateKey(crypto, block.bytes)))];
    case 'PUBLIC KEY':
      return [plain(attempt('failed to parse a PEM public key', () => crypto.publicKey(block.bytes)))];
    default:
      throw new BuiltinError('failed to extract a Key from the PEM certificate');
  }
}

/** Our own reader says what is wrong with a certificate. */
function certificateKey(crypto: HostCrypto, bytes: Uint8Array): HostKey {
  parseCertificates(bytes);
  return crypto.certificateKey(bytes);
}

function plain(key: HostKey): VerificationKey {
  return { key, algorithm: '', id: '' };
}

function jwkSet(context: BuiltinContext, text: string): readonly VerificationKey[] {
  const what = 'failed to parse a JWK key (set)';
  const keys = attempt(`${what}: jwk.ParseString: failed to parse string`, () => readJwkSet(text));
  return attempt(what, () => keys.map((key) => verificationKey(context, key)));
}

function verificationKey(context: BuiltinContext, { members }: Jwk): VerificationKey {
  const text = (name: string): string => (objectGet(members, name) ?? '') as string;
  return { key: hostKey(context, members), algorithm: text('alg'), id: text('kid') };
}

/** @throws an Error of the platform */
export function hostKey(context: BuiltinContext, members: ObjectValue): HostKey {
  return cryptoOf(context).jwk(toNative(members) as Record<string, unknown>);
}

function attempt<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BuiltinError(`${what}: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}

/** Which kind of key an algorithm needs. */
export function kindFor(algorithm: SignatureAlgorithm): KeyKind {
  if (algorithm === 'EdDSA') return 'ed25519';
  if (algorithm.startsWith('HS')) return 'secret';
  return algorithm.startsWith('ES') ? 'ec' : 'rsa';
}
