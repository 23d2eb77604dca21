/** Texts in quotes as Go's source has them. */
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([\s\S]))/gu;

/** A quoted text of Go, without its quotes; undefined when it holds an escape that Go does not know. */
export function unquoted(text: string): string | undefined {
  let isValid = true;
  const value = text
    .slice(1, -1)
    .replace(ESCAPE, (_, byte?: string, short?: string, long?: string, octal?: string, named = '') => {
      const code = Number.parseInt(byte ?? short ?? long ?? octal ?? '0', octal === undefined ? 16 : 8);
      if (named === '') return code <= 0x10ffff ? String.fromCodePoint(code) : ((isValid = false), '');
      const rune = named !== '' && named !== (text.startsWith("'") ? '"' : "'") ? ESCAPES[named] : undefined;
      if (rune === undefined) isValid = false;
      return rune ?? '';
    });
  return isValid ? value : undefined;
}
