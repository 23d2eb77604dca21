/** JSON Web Keys (RFC 7517) as OPA's library accepts them, with its words for what is wrong. */
import { parseJson, toJson } from '../value/json.ts';
import { isObject, objectEntries, objectGet } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { decodeBase64 } from './base64.ts';
import { BuiltinError } from './builtin.ts';
import { typeName } from './operand.ts';
import { quote } from './text.ts';

export interface Jwk {
  readonly members: ObjectValue;
  /** The library's type of the key, such as `rsaPrivateKey`; it is part of its complaints. */
  readonly type: string;
}

interface KeyType {
  readonly name: string;
  readonly required: readonly string[];
  readonly validate: (octets: (member: string) => Uint8Array, curve: string) => string | undefined;
}

const OCTETS: ReadonlySet<string> = new Set(['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'x', 'y', 'k']);
const TEXTS: ReadonlySet<string> = new Set(['kty', 'kid', 'use', 'x5u', 'alg', 'crv']);
const CURVES: ReadonlyMap<string, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
]);
const EDWARDS: ReadonlySet<string> = new Set(['Ed25519', 'Ed448', 'X25519', 'X448']);
const ALGORITHM =
  /^(?:(?:HS|RS|PS|ES)(?:256|384|512)|ES256K|EdDSA(?:Ed25519)?|none|RSA1_5|RSA-OAEP(?:-(?:256|384|512))?|A(?:128|192|256)(?:GCM)?KW|dir|ECDH-ES(?:\+A(?:128|192|256)KW)?|PBES2-HS(?:256\+A128|384\+A192|512\+A256)KW|A(?:128|192|256)GCM|A(?:128CBC-HS256|192CBC-HS384|256CBC-HS512))$/;

/** Every key of a set, or the one key that the text is. @throws BuiltinError */
export function readJwkSet(text: string): readonly Jwk[] {
  const sole = 'jwk.Parse: failed to parse sole key: ';
  let document: Value;
  try {
    document = parseJson(text);
  } catch (error) {
    throw new BuiltinError(`${sole}${PROBE}${error instanceof Error ? error.message : 'unreadable'}`);
  }
  const keys = isObject(document) ? objectGet(document, 'keys') : undefined;
  if (keys === undefined) return [readJwk(document, sole)];
  const set = 'jwk.Parse: failed to unmarshal JWK set: failed to decode ';
  if (!Array.isArray(keys)) throw new BuiltinError(`${set}"keys": expected '[' but got ${firstToken(keys)}`);
  return (keys as readonly Value[]).map((key, index) => readJwk(key, `${set}key #${index} in "keys": `));
}

const PROBE = 'jwk.ParseKey: jwk.Parse: failed to probe data: probe: failed to unmarshal data: ';

function firstToken(value: Value): string {
  return isObject(value) ? '{' : toJson(value);
}

function readJwk(key: Value, where: string): Jwk {
  if (key !== null && !isObject(key)) {
    const type = String.raw`struct { Kty string "json:\"kty\""; D json.RawMessage "json:\"d,omitempty\"" }`;
    throw new BuiltinError(`${where}${PROBE}json: cannot unmarshal ${jsonType(key)} into Go value of type ${type}`);
  }
  const members = key ?? {};
  const kind = objectGet(members, 'kty') ?? '';
  if (typeof kind !== 'string') {
    const field = 'Go struct field .kty of type string';
    throw new BuiltinError(`${where}${PROBE}json: cannot unmarshal ${jsonType(kind)} into ${field}`);
  }
  const isPrivate = objectGet(members, 'd') !== undefined;
  const type = keyType(kind, isPrivate);
  if (type === undefined) throw new BuiltinError(`${where}jwk.ParseKey: invalid key type from JSON (${kind})`);
  const wrong = memberFailure(members, kind) ?? missing(members, type);
  if (wrong !== undefined) {
    const unmarshal = `failed to unmarshal JSON into key (*jwk.${type.name}): `;
    throw new BuiltinError(`${where}jwk.ParseKey: ${unmarshal}${unmarshal}${wrong}`);
  }
  const octets = (member: string): Uint8Array => octetsOf(objectGet(members, member) ?? '') ?? new Uint8Array();
  const curve = objectGet(members, 'crv');
  const invalid = type.validate(octets, typeof curve === 'string' ? curve : '');
  if (invalid === undefined) return { members, type: type.name };
  throw new BuiltinError(`${where}jwk.ParseKey: jwk.Parse: key validation failed: key validation failed: ${invalid}`);
}

