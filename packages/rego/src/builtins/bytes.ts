/**
 * Strings as bytes and back. OPA's strings may hold bytes that are no UTF-8 (a decoded signature); here each
 * such byte is a lone surrogate U+DC80…U+DCFF, so that encoding it again gives the same bytes. JSON shows U+FFFD.
 */
const ENCODER = new TextEncoder();
const STRICT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function toBytes(text: string): Uint8Array {
  if (text.isWellFormed()) return ENCODER.encode(text);
  const bytes: number[] = [];
  for (const rune of text) {
    const code = rune.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00);
    else bytes.push(...ENCODER.encode(rune));
  }
  return Uint8Array.from(bytes);
}

export function fromBytes(bytes: Uint8Array): string {
  try {
    return STRICT.decode(bytes);
  } catch {
    return escapeBytes(bytes);
  }
}

/** Sequence by sequence: well-formed ones become characters, other bytes are kept one by one. */
function escapeBytes(bytes: Uint8Array): string {
  let result = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at] ?? 0);
    const rune = length === 0 || at + length > bytes.length ? undefined : decoded(bytes.subarray(at, at + length));
    result += rune ?? String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
    at += rune === undefined ? 1 : length;
  }
  return result;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return STRICT.decode(bytes);
  } catch {
    return undefined;
  }
}
