/** Field names as they are on the wire → in lower case, without a new text for those that come again and again. */

const COMMON = `accept accept-encoding accept-language authorization cache-control connection content-encoding
  content-language content-length content-type cookie date etag expect expires forwarded host if-match if-modified-since
  if-none-match keep-alive last-modified link location origin pragma range referer server set-cookie
  strict-transport-security te trailer transfer-encoding upgrade user-agent vary via x-correlation-id x-forwarded-for
  x-forwarded-host x-forwarded-proto x-request-id x-user-context x-user-id traceparent tracestate baggage`.split(/\s+/);

/** Byte → its lower case when a token may hold it, RFC 9110 section 5.6.2; 0 when not. */
export const LOWER_TOKEN: Uint8Array = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
  const code = character.charCodeAt(0);
  LOWER_TOKEN[code] = code;
  LOWER_TOKEN[character.toUpperCase().charCodeAt(0)] = code;
}

/** One name for each place: a name whose place another one has is made anew each time. */
const PLACES = 1024;
const MAX_LENGTH = 40;
const remembered: (string | undefined)[] = Array.from({ length: PLACES });

/** Adds one byte, in lower case, to the hash of a name; begins with 0. */
export function hashByte(hash: number, lower: number): number {
  return (Math.imul(hash, 31) + lower) | 0;
}

/**
 * The name in lower case.
 *
 * @param hash of all its bytes
 */
export function lowerName(bytes: Uint8Array, start: number, end: number, hash: number): string {
  const place = (hash ^ (hash >>> 10)) & (PLACES - 1);
  const known = remembered[place];
  if (known !== undefined && isSpelled(known, bytes, start, end)) return known;
  const name = spelled(bytes, start, end);
  if (known === undefined && name.length <= MAX_LENGTH) remembered[place] = name;
  return name;
}

function isSpelled(name: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i += 1) {
    if (name.charCodeAt(i) !== LOWER_TOKEN[bytes[start + i] as number]) return false;
  }
  return true;
}

function spelled(bytes: Uint8Array, start: number, end: number): string {
  let name = '';
  for (let i = start; i < end; i += 1) name += String.fromCharCode(LOWER_TOKEN[bytes[i] as number] as number);
  return name;
}

for (const name of COMMON) {
  const bytes = Buffer.from(name, 'latin1');
  lowerName(bytes, 0, bytes.length, bytes.reduce(hashByte, 0));
}
