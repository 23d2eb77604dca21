/**
 * `.signatures.json`: one JSON Web Signature (RFC 7515) over the names and digests of a bundle's files.
 * The algorithm is that of the configured key; what the token says must agree, and never decides.
 */
import { decodeBase64, encodeBase64 } from '../builtins/base64.ts';
import { BuiltinError } from '../builtins/builtin.ts';
import { toBytes } from '../builtins/bytes.ts';
import type { HostCrypto, HostKey, KeyKind, SignatureAlgorithm } from '../builtins/host.ts';
import { firstPemBlock } from '../builtins/pem.ts';
import { isSignatureAlgorithm } from '../builtins/verification-keys.ts';
import { parseJson } from '../value/json.ts';
import { isObject, objectGet } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { refuse } from './bundle-diagnostic.ts';
import { readDocument, readText } from './bundle-document.ts';

export interface BundleKey {
  /** A PEM certificate or public key (`PUBLIC KEY`); for HS256, HS384 and HS512 the secret itself. */
  readonly key: string;
  readonly algorithm: SignatureAlgorithm;
  /** What the token's `scope` must be; absent: it must have none. */
  readonly scope?: string;
}

export interface BundleVerification {
  /** Keys by the id that a signature names. */
  readonly keys: Readonly<Record<string, BundleKey>>;
  /** The key that must have signed; when absent, the signature names one of `keys`. */
  readonly keyId?: string;
  /** As {@link BundleKey.scope}, and in its place. */
  readonly scope?: string;
}

export interface FileDigest {
  readonly file: string;
  readonly algorithm: string;
  /** In hexadecimal. */
  readonly digest: string;
}

export const SIGNATURES = '.signatures.json';
/** Twice what the signature of the largest bundle needs. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * The digests that a trusted key has signed.
 * @throws BundleError when there is any doubt
 */
export function verifiedDigests(
  bytes: Uint8Array,
  verification: BundleVerification,
  crypto: HostCrypto,
): readonly FileDigest[] {
  if (bytes.length > MAX_BYTES) doubt(`is longer than ${MAX_BYTES} bytes`, 'sign fewer files');
  const token = readToken(onlySignature(readDocument(SIGNATURES, bytes)));
  const id = verification.keyId ?? text(token.header, 'kid') ?? text(token.claims, 'keyid') ?? '';
  const trusted = Object.hasOwn(verification.keys, id) ? verification.keys[id] : undefined;
  if (trusted === undefined)
    doubt(`is signed by a key ${JSON.stringify(id)}, which is not trusted`, 'configure its key');
  const { algorithm } = trusted;
  if (!isSignatureAlgorithm(algorithm)) doubt(`the key ${JSON.stringify(id)} is for an unknown algorithm`, 'use RS256');
  const claimed = text(token.header, 'alg') ?? 'none';
  if (claimed !== algorithm) {
    doubt(`is signed with ${JSON.stringify(claimed)}, but its key is for ${algorithm}`, 'sign with --signing-alg');
  }
  if (objectGet(token.header, 'crit') !== undefined) doubt('has a critical header', 'sign it without');
  const key = readKey(id, trusted, crypto);
  if (!isSigned(token, algorithm, key, crypto)) {
    doubt(`the signature is not by the key ${JSON.stringify(id)}`, 'get the bundle from who signed it');
  }
  const [scope, expected] = [text(token.claims, 'scope') ?? '', verification.scope ?? trusted.scope ?? ''];
  if (scope !== expected) {
    doubt(`has the scope ${JSON.stringify(scope)} instead of ${JSON.stringify(expected)}`, 'sign it for this scope');
  }
  return readDigests(objectGet(token.claims, 'files'));
}

function onlySignature(document: Value): string {
  const config = isObject(document) ? document : {};
  const plugin = objectGet(config, 'plugin') ?? '';
  if (plugin !== '_default' && plugin !== '') doubt('is made for a plugin of OPA', 'sign it with opa sign');
  const list = objectGet(config, 'signatures');
  const [token, second] = Array.isArray(list) ? (list as readonly Value[]) : [];
  if (typeof token === 'string' && second === undefined) return token;
  return doubt('does not hold exactly one signature', 'sign it with opa sign');
}

