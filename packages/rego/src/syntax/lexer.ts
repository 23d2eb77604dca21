/**
 * Policy text to tokens. Keywords are identifiers here (the parser knows where they are keywords); a template
 * string becomes one token that carries the tokens of its expressions.
 */
import type { Comment } from './ast.ts';
import { type Diagnostic, syntaxError } from './diagnostic.ts';
import { type Location, NOWHERE } from './location.ts';

export type TokenKind = 'ident' | 'number' | 'string' | 'template' | 'punct' | 'eof';

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  readonly row: number;
  readonly col: number;
  readonly offset: number;
  readonly end: number;
  /** White space or a comment stands directly before it. */
  readonly spaced: boolean;
  /** A line break stands between it and the token before. */
  readonly newline: boolean;
  /** The decoded text of a string. */
  readonly value?: string;
  /** Literal texts and the tokens of expressions, alternating, of a template string. */
  readonly parts?: readonly (string | readonly Token[])[];
}

export interface Tokens {
  readonly tokens: readonly Token[];
  readonly comments: readonly Comment[];
}

export class SyntaxFailure extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(message: string, location: Location) {
    super(message);
    this.diagnostics = [syntaxError(message, location)];
  }

  /** This failure and one more thing to say about it. */
  and(message: string, location: Location): SyntaxFailure {
    return SyntaxFailure.of([...this.diagnostics, syntaxError(message, location)]);
  }

  static of(diagnostics: readonly Diagnostic[]): SyntaxFailure {
    const [first] = diagnostics;
    const failure = new SyntaxFailure(first?.message ?? '', first?.location ?? NOWHERE);
    return Object.assign(failure, { diagnostics });
  }
}

/** Longer operators first. */
const PUNCTUATION = [':=', '==', '!=', '<=', '>=', ...'=<>+-*/%&|()[]{},;:.'.split('')];
const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const IDENT = /[A-Za-z_][A-Za-z0-9_]*/y;
/** How deep template strings may nest. */
const MAX_TEMPLATE_DEPTH = 32;

/** @throws SyntaxFailure at the first character that cannot begin or end a token */
export function tokenize(file: string, source: string): Tokens {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
  const comments: Comment[] = [];
  const tokens = new Lexer(file, text, comments).run(false, 0);
  return { tokens, comments };
}

class Lexer {
  readonly file: string;
  readonly text: string;
  readonly comments: Comment[];
  at = 0;
  row = 1;
  /** Offset of the current row, minus what surrogate pairs take too much. */
  rowStart = 0;

  constructor(file: string, text: string, comments: Comment[]) {
    this.file = file;
    this.text = text;
    this.comments = comments;
  }

  /** Reads to the end of the text or, inside a template, to the brace that closes the expression. */
  run(inTemplate: boolean, depth: number): Token[] {
    const tokens: Token[] = [];
    let braces = 0;
    for (;;) {
      const token = this.next(depth);
      if (token.kind === 'eof' && inTemplate) this.fail('non-terminated template string', token.offset);
      if (inTemplate && token.kind === 'punct') {
        if (token.text === '{') braces += 1;
        if (token.text === '}') {
          if (braces === 0) {
            tokens.push({ ...token, kind: 'eof', text: '}' });
            return tokens;
          }
          braces -= 1;
        }
      }
      tokens.push(token);
      if (token.kind === 'eof') return tokens;
    }
  }

  next(depth: number): Token {
    const before = this.at;
    const rowBefore = this.row;
    this.skipSpace();
    const start = { offset: this.at, row: this.row, col: this.at - this.rowStart + 1 };
    const spaced = this.at > before;
    const newline = this.row > rowBefore;
    const token = this.read(depth);
    // As in OPA, the end of the text stands where its last character does.
    if (token.kind === 'eof') start.col -= 1;
    return { ...start, end: this.at, text: this.text.slice(start.offset, this.at), spaced, newline, ...token };
  }

  read(depth: number): Pick<Token, 'kind' | 'value' | 'parts'> {
    const char = this.text[this.at];
    if (char === undefined) return { kind: 'eof' };
    if (char === '"') return { kind: 'string', value: this.readString() };
    if (char === '`') return { kind: 'string', value: this.readRaw() };
    const quote = this.text[this.at + 1];
    if (char === '$' && (quote === '"' || quote === '`'))
      return { kind: 'template', parts: this.readTemplate(quote, depth) };
    const start = this.at;
    if (this.match(NUMBER)) return this.checkNumber(start);
    if (this.match(IDENT)) return { kind: 'ident' };
    for (const punct of PUNCTUATION) {
      if (this.text.startsWith(punct, this.at)) {
        this.at += punct.length;
        return { kind: 'punct' };
      }
    }
    return this.fail('illegal token', this.at);
  }

