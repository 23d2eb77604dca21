/** JSON Web Tokens signed (RFC 7515), with OPA's complaints about headers and keys. */
import { parseJson } from '../value/json.ts';
import { isObject, objectGet } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { encodeBase64 } from './base64.ts';
import { type BuiltinContext, BuiltinError } from './builtin.ts';
import { toBytes } from './bytes.ts';
import { cryptoOf } from './crypto.ts';
import type { KeyKind, SignatureAlgorithm } from './host.ts';
import { type Jwk, readJwkSet } from './jwk.ts';
import { typeName } from './operand.ts';
import { hostKey, isSignatureAlgorithm, kindFor } from './verification-keys.ts';

/** @throws BuiltinError */
export function encodeSign(context: BuiltinContext, header: string, payload: string, jwk: string): string {
  const [first] = readJwkSet(jwk);
  if (first === undefined) throw new BuiltinError('no keys found in JWK set');
  const parameters = headerParameters(header);
  const algorithm = objectGet(parameters, 'alg');
  if (algorithm === undefined) throw invalidAlgorithm('jwsbb: header "alg" not found');
  if (typeof algorithm !== 'string') {
    throw invalidAlgorithm(`value doesn't contain string; it contains ${jsonType(algorithm)}`);
  }
  if (!isSignatureAlgorithm(algorithm)) throw new BuiltinError(`unknown JWS algorithm: ${algorithm}`);
  const type = objectGet(parameters, 'typ');
  if ((typeof type !== 'string' || type === 'JWT') && !isJson(payload)) {
    throw new BuiltinError('type is JWT but payload is not JSON');
  }
  checkSigningKey(algorithm, first);
  const signed = [header, payload].map((part) => encodeBase64(toBytes(part), 'base64url', false)).join('.');
  const signature = signatureOf(context, algorithm, first.members, signed);
  return `${signed}.${encodeBase64(signature, 'base64url', false)}`;
}

function jsonType(value: Value): string {
  return typeof value === 'boolean' ? String(value) : typeName(value);
}

/** The library's types of the keys that sign, and its own for each of them. */
const SIGNING_KEYS: Readonly<Record<KeyKind, readonly [type: string, wanted: string]>> = {
  secret: ['symmetricKey', '[]byte'],
  rsa: ['rsaPrivateKey', '*rsa.PrivateKey'],
  ec: ['ecdsaPrivateKey', '*ecdsa.PrivateKey'],
  ed25519: ['okpPrivateKey', 'ed25519.PrivateKey'],
};

function checkSigningKey(algorithm: SignatureAlgorithm, { members, type }: Jwk): void {
  const [fitting, wanted] = SIGNING_KEYS[kindFor(algorithm)];
  const absent =
    type === 'rsaPrivateKey' ? ['p', 'q'].find((name) => objectGet(members, name) === undefined) : undefined;
  if (type === fitting && absent === undefined) return;
  const bare = wanted.replace('*', '');
  const produce = `${bare === '[]byte' ? 'keyconv: ' : ''}failed to produce ${bare} from *jwk.${type}`;
  const why =
    type === fitting
      ? `failed to export jwk.Key to raw format: missing "${absent ?? ''}" value`
      : type === 'okpPrivateKey'
        ? `failed to assign key: argument to AssignIfCompatible() must be compatible with ed25519.PrivateKey (was *${bare})`
        : `no suitable exporter found for key type '*jwk.${type}'`;
  throw new BuiltinError(
    `jwsbb.Sign: invalid key type *jwk.${type}. ${wanted} is required: ${produce}: jwk.Export: ${why}`,
  );
}

/** A key can look well and yet not sign: what it is made of need not fit together. */
function signatureOf(
  context: BuiltinContext,
  algorithm: SignatureAlgorithm,
  members: ObjectValue,
  signed: string,
): Uint8Array {
  try {
    return cryptoOf(context).sign(algorithm, hostKey(context, members), toBytes(signed));
  } catch {
    throw new BuiltinError(`the key does not sign with ${algorithm}`);
  }
}

function headerParameters(header: string): ObjectValue {
  if (header === '') throw invalidAlgorithm('cannot parse JSON: cannot parse empty string; unparsed tail: ""');
  try {
    const value = parseJson(header);
    return isObject(value) ? value : {};
  } catch (error) {
    // OPA's parser takes anything made of a number's characters for a number.
    if (/^[\d.eE+-]+$/.test(header)) return {};
    throw invalidAlgorithm(`cannot parse JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}

function invalidAlgorithm(why: string): BuiltinError {
  return new BuiltinError(`missing or invalid 'alg' header: ${why}`);
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch {
    return false;
  }
}
