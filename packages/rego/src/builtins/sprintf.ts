/**
 * Go's `fmt.Sprintf` over Rego values, with Go's complaints in place: `%!d(string=a)`, `%!s(MISSING)`,
 * `%!(EXTRA int64=1)`. Numbers arrive as int64, *big.Int or float64, strings as strings, anything else as its text.
 */
import { BigNumber, numberText, toDouble } from '../value/number.ts';
import type { Value } from '../value/value.ts';
import { formatBinaryFloat, formatFloat, formatHexFloat } from './go-float.ts';
import { escapeRune, isPrintable, quote, regoText } from './text.ts';
import { bounded } from './text-length.ts';

export type Argument =
  | { readonly type: 'int64' | '*big.Int'; readonly value: bigint }
  | { readonly type: '<nil>' }
  | FloatArgument
  | StringArgument;
interface FloatArgument {
  readonly type: 'float64';
  readonly value: number;
}
interface StringArgument {
  readonly type: 'string' | 'json.Number';
  readonly value: string;
}

interface Spec {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width: number | undefined;
  precision: number | undefined;
}

/** Go refuses widths and precisions beyond this. */
const MAX_WIDTH = 1_000_000;

/** @throws BuiltinError before widths of a million each become a text that fills the memory */
export function formatGo(format: string, values: readonly Value[]): string {
  return formatArguments(format, values.map(toArgument));
}

/** @throws BuiltinError as {@link formatGo} */
export function formatArguments(format: string, args: readonly Argument[]): string {
  return bounded(new Formatter(format, args).run());
}

class Formatter {
  readonly #format: string;
  readonly #args: readonly Argument[];
  #at = 0;
  #next = 0;
  #reordered = false;
  #goodIndex = true;
  /** An explicit index stands right before. */
  #afterIndex = false;

  constructor(format: string, args: readonly Argument[]) {
    this.#format = format;
    this.#args = args;
  }

