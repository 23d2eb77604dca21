/** GraphQL's tokens (October 2021, section 2.1). */
import { quote } from '../text.ts';

export type TokenKind =
  | '<Invalid>'
  | '<EOF>'
  | '!'
  | '$'
  | '&'
  | '('
  | ')'
  | '...'
  | ':'
  | '='
  | '@'
  | '['
  | ']'
  | '{'
  | '}'
  | '|'
  | 'Name'
  | 'Int'
  | 'Float'
  | 'String'
  | 'BlockString';

export interface Token {
  readonly kind: TokenKind;
  /** Empty for punctuation. */
  readonly value: string;
  /** Where it begins, in UTF-16 units; a string begins behind its quotes. */
  readonly offset: number;
}

/** Line and column of an offset, counted from 1, the column in characters. */
export function locate(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split(/\r\n|\r|\n/);
  return { line: lines.length, column: Array.from(lines.at(-1) ?? '').length + 1 };
}

/** As error messages name it: `Name "Type"`. */
export function tokenText({ kind, value }: Token): string {
  return value === '' ? kind : `${kind} ${quote(value)}`;
}

const IGNORED = /(?:[\ufeff\t ,]|#[^\r\n]*|\r\n|\r|\n)*/y;
const PUNCTUATION = /\.\.\.|[!$&():=@[\]{}|]/y;
const NAME = /[_A-Za-z][_0-9A-Za-z]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![0-9.eE])/y;
const BLOCK = /"""((?:\\"""|[^"]|"(?!""))*)"""/y;
const STRING = /"((?:\\u[0-9A-Fa-f]{4}|\\["\\/bfnrt]|[^"\\\r\n])*)"/y;

const UNFINISHED =
  /^(?:-?(?:0|[1-9][0-9]*)(?:\.(?:[0-9]+(?:[eE][+-]?)?)?|[eE][+-]?)?|-|"(?:\\u[0-9A-Fa-f]{4}|\\["\\/bfnrt]|[^"\\\r\n])*\\?)/;

export class Lexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    this.#match(IGNORED);
    const start = this.#at;
    if (start >= this.#text.length) return this.#token('<EOF>', '', start);
    const punctuation = this.#match(PUNCTUATION);
    if (punctuation !== undefined) return this.#token(punctuation[0] as TokenKind, '', start);
    const name = this.#match(NAME);
    if (name !== undefined) return this.#token('Name', name[0], start);
    const number = this.#match(NUMBER);
    if (number !== undefined) {
      const isFloat = number[1] !== undefined || number[2] !== undefined;
      return this.#token(isFloat ? 'Float' : 'Int', number[0], start);
    }
    const block = this.#match(BLOCK);
    if (block !== undefined) return this.#token('BlockString', blockText(block[1] ?? ''), start + 3);
    const string = this.#text.startsWith('"""', start) ? undefined : this.#match(STRING);
    if (string !== undefined) return this.#token('String', unescape(string[1] ?? ''), start + 1);
    return this.#invalid(start);
  }

  /** What is unfinished is reported where it stops making sense. */
  #invalid(start: number): Token {
    const block = this.#text.startsWith('"""', start);
    const end = UNFINISHED.exec(this.#text.slice(start))?.[0].length ?? 0;
    this.#at = this.#text.length;
    return this.#token('<Invalid>', '', block ? this.#text.length : start + end);
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }

  #token(kind: TokenKind, value: string, offset: number): Token {
    return { kind, value, offset };
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function unescape(body: string): string {
  return body.replace(/\\(?:u([0-9A-Fa-f]{4})|(.))/g, (_, code?: string, char?: string) =>
    code === undefined ? (ESCAPES[char ?? ''] ?? char ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Common indentation and blank first and last lines do not count. */
function blockText(body: string): string {
  const lines = body.replaceAll('\\"""', '"""').split(/\r\n|\r|\n/);
  const indents = lines
    .slice(1)
    .filter((line) => /[^ \t]/.test(line))
    .map((line) => line.search(/[^ \t]/));
  const common = indents.length === 0 ? 0 : Math.min(...indents);
  const trimmed = lines.map((line, index) => (index === 0 ? line : line.slice(common)));
  const isBlank = (line: string): boolean => !/[^ \t]/.test(line);
  const first = trimmed.findIndex((line) => !isBlank(line));
  return first < 0 ? '' : trimmed.slice(first, trimmed.findLastIndex((line) => !isBlank(line)) + 1).join('\n');
}
