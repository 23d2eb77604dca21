/** Where a parser of GraphQL stands: the token before it, and how what begins with it is read or refused. */
import { BuiltinError } from '../builtin.ts';
import { quote } from '../text.ts';
import { Lexer, locate, type Token, type TokenKind, tokenText } from './lexer.ts';

const MAX_DEPTH = 200;

export class Cursor {
  token: Token;
  previous: Token;
  readonly #offsets = new WeakMap<object, number>();
  readonly #text: string;
  readonly #lexer: Lexer;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lexer = new Lexer(text);
    this.token = this.#lexer.next();
    this.previous = this.token;
  }

  /** Where a node of the document begins, as messages say it: `location 4:5`. */
  locationOf(node: object): string {
    return location(this.#text, this.#offsets.get(node) ?? 0);
  }

  /** Remembers where the node began, and bounds how deep nodes nest. */
  at<T extends object>(parse: () => T): T {
    const { offset } = this.token;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.fail(this.token, 'document nests too deeply');
    const node = parse();
    this.#depth -= 1;
    this.#offsets.set(node, offset);
    return node;
  }

  many<T>(open: TokenKind, close: TokenKind, parse: () => T): readonly T[] {
    const items: T[] = [];
    if (!this.skip(open)) return items;
    while (!this.skip(close)) items.push(parse());
    return items;
  }

  some<T>(open: TokenKind, close: TokenKind, parse: () => T): readonly T[] {
    if (this.token.kind !== open) return [];
    this.advance();
    if (this.token.kind === close) {
      throw this.fail(this.token, `expected at least one definition, found ${this.token.kind}`);
    }
    const items: T[] = [];
    while (!this.skip(close)) items.push(parse());
    return items;
  }

  separated<T>(separator: TokenKind, parse: () => T): readonly T[] {
    const items: T[] = [];
    do items.push(parse());
    while (this.skip(separator));
    return items;
  }

  name(): string {
    return this.expect('Name').value;
  }

  expect(kind: TokenKind): Token {
    if (this.token.kind !== kind) throw this.expected(kind);
    return this.advance();
  }

  word(word: string): void {
    if (!this.skipWord(word)) throw this.fail(this.token, `Expected ${quote(word)}, found ${tokenText(this.token)}`);
  }

  skip(kind: TokenKind): boolean {
    if (this.token.kind !== kind) return false;
    this.advance();
    return true;
  }

  skipWord(word: string): boolean {
    if (!this.is('Name', word)) return false;
    this.advance();
    return true;
  }

  is(kind: TokenKind, value: string): boolean {
    return this.token.kind === kind && this.token.value === value;
  }

  advance(): Token {
    this.previous = this.token;
    this.token = this.#lexer.next();
    return this.previous;
  }

  expected(what: string): BuiltinError {
    return this.fail(this.token, `Expected ${what}, found ${this.token.kind}`);
  }

  unexpected(token: Token = this.token): BuiltinError {
    return this.fail(token, `Unexpected ${tokenText(token)}`);
  }

  fail({ offset }: Token, message: string): BuiltinError {
    return new BuiltinError(`${message} in GraphQL string at ${location(this.#text, offset)}`);
  }
}

function location(text: string, offset: number): string {
  const { line, column } = locate(text, offset);
  return `location ${line}:${column}`;
}