  run(): string {
    let result = '';
    while (this.#at < this.#format.length) {
      const percent = this.#format.indexOf('%', this.#at);
      if (percent < 0) break;
      result += this.#format.slice(this.#at, percent);
      this.#at = percent + 1;
      result = bounded(result + this.#directive());
    }
    return result + this.#format.slice(this.#at) + this.#extra();
  }

  #directive(): string {
    this.#goodIndex = true;
    const spec = this.#flags();
    this.#index();
    const complaint = this.#width(spec) + this.#precision(spec);
    if (!this.#afterIndex) this.#index();
    const rune = this.#format.codePointAt(this.#at);
    if (rune === undefined) return `${complaint}%!(NOVERB)`;
    const verb = String.fromCodePoint(rune);
    this.#at += verb.length;
    if (verb === '%') return `${complaint}%`;
    if (!this.#goodIndex) return `${complaint}%!${verb}(BADINDEX)`;
    const argument = this.#args[this.#next];
    if (argument === undefined) return `${complaint}%!${verb}(MISSING)`;
    this.#next += 1;
    return complaint + formatVerb(argument, verb, spec);
  }

  #flags(): Spec {
    const spec: Spec = {
      minus: false,
      plus: false,
      sharp: false,
      space: false,
      zero: false,
      width: undefined,
      precision: undefined,
    };
    for (;;) {
      switch (this.#format[this.#at]) {
        case '#':
          spec.sharp = true;
          break;
        case '0':
          spec.zero = true;
          break;
        case '+':
          spec.plus = true;
          break;
        case '-':
          spec.minus = true;
          break;
        case ' ':
          spec.space = true;
          break;
        default:
          return spec;
      }
      this.#at += 1;
    }
  }

  /** An explicit argument index, `[2]`. */
  #index(): void {
    this.#afterIndex = false;
    if (this.#format[this.#at] !== '[') return;
    this.#reordered = true;
    const close = this.#format.indexOf(']', this.#at);
    const digits = close < 0 ? '' : this.#format.slice(this.#at + 1, close);
    this.#afterIndex = /^\d{1,7}$/.test(digits);
    const index = this.#afterIndex ? Number(digits) - 1 : -1;
    this.#at = close < 0 ? this.#at + 1 : close + 1;
    if (index < 0 || index >= this.#args.length) this.#goodIndex = false;
    else this.#next = index;
  }

  #width(spec: Spec): string {
    if (this.#format[this.#at] !== '*') {
      spec.width = this.#digits();
      if (this.#afterIndex && spec.width !== undefined) this.#goodIndex = false;
      return '';
    }
    this.#at += 1;
    this.#afterIndex = false;
    const width = this.#star();
    if (width === undefined) return '%!(BADWIDTH)';
    if (width < 0) spec.minus = true;
    spec.width = Math.abs(width);
    return '';
  }

  #precision(spec: Spec): string {
    if (this.#format[this.#at] !== '.') return '';
    this.#at += 1;
    if (this.#afterIndex) this.#goodIndex = false;
    this.#index();
    if (this.#format[this.#at] !== '*') {
      spec.precision = this.#digits() ?? 0;
      return '';
    }
    this.#at += 1;
    this.#afterIndex = false;
    const precision = this.#star();
    if (precision === undefined || precision < 0) return '%!(BADPREC)';
    spec.precision = precision;
    return '';
  }

  #star(): number | undefined {
    const argument = this.#args[this.#next];
    if (argument === undefined) return undefined;
    this.#next += 1;
    if (argument.type !== 'int64') return undefined;
    const value = Number(argument.value);
    return Math.abs(value) > MAX_WIDTH ? undefined : value;
  }

  #digits(): number | undefined {
    const digits = /\d*/y;
    digits.lastIndex = this.#at;
    const text = digits.exec(this.#format)?.[0] ?? '';
    if (text === '') return undefined;
    // Go looks before it reads one more digit, and then gives up on the rest of the format.
    const tooLarge = Number(text.slice(0, -1)) > MAX_WIDTH;
    this.#at = tooLarge ? this.#format.length : this.#at + text.length;
    return tooLarge ? undefined : Number(text);
  }

  #extra(): string {
    if (this.#reordered || this.#next >= this.#args.length) return '';
    const rest = this.#args
      .slice(this.#next)
      .map((argument) => (argument.type === '<nil>' ? argument.type : `${argument.type}=${plain(argument)}`));
    return `%!(EXTRA ${rest.join(', ')})`;
  }
}

function toArgument(value: Value): Argument {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value !== 'number' && !(value instanceof BigNumber)) return { type: 'string', value: regoText(value) };
  const text = numberText(value);
  if (/^-?\d+$/.test(text)) {
    const integer = BigInt(text);
    return { type: BigInt.asIntN(64, integer) === integer ? 'int64' : '*big.Int', value: integer };
  }
  const double = toDouble(value);
  return Number.isFinite(double) ? { type: 'float64', value: double } : { type: 'string', value: text };
}

function plain(argument: Exclude<Argument, { type: '<nil>' }>): string {
  return argument.type === 'float64' ? formatFloat(argument.value, 'g') : String(argument.value);
}

/** The verb as written. `%+v` and `%#v` ask structures for more, not numbers; big integers look at the flags themselves. */
function formatVerb(argument: Argument, verb: string, spec: Spec): string {
  if ((verb !== 'v' && verb !== 'w') || argument.type === '*big.Int') return formatArgument(argument, verb, spec);
  const plain = { ...spec, plus: false, sharp: false };
  if (!spec.sharp || argument.type !== 'string') return formatArgument(argument, verb, plain);
  const quoted = pad(quote(truncated(argument.value, spec)), spec);
  return verb === 'v' ? quoted : `%!w(string=${quoted})`;
}

function formatArgument(argument: Argument, verb: string, spec: Spec): string {
  if (verb === 'T') return pad(truncated(argument.type, spec), spec);
  if (verb === 'p') return bad(argument, verb, spec);
  switch (argument.type) {
    case '<nil>':
      return verb === 'v' ? pad('<nil>', spec) : `%!${verb}(<nil>)`;
    case 'string':
    case 'json.Number':
      return formatString(argument, verb, spec);
    case 'float64':
      return formatDouble(argument, verb, spec);
    default:
      return formatInteger(argument, verb, spec);
  }
}

/** The complaint shows the value as `%v` would, width and flags included. */
function bad(argument: Argument, verb: string, spec: Spec): string {
  if (argument.type === '*big.Int') return `%!${verb}(big.Int=${argument.value})`;
  return `%!${verb}(${argument.type}=${formatArgument(argument, 'v', spec)})`;
}

function formatString(argument: StringArgument, verb: string, spec: Spec): string {
  const text = truncated(argument.value, spec);
  switch (verb) {
    case 'v':
    case 's':
      return pad(text, spec);
    case 'q':
      return pad(quoteString(text, spec), spec);
    case 'x':
    case 'X':
      return pad(hexBytes(argument.value, verb === 'X', spec), spec);
    default:
      return bad(argument, verb, spec);
  }
}

function quoteString(text: string, spec: Spec): string {
  if (spec.sharp && canBackquote(text)) return `\`${text}\``;
  return spec.plus ? ascii(quote(text)) : quote(text);
}

/** One line without what Go would escape; a tab may stand in it. */
function canBackquote(text: string): boolean {
  return (
    !/[`\ufeff]/.test(text) && Array.from(text).every((rune) => rune === '\t' || (rune >= ' ' && rune !== '\u007f'))
  );
}

function ascii(text: string): string {
  return text.replace(/\P{ASCII}/gu, escapeRune);
}

function truncated(text: string, { precision }: Spec): string {
  return precision === undefined ? text : Array.from(text).slice(0, precision).join('');
}

function hexBytes(text: string, upper: boolean, spec: Spec): string {
  const bytes = [...new TextEncoder().encode(text)].slice(0, spec.precision);
  const prefix = spec.sharp ? '0x' : '';
  const pairs = bytes.map((byte) => (spec.space ? prefix : '') + byte.toString(16).padStart(2, '0'));
  const hex = spec.space ? pairs.join(' ') : (pairs.length > 0 ? prefix : '') + pairs.join('');
  return upper ? hex.toUpperCase() : hex;
}

const RADIX: Readonly<Record<string, readonly [radix: number, prefix: string]>> = {
  v: [10, ''],
  d: [10, ''],
  b: [2, '0b'],
  o: [8, '0'],
  O: [8, '0o'],
  x: [16, '0x'],
  X: [16, '0X'],
};

function formatInteger(argument: Argument & { value: bigint }, verb: string, spec: Spec): string {
  if (argument.type === 'int64' && (verb === 'c' || verb === 'q' || verb === 'U'))
    return formatRune(argument.value, verb, spec);
  // Go's big integers, unlike its machine integers, also print for %s.
  const radix = RADIX[verb === 's' && argument.type === '*big.Int' ? 'd' : verb];
  if (radix === undefined) return bad(argument, verb, spec);
  const negative = argument.value < 0n;
  let digits = (negative ? -argument.value : argument.value).toString(radix[0]);
  if (verb === 'X') digits = digits.toUpperCase();
  if (spec.precision !== undefined) {
    if (spec.precision === 0 && argument.value === 0n) return pad('', { ...spec, zero: false });
    digits = digits.padStart(spec.precision, '0');
  }
  const sign = negative ? '-' : spec.plus ? '+' : spec.space ? ' ' : '';
  const zero = spec.zero && spec.precision === undefined;
  if (argument.type === '*big.Int') {
    const prefix = verb === 'O' || spec.sharp ? radix[1] : '';
    return padNumber(sign + prefix, digits, { ...spec, zero });
  }
  // A machine integer's prefix comes on top of the width that zeros fill.
  if (zero && !spec.minus && spec.width !== undefined) digits = digits.padStart(spec.width - sign.length, '0');
  const octal = radix[0] === 8 && spec.sharp && !digits.startsWith('0') ? '0' : '';
  const prefix = verb === 'O' ? '0o' : spec.sharp && radix[0] !== 8 ? radix[1] : '';
  return pad(sign + prefix + octal + digits, { ...spec, zero: false });
}

function formatRune(value: bigint, verb: string, spec: Spec): string {
  const valid = value >= 0n && value <= 0x10ffffn && !(value >= 0xd800n && value <= 0xdfffn);
  const rune = valid ? String.fromCodePoint(Number(value)) : '\ufffd';
  if (verb === 'c') return pad(rune, spec);
  if (verb === 'q') return pad(spec.plus ? ascii(quoteRune(rune)) : quoteRune(rune), spec);
  const code = BigInt.asUintN(64, value)
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(4, spec.precision ?? 0), '0');
  return pad(spec.sharp && valid && isPrintable(rune) ? `U+${code} '${rune}'` : `U+${code}`, { ...spec, zero: false });
}

function quoteRune(rune: string): string {
  if (rune === "'") return "'\\''";
  if (rune === '"') return `'"'`;
  const quoted = quote(rune).slice(1, -1);
  return `'${quoted === rune || quoted.startsWith('\\') ? quoted : escapeRune(rune)}'`;
}

function formatDouble(argument: FloatArgument, verb: string, spec: Spec): string {
  const written = doubleText(argument.value, verb, spec.precision);
  if (written === undefined) return bad(argument, verb, spec);
  const text = spec.sharp && verb !== 'b' ? withPoint(written, verb, spec.precision) : written;
  const negative = text.startsWith('-');
  const sign = negative ? '-' : spec.plus ? '+' : spec.space ? ' ' : '';
  return padNumber(sign, text.replace(/^[+-]/, ''), spec);
}

/** What `#` asks of a float: a point, and for `%g` and `%x` no trailing zero removed. */
function withPoint(text: string, verb: string, precision: number | undefined): string {
  const hex = verb === 'x' || verb === 'X';
  const [, sign = '', number = '', tail = ''] =
    (hex ? /^(-?)(.*?)([pP].*)?$/ : /^(-?)(.*?)([eE].*)?$/).exec(text) ?? [];
  const kept = 'vgGx'.includes(verb) ? (precision ?? 6) : 0;
  const point = number.includes('.') ? '' : '.';
  const significant = number.replace('.', '').replace(/^0+/, '').length + (number === '0' ? 1 : 0);
  return `${sign}${number}${point}${'0'.repeat(Math.max(0, kept - significant))}${tail}`;
}

function doubleText(value: number, verb: string, precision: number | undefined): string | undefined {
  switch (verb) {
    case 'v':
    case 'g':
      return formatFloat(value, 'g', precision);
    case 'G':
      return formatFloat(value, 'g', precision).toUpperCase();
    case 'e':
      return formatFloat(value, 'e', precision ?? 6);
    case 'E':
      return formatFloat(value, 'e', precision ?? 6).toUpperCase();
    case 'f':
    case 'F':
      return formatFloat(value, 'f', precision ?? 6);
    case 'x':
      return formatHexFloat(value, precision);
    case 'X':
      return formatHexFloat(value, precision).toUpperCase();
    case 'b':
      return formatBinaryFloat(value);
    default:
      return undefined;
  }
}

function padNumber(prefix: string, digits: string, spec: Spec): string {
  if (!spec.zero || spec.minus || spec.width === undefined) return pad(prefix + digits, { ...spec, zero: false });
  return prefix + digits.padStart(spec.width - prefix.length, '0');
}

function pad(text: string, spec: Spec): string {
  if (spec.width === undefined) return text;
  const missing = spec.width - Array.from(text).length;
  if (missing <= 0) return text;
  if (spec.minus) return text + ' '.repeat(missing);
  return (spec.zero ? '0' : ' ').repeat(missing) + text;
}