  /** `1.`, `1e`, `1a` and `0x1` are no numbers followed by something else. */
  checkNumber(start: number): { kind: 'number' } {
    const char = this.text[this.at] ?? '';
    if (char === '.' && /[^\w.]|$/.test(this.text[this.at + 1] ?? '')) this.fail('expected fraction', start);
    if (/[eE]/.test(char) && !/[eE]/.test(this.text.slice(start, this.at))) this.fail('expected exponent', start);
    if (/[A-Za-z_]/.test(char)) this.fail('illegal number format', start);
    return { kind: 'number' };
  }

  match(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found === null) return false;
    this.at += found[0].length;
    return true;
  }

  skipSpace(): void {
    for (;;) {
      const char = this.text[this.at];
      if (char === ' ' || char === '\t' || char === '\r') this.at += 1;
      else if (char === '\n') this.startRow();
      else if (char === '#') this.readComment();
      else return;
    }
  }

  startRow(): void {
    this.at += 1;
    this.row += 1;
    this.rowStart = this.at;
  }

  readComment(): void {
    const start = this.at;
    const end = this.text.indexOf('\n', start);
    this.at = end === -1 ? this.text.length : end;
    const text = this.text.slice(start, this.at).replace(/\r$/, '');
    this.comments.push({ text: text.slice(1), location: this.locate(start, text) });
  }

  readString(): string {
    const start = this.at;
    for (this.at += 1; ; this.at += 1) {
      const char = this.text[this.at];
      if (char === undefined || char === '\n') this.fail('non-terminated string', start);
      if (char === '\\') this.at += 1;
      else if (char === '"') break;
    }
    this.at += 1;
    return this.decode(this.text.slice(start, this.at), start);
  }

  decode(literal: string, start: number): string {
    this.widen(literal);
    if (!literal.includes('\\')) return literal.slice(1, -1);
    try {
      return String(JSON.parse(literal));
    } catch {
      const escape = /\\(?:[^"\\/bfnrtu]|u(?![0-9a-fA-F]{4}))/.test(literal);
      return this.fail(escape ? 'illegal escape sequence' : `illegal string literal: ${literal}`, start);
    }
  }

  readRaw(): string {
    const start = this.at;
    this.at += 1;
    while (this.text[this.at] !== '`') {
      if (this.at >= this.text.length) this.fail('non-terminated string', start);
      this.step();
    }
    this.at += 1;
    return this.text.slice(start + 1, this.at - 1);
  }

  readTemplate(quote: string, depth: number): (string | readonly Token[])[] {
    const start = this.at;
    if (depth >= MAX_TEMPLATE_DEPTH) this.fail('max nesting of template strings exceeded', start);
    const parts: (string | readonly Token[])[] = [];
    this.at += 2;
    let literalStart = this.at;
    let literal = '';
    for (;;) {
      const char = this.text[this.at];
      if (char === undefined || (char === '\n' && quote === '"')) this.fail('non-terminated template string', start);
      if (char === quote) break;
      if (char === '\\' && this.text[this.at + 1] === '{') {
        literal += this.text.slice(literalStart, this.at);
        literalStart = this.at + 1;
        this.at += 2;
      } else if (char === '\\' && quote === '"') {
        this.at += 2;
      } else if (char === '{') {
        parts.push(this.finishLiteral(literal + this.text.slice(literalStart, this.at), quote, start));
        this.at += 1;
        parts.push(this.run(true, depth + 1));
        literal = '';
        literalStart = this.at;
      } else {
        this.step();
      }
    }
    parts.push(this.finishLiteral(literal + this.text.slice(literalStart, this.at), quote, start));
    this.at += 1;
    return parts;
  }

  finishLiteral(literal: string, quote: string, start: number): string {
    return quote === '"' ? this.decode(`"${literal}"`, start) : literal;
  }

  /** One character forward, minding line breaks and surrogate pairs. */
  step(): void {
    if (this.text[this.at] === '\n') return this.startRow();
    const wide = (this.text.codePointAt(this.at) ?? 0) > 0xffff;
    this.at += wide ? 2 : 1;
    if (wide) this.rowStart += 1;
  }

  widen(literal: string): void {
    for (let i = 0; i < literal.length; i += 1) {
      if ((literal.codePointAt(i) ?? 0) > 0xffff) {
        this.rowStart += 1;
        i += 1;
      }
    }
  }

  locate(offset: number, text: string): Location {
    return { file: this.file, row: this.row, col: offset - this.rowStart + 1, offset, text };
  }

  fail(message: string, offset: number): never {
    throw new SyntaxFailure(message, this.locate(offset, this.text.slice(offset, offset + 1)));
  }
}
