/** Characters that could end a log line, a header field or a C string. */

const CONTROL = /[\p{Cc}\u2028\u2029]/u;

export function hasControlCharacters(text: string): boolean {
  return CONTROL.test(text);
}
