/** Keys to verify signatures with: from a PEM certificate or public key, or from a JWK (set). */
import { parseJson, toNative } from '../value/json.ts';
import { isObject, objectGet } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { type BuiltinContext, BuiltinError } from './builtin.ts';
import { cryptoOf } from './crypto.ts';
import type { HostKey, SignatureAlgorithm } from './host.ts';
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
      return [plain(attempt('failed to parse a PEM certificate', () => crypto.certificateKey(block.bytes)))];
    case 'PUBLIC KEY':
      return [plain(attempt('failed to parse a PEM public key', () => crypto.publicKey(block.bytes)))];
    default:
      throw new BuiltinError('failed to extract a Key from the PEM certificate');
  }
}

function plain(key: HostKey): VerificationKey {
  return { key, algorithm: '', id: '' };
}

/** Every key of a JWK set, or the one key that a JWK is. */
export function jwkSet(context: BuiltinContext, text: string): readonly VerificationKey[] {
  return attempt('failed to parse a JWK key (set)', () => {
    const document = parseJson(text);
    const set = isObject(document) ? objectGet(document, 'keys') : undefined;
    const list = set === undefined ? [document] : set;
    if (!Array.isArray(list)) throw new Error('"keys" is no array');
    return (list as readonly Value[]).map((jwk) => readJwk(context, jwk));
  });
}

function readJwk(context: BuiltinContext, jwk: Value): VerificationKey {
  if (!isObject(jwk)) throw new Error('a key is no object');
  const [algorithm, id] = [objectGet(jwk, 'alg'), objectGet(jwk, 'kid')];
  return {
    key: cryptoOf(context).jwk(toNative(jwk) as Record<string, unknown>),
    algorithm: typeof algorithm === 'string' ? algorithm : '',
    id: typeof id === 'string' ? id : '',
  };
}

function attempt<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BuiltinError(`${what}: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}
