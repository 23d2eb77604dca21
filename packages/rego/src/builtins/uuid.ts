/** `uuid.rfc4122` and `uuid.parse`. */
import { numberFromInteger } from '../value/number.ts';
import { emptyObject } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import type { Builtin, BuiltinContext } from './builtin.ts';
import { stringOperand } from './operand.ts';
import { ANY, objectOf, STRING } from './type.ts';

export const UUID: readonly Builtin[] = [
  {
    name: 'uuid.rfc4122',
    args: [STRING],
    result: STRING,
    nondeterministic: true,
    evaluate: (context, seed) => randomUuid(context, stringOperand(seed, 1)),
  },
  {
    name: 'uuid.parse',
    args: [STRING],
    result: objectOf(STRING, ANY),
    evaluate: (_, text) => parseUuid(stringOperand(text, 1)),
  },
];

/** A version 4 UUID, the same one for the same seed within a query. */
function randomUuid(context: BuiltinContext, seed: string): string {
  const key = `uuid.rfc4122 ${seed}`;
  const known = context.cache.get(key);
  if (typeof known === 'string') return known;
  const digits = Array.from({ length: 32 }, () => Math.floor(context.random() * 16).toString(16));
  digits[12] = '4';
  digits[16] = '89ab'.charAt(Math.floor(context.random() * 4));
  const hex = digits.join('');
  const uuid = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  context.cache.set(key, uuid);
  return uuid;
}

const HEX = '[0-9a-f]';
const FORMS = [
  new RegExp(`^(?:urn:uuid:)?(${HEX}{8})-(${HEX}{4})-(${HEX}{4})-(${HEX}{4})-(${HEX}{12})$`, 'i'),
  // What stands around one that is 38 long is not looked at.
  new RegExp(`^[\\x00-\\x7f](${HEX}{8})-(${HEX}{4})-(${HEX}{4})-(${HEX}{4})-(${HEX}{12})[\\x00-\\x7f]$`, 'i'),
  new RegExp(`^(${HEX}{8})(${HEX}{4})(${HEX}{4})(${HEX}{4})(${HEX}{12})$`, 'i'),
];
/** 100 ns steps from 1582-10-15 to 1970. */
const GREGORIAN_EPOCH = 122_192_928_000_000_000n;
const DOMAINS: Readonly<Record<number, string>> = { 0: 'Person', 1: 'Group', 2: 'Org' };

/** @returns undefined when the text is no UUID */
function parseUuid(text: string): Value | undefined {
  const match = FORMS.map((form) => form.exec(text)).find((found) => found !== null);
  if (match === undefined) return undefined;
  const [low = '', mid = '', high = '', sequence = '', node = ''] = match.slice(1);
  const version = Number.parseInt(high.slice(0, 1), 16);
  const result = emptyObject();
  result.version = version;
  result.variant = variantOf(Number.parseInt(sequence.slice(0, 2), 16));
  if (version !== 1 && version !== 2) return result;
  // OPA reads all sixty bits as time, although in version 2 the low ones are an identifier.
  const ticks = ((BigInt(`0x${high}`) & 0xfffn) << 48n) | (BigInt(`0x${mid}`) << 32n) | BigInt(`0x${low}`);
  result.time = numberFromInteger(BigInt.asIntN(64, (ticks - GREGORIAN_EPOCH) * 100n));
  result.nodeid = (node.match(/../g) ?? []).join('-').toLowerCase();
  result.macvariables = macVariables(Number.parseInt(node.slice(0, 2), 16));
  result.clocksequence = Number.parseInt(sequence, 16) & 0x3fff;
  if (version === 2) {
    result.id = Number.parseInt(low, 16);
    const domain = Number.parseInt(sequence.slice(2), 16);
    result.domain = DOMAINS[domain] ?? `Domain${domain}`;
  }
  return result;
}

function variantOf(byte: number): string {
  if ((byte & 0xc0) === 0x80) return 'RFC4122';
  if ((byte & 0xe0) === 0xc0) return 'Microsoft';
  return (byte & 0xe0) === 0xe0 ? 'Future' : 'Reserved';
}

function macVariables(byte: number): string {
  return `${(byte & 2) === 0 ? 'global' : 'local'}:${(byte & 1) === 0 ? 'unicast' : 'multicast'}`;
}
