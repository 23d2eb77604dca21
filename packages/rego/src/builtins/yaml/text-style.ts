/** In which styles YAML can show a text, and the text in each of them. */
const BREAK = /[\n\u2028\u2029]/;
/** Neither a tab nor what YAML calls printable: those are escaped wherever they stand. */
const SPECIAL = /[^\t\n -~\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/u;

/** A text that some other part of YAML begins with or holds. */
const INDICATOR = /^(?:---|\.\.\.)|^[#,[\]{}&*!|>'"%@`]|^[?:-](?=[ \t]|$)|:(?=[ \t]|$)|(?<=[ \t\0])#/;

export function canBePlain(text: string): boolean {
  return canBeSingle(text) && !/^ | $/.test(text) && !BREAK.test(text) && !INDICATOR.test(text);
}

export function canBeSingle(text: string): boolean {
  return !SPECIAL.test(text) && !/\t/.test(text) && !/ [\n\u2028\u2029]|[\n\u2028\u2029] /.test(text);
}

export function canBeLiteral(text: string): boolean {
  return text !== '' && !SPECIAL.test(text) && !/ [\n\u2028\u2029]| $/.test(text);
}

/** A break within quotes is a break of the file, and the text goes on in the next line. */
export function singleQuoted(text: string, indent: number): string {
  const broken = text.replace(/(?<=[\u2028\u2029])(?=[^\u2028\u2029])/g, `\n${' '.repeat(Math.max(indent, 2))}`);
  return `'${broken.replaceAll("'", "''")}'`;
}

/** Ends with its last break, if it has one. */
export function literal(text: string, indent: number): string {
  const hint = /^[ \n\u2028\u2029]/.test(text) ? '2' : '';
  const ends = text.match(/[\n\u2028\u2029]*$/)?.[0].length ?? 0;
  const chomp = ends === 0 ? '-' : ends > 1 || text.length === 1 ? '+' : '';
  const body = text.replace(/(?<=^|[\n\u2028\u2029])(?=[^\n\u2028\u2029])/g, ' '.repeat(indent));
  return `|${hint}${chomp}\n${body}`;
}

const NAMED: ReadonlyMap<string, string> = new Map([
  ['\0', '0'],
  ['\u0007', 'a'],
  ['\b', 'b'],
  ['\t', 't'],
  ['\n', 'n'],
  ['\v', 'v'],
  ['\f', 'f'],
  ['\r', 'r'],
  ['\u001b', 'e'],
  ['"', '"'],
  ['\\', '\\'],
  ['\u0085', 'N'],
  ['\u00a0', '_'],
  ['\u2028', 'L'],
  ['\u2029', 'P'],
]);

export function doubleQuoted(text: string): string {
  // The library asks of every character whether the text begins with a byte order mark.
  const escaped = text.startsWith('\ufeff')
    ? /./gsu
    : /["\\\n\t\u2028\u2029]|[^ -~\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd]/gu;
  return `"${text.replace(escaped, escape)}"`;
}

function escape(rune: string): string {
  const named = NAMED.get(rune);
  if (named !== undefined) return `\\${named}`;
  const code = rune.codePointAt(0) ?? 0;
  const [letter, width] =
    code <= 0xff ? (['x', 2] as const) : code <= 0xffff ? (['u', 4] as const) : (['U', 8] as const);
  return `\\${letter}${code.toString(16).toUpperCase().padStart(width, '0')}`;
}
