/**
 * A JWK set, RFC 7517, read into the keys that may verify signatures: what is unusable is left out with a finding.
 */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { excerpt } from '../x509/excerpt.ts';
import { type AlgorithmName, algorithmsFor, keyWeakness } from './algorithms.ts';
import { decodeBase64url } from './base64url.ts';
import { hasControlCharacters } from './control-characters.ts';
import {
  isJsonArray,
  isJsonObject,
  JsonError,
  type JsonObject,
  type JsonValue,
  parseStrictJson,
} from './strict-json.ts';

export interface VerificationKey {
  readonly kid: string | undefined;
  /** What this key may verify: by its type and curve, narrowed by its own `alg`. */
  readonly algorithms: readonly AlgorithmName[];
  readonly publicKey: KeyObject;
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string;
}

/** Immutable; a refresh makes another one. */
export interface KeySet {
  /** Equal for sets with equal keys, so that a refresh without change keeps caches warm. */
  readonly id: string;
  readonly keys: readonly VerificationKey[];
  readonly byKid: ReadonlyMap<string, VerificationKey>;
}

export interface KeyFinding {
  readonly code: 'jwks_malformed' | 'jwks_key_rejected' | 'jwks_ambiguous_kid' | 'jwks_no_usable_key';
  /** For people: which key, and what is wrong with it. */
  readonly reason: string;
}

export interface ParsedKeySet {
  /** Undefined when not one key is usable: such a set counts as failed. */
  readonly keySet: KeySet | undefined;
  readonly findings: readonly KeyFinding[];
}

/** The largest set that is read. */
export const MAX_JWKS_BYTES = 1024 * 1024;

const MAX_KEYS = 256;
const PRIVATE_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];
/** The members that make the public key and its thumbprint, in the order of RFC 7638 section 3.2. */
const PUBLIC_MEMBERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['EC', ['crv', 'kty', 'x', 'y']],
  ['OKP', ['crv', 'kty', 'x']],
  ['RSA', ['e', 'kty', 'n']],
]);

/** What the keys are for: tokens of an issuer, or JWT-SVIDs of the trust domain whose bundle the set is. */
export type KeyUse = 'sig' | 'jwt-svid';

/** Reads a set; never throws, every refusal is a finding. */
export function parseKeySet(bytes: Uint8Array, use: KeyUse = 'sig'): ParsedKeySet {
  const entries = readEntries(bytes);
  if (typeof entries === 'string') return failed([{ code: 'jwks_malformed', reason: entries }]);

  const findings: KeyFinding[] = [];
  const reject = (index: number, reason: string): void => {
    findings.push({ code: 'jwks_key_rejected', reason: `key ${index}: ${reason}` });
  };
  const readable: VerificationKey[] = [];
  const carriers = new Map<unknown, number>();
  for (const [index, jwk] of entries.entries()) {
    if (!isJsonObject(jwk)) {
      reject(index, 'not an object');
    } else if (isForVerification(jwk, use)) {
      carriers.set(jwk['kid'], (carriers.get(jwk['kid']) ?? 0) + 1);
      const key = readVerificationKey(jwk);
      if (typeof key === 'string') reject(index, key);
      else readable.push(key);
    }
  }
  for (const [kid, count] of carriers) {
    if (typeof kid !== 'string' || count < 2) continue;
    findings.push({
      code: 'jwks_ambiguous_kid',
      reason: `kid ${excerpt(kid)} names ${count} keys; none of them is used`,
    });
  }
  const keys = readable.filter(({ kid }) => kid === undefined || carriers.get(kid) === 1);
  if (keys.length === 0)
    return failed([...findings, { code: 'jwks_no_usable_key', reason: 'no key can verify a token' }]);
  return { keySet: keySetOf(keys), findings };
}

function failed(findings: readonly KeyFinding[]): ParsedKeySet {
  return { keySet: undefined, findings };
}

function keySetOf(keys: readonly VerificationKey[]): KeySet {
  const content = keys.map((key) => JSON.stringify([key.kid, key.algorithms, key.thumbprint])).sort();
  return Object.freeze({
    id: createHash('sha256').update(content.join('\n')).digest('base64url'),
    keys: Object.freeze(keys),
    byKid: new Map(keys.flatMap((key) => (key.kid === undefined ? [] : [[key.kid, key]]))),
  });
}

function readEntries(bytes: Uint8Array): readonly JsonValue[] | string {
  if (bytes.length > MAX_JWKS_BYTES) return `the set has ${bytes.length} bytes, at most ${MAX_JWKS_BYTES} are read`;
  try {
    const set = parseStrictJson(bytes);
    const keys = isJsonObject(set) ? set['keys'] : undefined;
    if (!isJsonArray(keys)) return 'the set is not an object with an array "keys"';
    return keys.length > MAX_KEYS ? `the set has ${keys.length} keys, at most ${MAX_KEYS} are read` : keys;
  } catch (error) {
    if (error instanceof JsonError) return `the set is not acceptable JSON: ${error.message}`;
    throw error;
  }
}

/**
 * Keys for encryption or signing are usual in a set and no fault: RFC 7517 sections 4.2 and 4.3. So are those for X.509-SVIDs in a
 * bundle, where each key says what it is for (SPIFFE Trust Domain and Bundle, section 4.2).
 */
function isForVerification(jwk: JsonObject, wanted: KeyUse): boolean {
  const { use, key_ops: operations, kid } = jwk;
  if (wanted === 'jwt-svid') return use === wanted && kid !== undefined;
  if (use !== undefined && use !== wanted) return false;
  return operations === undefined || (isJsonArray(operations) && operations.includes('verify'));
}

/** One public key, or why it is not used. */
export function readVerificationKey(jwk: JsonObject): VerificationKey | string {
  const { kid, kty, alg } = jwk;
  if (kid !== undefined && (typeof kid !== 'string' || hasControlCharacters(kid)))
    return 'kid is not a printable string';
  const secret = PRIVATE_MEMBERS.find((name) => jwk[name] !== undefined);
  if (kty === 'oct' || secret !== undefined) return 'it holds secret key material, which a public set must not';
  const members = typeof kty === 'string' ? PUBLIC_MEMBERS.get(kty) : undefined;
  if (members === undefined) return 'kty is not RSA, EC or OKP';

  const publicJwk: Record<string, string> = {};
  for (const name of members) {
    const value = jwk[name];
    if (typeof value !== 'string' || value === '') return `${name} is missing or not a string`;
    if (name.length === 1 && decodeBase64url(value) === undefined) return `${name} is not canonical base64url`;
    publicJwk[name] = value;
  }
  const publicKey = importKey(publicJwk);
  if (publicKey === undefined) return 'its curve is not supported, or it is not a point of the curve';
  const weakness = keyWeakness(publicKey);
  if (weakness !== undefined) return weakness;
  const possible = algorithmsFor(publicKey);
  const algorithms = alg === undefined ? possible : possible.filter((name) => name === alg);
  if (algorithms.length === 0) return 'no signature algorithm fits both the key and its alg';
  const thumbprint = createHash('sha256').update(JSON.stringify(publicJwk)).digest('base64url');
  return Object.freeze({ kid, algorithms, publicKey, thumbprint });
}

function importKey(jwk: Record<string, string>): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
}
