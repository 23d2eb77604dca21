/** Numbers as Go's `strconv.ParseFloat` reads them, written as JSON writes them. */

/** Smaller powers of two than this times any mantissa that fits a message are zero to a double. */
const MIN_EXPONENT = -10_000;

/** The JSON text of `+5`, `05`, `.5`, `5.`, `1_000` or `0x1p-2`; undefined when Go reads no number. */
export function readGoNumber(text: string): string | undefined {
  const hex = /^([+-]?)0[xX]_?([\da-fA-F_]*)\.?([\da-fA-F_]*)[pP]([+-]?\d+)$/.exec(text);
  if (hex !== null) return readHex(text, hex);
  const plain = text.replace(/(?<=\d)_(?=\d)/g, '');
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(plain) ? jsonNumber(plain) : undefined;
}

/** Go reads `+5`, `05`, `.5` and `5.` too. */
export function jsonNumber(text: string): string {
  return text
    .replace(/^\+/, '')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.(?=$|[eE])/, '')
    .replace(/^(-?)0+(?=\d)/, '$1');
}

function readHex(text: string, [, sign, whole = '', fraction = '', power]: RegExpExecArray): string | undefined {
  const digits = (whole + fraction).replaceAll('_', '');
  if (digits === '' || /__|_\.|\._|_[pP]/.test(text)) return undefined;
  const mantissa = BigInt(`0x${digits}`);
  const exponent = Number(power) - 4 * fraction.replaceAll('_', '').length;
  const minus = sign === '-' ? '-' : '';
  if (mantissa === 0n || exponent < MIN_EXPONENT) return `${minus}0`;
  if (exponent < 0) return `${minus}${mantissa * 5n ** BigInt(-exponent)}e${exponent}`;
  // Beyond the greatest double in any case: the caller says so.
  return exponent > 1024 ? `${minus}1e400` : `${minus}${mantissa << BigInt(exponent)}`;
}
