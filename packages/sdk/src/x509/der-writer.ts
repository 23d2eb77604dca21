/** Writes DER (ITU-T X.690 section 10), as much as requests, certificates and revocation lists need. */

export const der = (tag: number, ...contents: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content), content]);
};

export const sequence = (...contents: readonly Buffer[]): Buffer => der(0x30, ...contents);
export const set = (...contents: readonly Buffer[]): Buffer => der(0x31, ...contents);
export const octets = (content: Buffer): Buffer => der(0x04, content);
export const bits = (content: Buffer, unused = 0): Buffer => der(0x03, Buffer.from([unused]), content);
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text, 'utf8'));
export const boolean = (value: boolean): Buffer => der(0x01, Buffer.from([value ? 0xff : 0]));
/** `[number]` around other elements. */
export const explicit = (number: number, ...contents: readonly Buffer[]): Buffer => der(0xa0 | number, ...contents);
/** `[number]` in place of a primitive's own tag; text goes in byte by byte. */
export const implicit = (number: number, text: string | Buffer): Buffer =>
  der(0x80 | number, typeof text === 'string' ? Buffer.from(text, 'latin1') : text);

/** A positive INTEGER from big-endian bytes. */
export const integer = (bytes: Buffer): Buffer => {
  const start = bytes.findIndex((byte) => byte !== 0);
  const significant = start === -1 ? Buffer.from([0]) : bytes.subarray(start);
  return der(0x02, (significant[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), significant]) : significant);
};

export const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
};

/** UTCTime until 2049, GeneralizedTime after, as RFC 5280 section 4.1.2.5 asks. */
export const time = (date: Date): Buffer => {
  const digits = date.toISOString().replace(/\.\d+|[-:T]/g, '');
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
};

function base128(number: number): number[] {
  const septets = [number % 128];
  for (let rest = Math.floor(number / 128); rest > 0; rest = Math.floor(rest / 128))
    septets.unshift((rest % 128) | 0x80);
  return septets;
}

function lengthOf(content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.from([content.length]);
  const hex = content.length.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}
