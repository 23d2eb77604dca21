/** DER (X.690), read strictly enough for certificates: definite minimal lengths, nothing beyond the end. */
import { BuiltinError } from './builtin.ts';

export interface DerNode {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** Identifier, length and content. */
  readonly raw: Uint8Array;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Every element of a concatenation. @throws BuiltinError */
export function readDer(bytes: Uint8Array): readonly DerNode[] {
  const nodes: DerNode[] = [];
  for (let at = 0; at < bytes.length; ) {
    const node = readNode(bytes, at);
    nodes.push(node);
    at += node.raw.length;
  }
  return nodes;
}

export function children(node: DerNode | undefined): readonly DerNode[] {
  return node === undefined ? [] : readDer(node.content);
}

export function expectTag(node: DerNode | undefined, tag: number): DerNode {
  if (node?.tag !== tag) throw malformed();
  return node;
}

export function malformed(): BuiltinError {
  return new BuiltinError('asn1: structure error');
}

function readNode(bytes: Uint8Array, start: number): DerNode {
  const tag = bytes[start];
  const first = bytes[start + 1];
  // Numbers above 30 do not occur in certificates.
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) throw malformed();
  const size = first < 0x80 ? 0 : first - 0x80;
  if (first === 0x80 || size > 4) throw malformed();
  let length = size === 0 ? first : 0;
  for (let index = 0; index < size; index += 1) length = length * 256 + (bytes[start + 2 + index] ?? 0);
  const from = start + 2 + size;
  if (from + length > bytes.length || (size > 0 && length < 0x80)) throw malformed();
  return { tag, content: bytes.subarray(from, from + length), raw: bytes.subarray(start, from + length) };
}

export function readInteger(node: DerNode | undefined): bigint {
  const { content } = expectTag(node, TAG.integer);
  let value = 0n;
  for (const byte of content) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(content.length * 8, value);
}

/** Without leading zero octets, as an unsigned number. */
export function unsigned(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

export function readOid(node: DerNode | undefined): readonly number[] {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of expectTag(node, TAG.oid).content) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length === 0) arcs.push(Math.min(2, Math.floor(arc / 40)), arc - 40 * Math.min(2, Math.floor(arc / 40)));
    else arcs.push(arc);
    arc = 0;
  }
  return arcs;
}

/** Octets of a bit string whose last octet is used whole. */
export function readBits(node: DerNode | undefined): Uint8Array {
  const { content } = expectTag(node, TAG.bitString);
  if (content.length === 0) throw malformed();
  return content.subarray(1);
}

/** `2020-07-10T16:00:30Z`. */
export function readTime(node: DerNode | undefined): string {
  if (node?.tag !== TAG.utcTime && node?.tag !== TAG.generalizedTime) throw malformed();
  const digits = new TextDecoder().decode(node.content);
  const short = node.tag === TAG.utcTime;
  const match = (short ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(
    digits,
  );
  if (match === null) throw malformed();
  const [, year = '', month = '', day = '', hour = '', minute = '', second = ''] = match;
  const century = short ? (Number(year) >= 50 ? '19' : '20') : '';
  return `${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
}
