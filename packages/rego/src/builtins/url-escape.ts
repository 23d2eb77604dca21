/** Percent-encoding as Go's net/url. */
import { BuiltinError } from './builtin.ts';
import { fromBytes, toBytes } from './bytes.ts';

/** `application/x-www-form-urlencoded`: unreserved characters stay, a space becomes `+`. */
export function queryEscape(text: string): string {
  let result = '';
  for (const byte of toBytes(text)) {
    const char = String.fromCharCode(byte);
    if (/[A-Za-z0-9_.~-]/.test(char)) result += char;
    else result += char === ' ' ? '+' : percent(byte);
  }
  return result;
}

export function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** @throws BuiltinError for `%` without two hexadecimal digits */
export function unescapePercent(text: string, plusIsSpace: boolean): string {
  if (!/[%+]/.test(text)) return text;
  const source = toBytes(text);
  const bytes: number[] = [];
  for (let at = 0; at < source.length; at += 1) {
    const byte = source[at] ?? 0;
    if (byte === 0x25) {
      const digits = String.fromCharCode(...source.subarray(at + 1, at + 3));
      if (!/^[0-9A-Fa-f]{2}$/.test(digits))
        throw new BuiltinError(`invalid URL escape ${JSON.stringify(`%${digits}`)}`);
      bytes.push(Number.parseInt(digits, 16));
      at += 2;
    } else bytes.push(plusIsSpace && byte === 0x2b ? 0x20 : byte);
  }
  return fromBytes(Uint8Array.from(bytes));
}
