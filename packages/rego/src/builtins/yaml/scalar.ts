/** What YAML takes an unquoted scalar for, as Go's yaml does: the core schema with a few words and numbers of YAML 1.1. */
import { readGoNumber } from '../go-number.ts';
import { isTime, parseTime } from '../time-parse.ts';

export type Scalar =
  | { readonly kind: 'text' | 'null' | 'merge' | 'timestamp' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number };

const TEXT: Scalar = { kind: 'text' };
const WORDS: ReadonlyMap<string, Scalar> = new Map<string, Scalar>([
  ...['', '~', 'null', 'Null', 'NULL'].map((word) => [word, { kind: 'null' }] as const),
  ...['true', 'True', 'TRUE'].map((word) => [word, { kind: 'boolean', value: true }] as const),
  ...['false', 'False', 'FALSE'].map((word) => [word, { kind: 'boolean', value: false }] as const),
  ...['.inf', '.Inf', '.INF'].flatMap((word) => [
    [word, { kind: 'float', value: Number.POSITIVE_INFINITY }] as const,
    [`+${word}`, { kind: 'float', value: Number.POSITIVE_INFINITY }] as const,
    [`-${word}`, { kind: 'float', value: Number.NEGATIVE_INFINITY }] as const,
  ]),
  ...['.nan', '.NaN', '.NAN'].map((word) => [word, { kind: 'float', value: Number.NaN }] as const),
  ['<<', { kind: 'merge' }],
]);
/** The layout of a timestamp by what follows its date. */
const TIMESTAMPS: Readonly<Record<string, string>> = {
  T: '2006-1-2T15:4:5.999999999Z07:00',
  t: '2006-1-2t15:4:5.999999999Z07:00',
  ' ': '2006-1-2 15:4:5.999999999',
  '': '2006-1-2',
};

export function resolveScalar(text: string): Scalar {
  if (!/^(?:[-+.~<\dnNtTfF]|$)/.test(text)) return TEXT;
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  if (text.startsWith('.')) return floatOf(readGoNumber(text));
  if (!/^[+\-\d]/.test(text)) return TEXT;
  if (/^(?:0|[1-9]\d{0,14})$/.test(text)) return { kind: 'integer', value: BigInt(text) };
  if (readTimestamp(text) !== undefined) return { kind: 'timestamp' };
  const plain = text.replaceAll('_', '');
  const integer = integerOf(plain);
  if (integer !== undefined) return { kind: 'integer', value: integer };
  return floatOf(/^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/.test(plain) ? readGoNumber(plain) : undefined);
}

/** Nanoseconds since 1970, when it is a date, with or without a time. */
export function readTimestamp(text: string): bigint | undefined {
  const [, separator] = /^\d{4}-\d\d?-\d\d?(.?)/.exec(text) ?? [];
  const layout = separator === undefined ? undefined : TIMESTAMPS[separator];
  return layout !== undefined && isTime(layout, text) ? parseTime(layout, text) : undefined;
}

/** Texts that YAML 1.1 reads as something else; they are quoted for its sake. */
export function isOldScalar(text: string): boolean {
  return OLD_BOOLEAN.test(text) || /^[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?$/.test(text);
}

const OLD_BOOLEAN = /^(?:y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF)$/;

function floatOf(number: string | undefined): Scalar {
  const value = Number(number);
  // What is too great for a double is a text.
  return number === undefined || !Number.isFinite(value) ? TEXT : { kind: 'float', value };
}

/** In any base, within 64 bits. */
function integerOf(text: string): bigint | undefined {
  const match = /^([+-]?)(0[xX][\da-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|[1-9]\d*|0)$/.exec(text);
  if (match === null) return undefined;
  const [, sign = '', digits = ''] = match;
  const magnitude = BigInt(/^0\d/.test(digits) ? `0o${digits}` : digits);
  if (sign === '' && magnitude < 1n << 64n) return magnitude;
  const value = sign === '-' ? -magnitude : magnitude;
  return BigInt.asIntN(64, value) === value ? value : undefined;
}
