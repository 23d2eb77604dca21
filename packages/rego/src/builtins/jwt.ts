/** `io.jwt.*`: JSON Web Tokens (RFC 7519) decoded, verified and signed, with OPA's answers to each defect. */
import { keyText, parseJson, toJson } from '../value/json.ts';
import { type BigNumber, compareNumbers, isNumber, toDouble } from '../value/number.ts';
import { isObject, objectEntries, objectGet } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { toBytes } from './bytes.ts';
import { cryptoOf } from './crypto.ts';
import { decodeBase64Url, toHex } from './encoding.ts';
import type { HashName, HostKey, SignatureAlgorithm } from './host.ts';
import { encodeSign } from './jwt-signing.ts';
import { objectOperand, stringOperand } from './operand.ts';
import { ANY, ANY_OBJECT, BOOLEAN, objectOf, STRING, tuple } from './type.ts';
import { isSignatureAlgorithm, kindFor, type VerificationKey, verificationKeys } from './verification-keys.ts';

const STRING_OBJECT = objectOf(STRING, ANY);
/** Tokens within tokens are followed this far. */
const MAX_NESTING = 10;

export const JWT: readonly Builtin[] = [
  {
    name: 'io.jwt.decode',
    args: [STRING],
    result: tuple(ANY_OBJECT, ANY_OBJECT, STRING),
    evaluate: (_, token) => decode(stringOperand(token, 1)),
  },
  ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const).map(
    verifier,
  ),
  ...(['HS256', 'HS384', 'HS512'] as const).map(secretVerifier),
  {
    name: 'io.jwt.decode_verify',
    args: [STRING, STRING_OBJECT],
    result: tuple(BOOLEAN, ANY_OBJECT, ANY_OBJECT),
    nondeterministic: true,
    evaluate: (context, token, constraints) => decodeVerify(context, token, constraints) ?? [false, {}, {}],
  },
  {
    name: 'io.jwt.encode_sign',
    args: [STRING_OBJECT, STRING_OBJECT, STRING_OBJECT],
    result: STRING,
    nondeterministic: true,
    evaluate: (context, header, payload, key) => encodeSign(context, toJson(header), toJson(payload), toJson(key)),
  },
  {
    name: 'io.jwt.encode_sign_raw',
    args: [STRING, STRING, STRING],
    result: STRING,
    nondeterministic: true,
    evaluate: (context, header, payload, key) => {
      const jwk = stringOperand(key, 3);
      return encodeSign(context, stringOperand(header, 1), stringOperand(payload, 2), jwk);
    },
  },
];

interface Token {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
}

function splitToken(text: string): Token {
  if (!text.includes('.')) throw new BuiltinError('encoded JWT had no period separators');
  const parts = text.split('.');
  const [header = '', payload = '', signature = ''] = parts;
  if (parts.length !== 3) throw new BuiltinError(`encoded JWT must have 3 sections, found ${parts.length}`);
  return { header, payload, signature };
}

function signedData({ header, payload }: Token): Uint8Array {
  return toBytes(`${header}.${payload}`);
}

function decodePart(part: string, what: string): string {
  return explained(`JWT ${what} had invalid encoding`, () => decodeBase64Url(part));
}

function explained<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof BuiltinError || error instanceof SyntaxError)
      throw new BuiltinError(`${what}: ${error.message}`);
    throw error;
  }
}

function jsonObject(text: string): ObjectValue {
  const value = explained('invalid JSON', () => parseJson(text));
  if (!isObject(value)) throw new BuiltinError('decoded JSON type was not an Object');
  return value;
}

function decodeHeader(token: Token): ObjectValue {
  const text = decodePart(token.header, 'header');
  const header = explained('bad JWT header', () => jsonObject(text));
  // RFC 7516 section 9: what has "enc" is encrypted.
  if (objectGet(header, 'enc') !== undefined) throw new BuiltinError('JWT is a JWE object, which is not supported');
  return header;
}

