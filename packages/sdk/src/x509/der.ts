/**
 * A strict reader for DER (ITU-T X.690 section 10), as much as a certificate needs: one-byte tags, definite and
 * minimal lengths, no trailing bytes. It reads one level at a time, so its callers decide the depth, not the input.
 */

/** One element; both views share the memory of what was read. */
export interface DerElement {
  /** Identifier octet: class, constructed bit and number. */
  readonly tag: number;
  readonly content: Buffer;
  /** Identifier, length and content. */
  readonly encoded: Buffer;
}

/** The bytes are not the DER that was expected. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

const CONSTRUCTED = 0x20;
const CONTEXT = 0x80;

/** `[number]` of a CHOICE or of an optional field. */
export const contextTag = (number: number, constructed: boolean): number =>
  CONTEXT | (constructed ? CONSTRUCTED : 0) | number;

/** The one element that fills `bytes` exactly. */
export function readDer(bytes: Buffer): DerElement {
  const element = readAt(bytes, 0);
  if (element.encoded.length !== bytes.length) throw new DerError('bytes follow the end of the structure');
  return element;
}

/** The elements inside a constructed element, of the expected tag. */
export function readFields(element: DerElement, tag: number, name: string): DerElement[] {
  return readAll(contentOf(element, tag, name));
}

/** The elements that fill `bytes` exactly, one after the other. */
export function readAll(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const element = readAt(bytes, offset);
    elements.push(element);
    offset += element.encoded.length;
  }
  return elements;
}

/** The content of an element that must be there and have the expected tag. */
export function contentOf(element: DerElement | undefined, tag: number, name: string): Buffer {
  if (element === undefined) throw new DerError(`${name} is missing`);
  if (element.tag !== tag) throw new DerError(`${name} has an unexpected type`);
  return element.content;
}

function readAt(bytes: Buffer, start: number): DerElement {
  const tag = byteAt(bytes, start);
  if ((tag & 0x1f) === 0x1f) throw new DerError('a multi-byte tag is not used in certificates');
  const { length, headerLength } = readLength(bytes, start + 1);
  const contentStart = start + 1 + headerLength;
  const end = contentStart + length;
  if (end > bytes.length) throw new DerError('an element is longer than what contains it');
  return { tag, content: bytes.subarray(contentStart, end), encoded: bytes.subarray(start, end) };
}

function readLength(bytes: Buffer, start: number): { length: number; headerLength: number } {
  const first = byteAt(bytes, start);
  if (first < 0x80) return { length: first, headerLength: 1 };
  const count = first & 0x7f;
  if (count === 0) throw new DerError('an indefinite length is not DER');
  if (count > 4) throw new DerError('a length is larger than any certificate');
  let length = 0;
  for (let index = 1; index <= count; index++) length = length * 256 + byteAt(bytes, start + index);
  const minimal = count === 1 ? length >= 0x80 : length >= 256 ** (count - 1);
  if (!minimal) throw new DerError('a length is not in its shortest form');
  return { length, headerLength: 1 + count };
}

function byteAt(bytes: Buffer, offset: number): number {
  const byte = bytes[offset];
  if (byte === undefined) throw new DerError('the structure ends early');
  return byte;
}
