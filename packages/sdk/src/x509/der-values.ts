/** The primitive values of a certificate, read from DER: names, numbers, flags, texts and times (RFC 5280 section 4.1). */
import { contentOf, type DerElement, DerError, TAG } from './der.ts';

const MAX_OID_BYTES = 64;

/** Dotted decimal. */
export function readOid(element: DerElement | undefined, name: string): string {
  const bytes = contentOf(element, TAG.oid, name);
  if (bytes.length === 0 || bytes.length > MAX_OID_BYTES) throw new DerError(`${name} is not an object identifier`);
  const arcs: bigint[] = [];
  let arc = 0n;
  let started = false;
  for (const byte of bytes) {
    if (!started && byte === 0x80) throw new DerError(`${name} is not in its shortest form`);
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    started = (byte & 0x80) !== 0;
    if (started) continue;
    arcs.push(arc);
    arc = 0n;
  }
  if (started) throw new DerError(`${name} ends early`);
  const [first = 0n, ...rest] = arcs;
  // The first two arcs share a number: 40 × {0, 1, 2} + the second, which is only unbounded below 2.
  const root = first < 80n ? first / 40n : 2n;
  return [root, first - root * 40n, ...rest].join('.');
}

/** Two's complement content in its shortest form, as hex. */
export function readInteger(element: DerElement | undefined, name: string): string {
  const bytes = contentOf(element, TAG.integer, name);
  const [first, second] = bytes;
  if (first === undefined) throw new DerError(`${name} is empty`);
  if (second !== undefined && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) {
    throw new DerError(`${name} is not in its shortest form`);
  }
  return bytes.toString('hex');
}

export function readBoolean(element: DerElement | undefined, name: string): boolean {
  const bytes = contentOf(element, TAG.boolean, name);
  if (bytes.length !== 1 || (bytes[0] !== 0x00 && bytes[0] !== 0xff)) throw new DerError(`${name} is not a boolean`);
  return bytes[0] === 0xff;
}

/** Indexes of the bits that are set, bit 0 being the first. */
export function readNamedBits(element: DerElement | undefined, name: string): number[] {
  const [unused, ...bytes] = contentOf(element, TAG.bitString, name);
  const last = bytes.at(-1);
  if (unused === undefined || unused > 7 || (last === undefined && unused !== 0)) {
    throw new DerError(`${name} is not a bit string`);
  }
  if (last !== undefined && (last & ((1 << unused) - 1)) !== 0) throw new DerError(`${name} sets unused bits`);
  return bytes.flatMap((byte, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (byte & (0x80 >> bit)) !== 0).map((bit) => index * 8 + bit),
  );
}

/** The text of a directory string; NUL and other control characters are refused, whoever signed them. */
export function readText(element: DerElement | undefined, name: string): string {
  if (element === undefined) throw new DerError(`${name} is missing`);
  const text = decodeText(element, name);
  if (/\p{Cc}/u.test(text)) throw new DerError(`${name} has a control character`);
  return text;
}

/** Milliseconds since the epoch. */
export function readTime(element: DerElement | undefined, name: string): number {
  const isUtc = element?.tag === TAG.utcTime;
  const digits = contentOf(element, isUtc ? TAG.utcTime : TAG.generalizedTime, name).toString('latin1');
  if (!(isUtc ? /^\d{12}Z$/ : /^\d{14}Z$/).test(digits))
    throw new DerError(`${name} is not a time in UTC with seconds`);
  // RFC 5280 section 4.1.2.5.1: two-digit years from 50 on are of the twentieth century.
  const full = isUtc ? (digits.slice(0, 2) >= '50' ? '19' : '20') + digits : digits;
  const iso = full.replace(/^(....)(..)(..)(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6.000Z');
  const time = Date.parse(iso);
  // Date.parse accepts 30 February; the round trip does not.
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso) throw new DerError(`${name} is not a date`);
  return time;
}

function decodeText(element: DerElement, name: string): string {
  const { tag, content } = element;
  if (tag === TAG.printableString || tag === TAG.ia5String) {
    if (content.some((byte) => byte >= 0x80)) throw new DerError(`${name} is not ASCII`);
    return content.toString('latin1');
  }
  if (tag !== TAG.utf8String && tag !== TAG.bmpString) throw new DerError(`${name} has an unexpected text type`);
  try {
    const encoding = tag === TAG.utf8String ? 'utf-8' : 'utf-16be';
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw new DerError(`${name} is not well-formed text`, { cause });
  }
}