function decode(text: string, depth = 0): Value {
  const token = splitToken(text);
  const header = decodeHeader(token);
  const payload = decodePart(token.payload, 'payload');
  if (objectGet(header, 'cty') === 'JWT' && depth < MAX_NESTING)
    return decode(payload.replace(/^["']+|["']+$/g, ''), depth + 1);
  const claims = jsonObject(payload);
  return [header, claims, toHex(toBytes(decodePart(token.signature, 'signature')))];
}

interface Header {
  readonly algorithm: string;
  readonly keyId: string;
  readonly contentType: string;
  /** RFC 7515 section 4.1.11: a critical parameter that we do not know. */
  readonly unknownCritical: boolean;
}

const KNOWN_PARAMETERS = new Set<Value>(['alg', 'kid', 'typ', 'cty', 'crit']);
const CONSTRAINTS = new Set<Value>(['cert', 'secret', 'alg', 'iss', 'aud', 'time']);

function readHeader(header: ObjectValue): Header {
  const text = (name: string): string => {
    const value = objectGet(header, name);
    if (value === undefined) return '';
    if (typeof value !== 'string') throw new BuiltinError(`${name}: must be a string`);
    return value;
  };
  text('typ');
  const critical = objectGet(header, 'crit');
  if (critical !== undefined && !Array.isArray(critical)) throw new BuiltinError('crit: must be a list');
  const names = ((critical ?? []) as readonly Value[]).filter((name) => typeof name === 'string');
  if (critical !== undefined && names.length === 0) throw new BuiltinError('crit: must be a nonempty list');
  const unknown = names.some((name) => !KNOWN_PARAMETERS.has(name) && objectGet(header, name) !== undefined);
  return { algorithm: text('alg'), keyId: text('kid'), contentType: text('cty'), unknownCritical: unknown };
}

function verifier(algorithm: SignatureAlgorithm): Builtin {
  return {
    name: `io.jwt.verify_${algorithm.toLowerCase()}`,
    args: [STRING, STRING],
    result: BOOLEAN,
    evaluate: (context, text, key) => {
      const token = splitToken(stringOperand(text, 1));
      const keys = verificationKeys(context, stringOperand(key, 2));
      const signature = toBytes(decodeBase64Url(token.signature));
      const header = readHeader(decodeHeader(token));
      return anyVerifies(keys, header, (candidate) => verifies(context, algorithm, candidate, token, signature));
    },
  };
}

/** The key that the token names, if we have it; otherwise any key that does not claim another algorithm. */
function anyVerifies(keys: readonly VerificationKey[], header: Header, check: (key: HostKey) => boolean): boolean {
  const named = header.keyId === '' ? undefined : keys.find(({ id }) => id === header.keyId);
  if (named !== undefined) return check(named.key);
  return keys.some(({ key, algorithm }) => (algorithm === '' || algorithm === header.algorithm) && check(key));
}

function verifies(
  context: BuiltinContext,
  algorithm: SignatureAlgorithm,
  key: HostKey,
  token: Token,
  signature: Uint8Array,
): boolean {
  if (key.kind !== kindFor(algorithm)) return false;
  return cryptoOf(context).verify(algorithm, key, signedData(token), signature);
}

function secretVerifier(algorithm: SignatureAlgorithm): Builtin {
  return {
    name: `io.jwt.verify_${algorithm.toLowerCase()}`,
    args: [STRING, STRING],
    result: BOOLEAN,
    evaluate: (context, text, secret) => {
      const [encoded, key] = [stringOperand(text, 1), toBytes(stringOperand(secret, 2))];
      const token = splitToken(encoded);
      return secretVerifies(context, algorithm, key, token, toBytes(decodeBase64Url(token.signature)));
    },
  };
}

function secretVerifies(
  context: BuiltinContext,
  algorithm: SignatureAlgorithm,
  secret: Uint8Array,
  token: Token,
  signature: Uint8Array,
): boolean {
  const crypto = cryptoOf(context);
  return crypto.equal(crypto.hmac(`sha${algorithm.slice(2)}` as HashName, secret, signedData(token)), signature);
}

interface Constraints {
  readonly keys: readonly VerificationKey[] | undefined;
  readonly secret: string;
  readonly algorithm: string;
  readonly issuer: string;
  readonly audience: string;
  readonly nanoseconds: number;
}

function readConstraints(context: BuiltinContext, value: Value): Constraints {
  const object = objectOperand(value, 2);
  for (const [name] of objectEntries(object)) {
    if (!CONSTRAINTS.has(name)) throw new BuiltinError(`unknown token validation constraint: ${keyText(name)}`);
  }
  const text = (name: string): string | undefined => {
    const constraint = objectGet(object, name);
    if (constraint !== undefined && typeof constraint !== 'string')
      throw new BuiltinError(`${name} constraint: must be a string`);
    return constraint;
  };
  const certificate = text('cert');
  const keys = certificate === undefined ? undefined : verificationKeys(context, certificate);
  const secret = text('secret') ?? '';
  if (keys !== undefined && secret !== '') throw new BuiltinError('duplicate key constraints');
  if (keys === undefined && secret === '') throw new BuiltinError('no key constraint');
  return {
    keys,
    secret,
    algorithm: text('alg') ?? '',
    issuer: text('iss') ?? '',
    audience: text('aud') ?? '',
    nanoseconds: timeConstraint(context, objectGet(object, 'time')),
  };
}

function timeConstraint(context: BuiltinContext, time: Value | undefined): number {
  if (time === undefined) return Number(context.now);
  if (!isNumber(time)) throw new BuiltinError('token time constraint: must be a number');
  const nanoseconds = toDouble(time);
  if (nanoseconds < 0) throw new BuiltinError('token time constraint: must not be negative');
  return nanoseconds;
}

/** @returns undefined when the token does not verify or breaks a constraint */
function decodeVerify(context: BuiltinContext, value: Value, constraintsValue: Value): Value | undefined {
  const constraints = readConstraints(context, constraintsValue);
  let text = stringOperand(value, 1);
  for (let depth = 0; depth < MAX_NESTING; depth += 1) {
    const token = splitToken(text);
    const decoded = decodeHeader(token);
    const header = readHeader(decoded);
    if (header.algorithm === '' || header.unknownCritical) return undefined;
    if (constraints.algorithm !== '' && constraints.algorithm !== header.algorithm) return undefined;
    const signature = toBytes(decodeBase64Url(token.signature));
    if (!signatureHolds(context, constraints, header, token, signature)) return undefined;
    const payload = decodePart(token.payload, 'payload');
    if (header.contentType.toUpperCase() !== 'JWT') {
      const claims = jsonObject(payload);
      return claimsHold(claims, constraints) ? [true, decoded, claims] : undefined;
    }
    text = payload;
  }
  throw new BuiltinError('token is nested too deeply');
}

function signatureHolds(
  context: BuiltinContext,
  constraints: Constraints,
  header: Header,
  token: Token,
  signature: Uint8Array,
): boolean {
  const { algorithm } = header;
  if (!isSignatureAlgorithm(algorithm)) return false;
  if (constraints.keys === undefined) {
    return (
      algorithm.startsWith('HS') && secretVerifies(context, algorithm, toBytes(constraints.secret), token, signature)
    );
  }
  return anyVerifies(constraints.keys, header, (key) => verifies(context, algorithm, key, token, signature));
}

function claimsHold(claims: ObjectValue, constraints: Constraints): boolean {
  if (constraints.issuer !== '' && objectGet(claims, 'iss') !== constraints.issuer) return false;
  const audience = objectGet(claims, 'aud');
  if (audience === undefined ? constraints.audience !== '' : !isFor(audience, constraints.audience)) return false;
  const seconds = constraints.nanoseconds / 1e9;
  const expiry = timeClaim(claims, 'exp');
  if (expiry !== undefined && compareNumbers(seconds, expiry) >= 0) return false;
  const start = timeClaim(claims, 'nbf');
  return start === undefined || compareNumbers(seconds, start) >= 0;
}

function isFor(audience: Value, wanted: string): boolean {
  return Array.isArray(audience) ? audience.includes(wanted) : audience === wanted;
}

function timeClaim(claims: ObjectValue, name: 'exp' | 'nbf'): number | BigNumber | undefined {
  const value = objectGet(claims, name);
  if (value === undefined || isNumber(value)) return value;
  throw new BuiltinError(`${name} value must be a number`);
}
