/** Base64 as Go's encoding/base64: strict alphabet and padding, line breaks skipped, errors naming the byte. */
import { BuiltinError } from './builtin.ts';

const STANDARD = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const URL_SAFE = `${STANDARD.slice(0, 62)}-_`;

export type Alphabet = 'base64' | 'base64url';

export function encodeBase64(bytes: Uint8Array, alphabet: Alphabet, padding = true): string {
  const chars = alphabet === 'base64' ? STANDARD : URL_SAFE;
  let result = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const count = Math.min(3, bytes.length - at);
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let index = 0; index <= count; index += 1) result += chars.charAt((bits >> (18 - 6 * index)) & 63);
    if (padding) result += '='.repeat(3 - count);
  }
  return result;
}

/** @throws BuiltinError `illegal base64 data at input byte n` */
export function decodeBase64(text: string, alphabet: Alphabet, padding = true): Uint8Array {
  const chars = alphabet === 'base64' ? STANDARD : URL_SAFE;
  const bytes: number[] = [];
  let at = 0;
  for (;;) {
    const group: number[] = [];
    while (group.length < 4) {
      if (at === text.length) {
        if (group.length === 0) return Uint8Array.from(bytes);
        if (padding || group.length === 1) throw illegal(at - group.length);
        break;
      }
      const char = text.charAt(at);
      at += 1;
      if (char === '\n' || char === '\r') continue;
      const value = chars.indexOf(char);
      if (value >= 0) {
        group.push(value);
        continue;
      }
      if (char !== '=' || !padding || group.length < 2) throw illegal(at - 1);
      at = skipPadding(text, at, group.length);
      break;
    }
    const bits = group.reduce((sum, value, index) => sum | (value << (18 - 6 * index)), 0);
    for (let index = 0; index < group.length - 1; index += 1) bytes.push((bits >> (16 - 8 * index)) & 255);
    if (group.length < 4 && at >= text.length) return Uint8Array.from(bytes);
  }
}

/** After the first `=`: a second one where two are due, then nothing but line breaks. */
function skipPadding(text: string, from: number, digits: number): number {
  let at = skipBreaks(text, from);
  if (digits === 2) {
    if (at === text.length) throw illegal(text.length);
    if (text.charAt(at) !== '=') throw illegal(at);
    at = skipBreaks(text, at + 1);
  }
  if (at < text.length) throw illegal(at);
  return at;
}

function skipBreaks(text: string, from: number): number {
  let at = from;
  while (text.charAt(at) === '\n' || text.charAt(at) === '\r') at += 1;
  return at;
}

function illegal(at: number): BuiltinError {
  return new BuiltinError(`illegal base64 data at input byte ${at}`);
}