interface Token {
  readonly header: ObjectValue;
  readonly claims: ObjectValue;
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

function readToken(token: string): Token {
  const [header = '', claims = '', signature = '', ...more] = token.split('.');
  if (more.length > 0 || signature === '') doubt('is not three parts with a signature', 'sign it with opa sign');
  return {
    header: jsonPart(header),
    claims: jsonPart(claims),
    signed: toBytes(`${header}.${claims}`),
    signature: bytesPart(signature),
  };
}

function jsonPart(part: string): ObjectValue {
  try {
    const value = parseJson(readText(SIGNATURES, bytesPart(part)));
    if (isObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return doubt('has a part that is no JSON object', 'sign it with opa sign');
}

function bytesPart(part: string): Uint8Array {
  try {
    // Line breaks, which the decoder skips, would make two tokens out of one.
    if (!/\s/.test(part)) return decodeBase64(part, 'base64url', false);
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error;
  }
  return doubt('has a part that is not base64url', 'sign it with opa sign');
}

/** A secret that looks like a public key is one that everybody knows. */
function readKey(id: string, { key: source, algorithm }: BundleKey, crypto: HostCrypto): HostKey {
  const block = firstPemBlock(source);
  const isSecret = algorithm.startsWith('HS');
  const key = isSecret && block === undefined ? secretKey(source, crypto) : block && publicKey(block, crypto);
  if (key === undefined || key.kind !== kindFor(algorithm)) {
    doubt(`the key ${JSON.stringify(id)} cannot be used with ${algorithm}`, 'give a PEM "PUBLIC KEY" or a certificate');
  }
  return key;
}

function secretKey(secret: string, crypto: HostCrypto): HostKey | undefined {
  if (secret === '') return undefined;
  return crypto.jwk({ kty: 'oct', k: encodeBase64(toBytes(secret), 'base64url', false) });
}

function publicKey({ type, bytes }: { type: string; bytes: Uint8Array }, crypto: HostCrypto): HostKey | undefined {
  try {
    if (type === 'CERTIFICATE') return crypto.certificateKey(bytes);
    if (type === 'PUBLIC KEY') return crypto.publicKey(bytes);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  return undefined;
}

function kindFor(algorithm: SignatureAlgorithm): KeyKind {
  if (algorithm === 'EdDSA') return 'ed25519';
  if (algorithm.startsWith('HS')) return 'secret';
  return algorithm.startsWith('ES') ? 'ec' : 'rsa';
}

/** Some keys cannot even try: an RSA key of 512 bits has no room for PS512. */
function isSigned(token: Token, algorithm: SignatureAlgorithm, key: HostKey, crypto: HostCrypto): boolean {
  try {
    return crypto.verify(algorithm, key, token.signed, token.signature);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return false;
  }
}

function readDigests(value: Value | undefined): readonly FileDigest[] {
  if (!Array.isArray(value)) doubt('lists no files', 'sign it with opa sign');
  const digests = (value as readonly Value[]).map((item): FileDigest => {
    const [file, digest, algorithm] = isObject(item)
      ? [text(item, 'name'), text(item, 'hash'), text(item, 'algorithm')]
      : [];
    if (file === undefined || digest === undefined || algorithm === undefined) {
      doubt('lists a file without name, hash and algorithm', 'sign it with opa sign');
    }
    return { file, digest, algorithm };
  });
  if (new Set(digests.map(({ file }) => file)).size < digests.length)
    doubt('lists a file twice', 'sign it with opa sign');
  return digests;
}

function text(object: ObjectValue, name: string): string | undefined {
  const value = objectGet(object, name);
  return typeof value === 'string' ? value : undefined;
}

function doubt(message: string, hint: string): never {
  refuse(SIGNATURES, message, hint);
}