function jsonType(value: Value): string {
  return value === true || value === false ? 'bool' : typeName(value);
}

/** How a member reads that is none of its type, in the order of their names. */
function memberFailure(members: ObjectValue, kind: string): string | undefined {
  for (const [name, value] of objectEntries(members)) {
    if (typeof name !== 'string' || (!OCTETS.has(name) && !TEXTS.has(name))) continue;
    const where = `failed to decode value for key ${name}: `;
    if (typeof value !== 'string') {
      return `${where}error reading next value: json: cannot unmarshal ${jsonType(value)} into Go value of type string`;
    }
    if (OCTETS.has(name) && octetsOf(value) === undefined) return `${where}expected base64 encoded []byte (string)`;
    if (name === 'alg' && !ALGORITHM.test(value))
      return `${where}invalid key value: ${quote(value)}: invalid key algorithm`;
    if (name === 'crv' && !(kind === 'OKP' ? EDWARDS.has(value) : CURVES.has(value))) {
      return `${where}unknown EllipticCurveAlgorithm: ${quote(value)}`;
    }
  }
  return undefined;
}

function missing(members: ObjectValue, { required }: KeyType): string | undefined {
  const name = required.find((each) => objectGet(members, each) === undefined);
  return name === undefined ? undefined : `required field ${name} is missing`;
}

/** In either alphabet, with padding or without. */
function octetsOf(value: Value): Uint8Array | undefined {
  if (typeof value !== 'string' || !/^[\w+/-]*={0,2}$/.test(value)) return undefined;
  const digits = value.replace(/=+$/, '').replaceAll('-', '+').replaceAll('_', '/');
  if (digits.length % 4 === 1) return undefined;
  return decodeBase64(digits.padEnd(Math.ceil(digits.length / 4) * 4, '='), 'base64');
}

function keyType(kind: string, isPrivate: boolean): KeyType | undefined {
  const half = isPrivate ? 'Private' : 'Public';
  const required = (...names: readonly string[]): readonly string[] =>
    names.filter((name) => name !== 'd' || isPrivate);
  switch (kind) {
    case 'RSA':
      return {
        name: `rsa${half}Key`,
        required: required('d', 'e', 'n'),
        validate: (octets) => {
          const empty = ['n', 'e'].find((name) => octets(name).length === 0);
          return empty === undefined ? undefined : `jwk.RSA${half}Key: missing "${empty}" value`;
        },
      };
    case 'EC':
      return {
        name: `ecdsa${half}Key`,
        required: required('crv', 'd', 'x', 'y'),
        validate: (octets, curve) => {
          const wrong = ['x', 'y'].find((name) => octets(name).length !== CURVES.get(curve));
          if (wrong === undefined) return undefined;
          return `jwk.ECDSA${half}Key: invalid "${wrong}" length (${octets(wrong).length}) for curve "${curve}"`;
        },
      };
    case 'OKP':
      return {
        name: `okp${half}Key`,
        required: required('crv', 'd', 'x'),
        validate: (octets, curve) => {
          const fits = curve !== 'Ed25519' || octets('x').length === 32;
          return fits ? undefined : `jwk.OKP${half}Key: ed25519: wrong public key size`;
        },
      };
    case 'oct':
      return {
        name: 'symmetricKey',
        required: ['k'],
        validate: (octets) => (octets('k').length === 0 ? 'jwk.SymmetricKey: missing "k" field' : undefined),
      };
    default:
      return undefined;
  }
}
