/** Where the parser stands in a file's tokens, and how it complains. */
import type { Term, Var } from './ast.ts';
import { type Diagnostic, syntaxError } from './diagnostic.ts';
import { KEYWORDS_V0, KEYWORDS_V1 } from './keywords.ts';
import { SyntaxFailure, type Token } from './lexer.ts';
import type { Location } from './location.ts';
import { tokenName } from './token-name.ts';

export type RegoVersion = 'v0' | 'v1';

/** Deeper nesting than any policy has, shallower than what would exhaust the stack. */
const MAX_DEPTH = 200;

interface ParsedTerm {
  readonly term: Term;
  readonly index: number;
}

type Attempted<T> =
  | { readonly result: T; readonly rethrow: undefined }
  /** Goes back to where it failed, and fails. */
  | { readonly result: undefined; readonly rethrow: () => never };

export class Cursor {
  readonly file: string;
  readonly source: string;
  readonly version: RegoVersion;
  tokens: readonly Token[];
  index = 0;
  /** `import rego.v1` in a v0 file makes it strict. */
  strictV1: boolean;
  /** `import future.keywords.not`: a `not` keeps everything its literal needs inside. */
  notKeepsInside = false;
  private readonly keywords: Set<string>;
  /** Syntax errors after which parsing went on. */
  readonly errors: Diagnostic[] = [];
  /** What is wrong with statements that could be parsed: said when nothing else is. */
  readonly deferred: Diagnostic[] = [];
  /** Terms by token, so that backtracking stays linear. */
  private terms = new Map<number, ParsedTerm>();
  /** Keywords that name the head of a ref. */
  private readonly named: Token[] = [];
  /** White space that stands where a name should. */
  private gap: Location | undefined;
  private readonly failed = new Set<number>();
  private readonly failures = new Map<number, () => never>();
  private readonly counter: { wildcards: number; depth: number };

  /** With what the names of called functions begin. */
  readonly called = new Set<string>();
  /** Whether a builtin has this name. */
  readonly isBuiltin: (name: string) => boolean;

  constructor(
    file: string,
    source: string,
    tokens: readonly Token[],
    { version, isBuiltin = () => false }: { readonly version: RegoVersion; readonly isBuiltin?: Cursor['isBuiltin'] },
  ) {
    this.isBuiltin = isBuiltin;
    this.file = file;
    this.source = source;
    this.tokens = tokens;
    this.version = version;
    this.strictV1 = version === 'v1';
    this.keywords = new Set<string>(version === 'v1' ? [...KEYWORDS_V0, ...KEYWORDS_V1] : KEYWORDS_V0);
    this.counter = { wildcards: 0, depth: 0 };
  }

  get token(): Token {
    return this.peek(0);
  }

  peek(ahead: number): Token {
    const token = this.tokens[Math.min(this.index + ahead, this.tokens.length - 1)];
    if (token === undefined) throw new Error('a token list ends with eof');
    return token;
  }

  advance(): Token {
    const token = this.token;
    this.index += 1;
    return token;
  }

  isPunct(text: string): boolean {
    return this.token.kind === 'punct' && this.token.text === text;
  }

  /** The keyword here, unless it begins a ref such as `if.allowed`. */
  isKeyword(name: string): boolean {
    const { token } = this;
    return token.kind === 'ident' && token.text === name && this.keywords.has(name) && !this.named.includes(token);
  }

  isIdentifier(): boolean {
    const { token } = this;
    return token.kind === 'ident' && (!this.keywords.has(token.text) || this.named.includes(token));
  }

  /** An identifier that may name a variable here. */
  isName(): boolean {
    return this.isIdentifier() || this.isKeyword('contains');
  }

  /** Where a statement or a literal begins, a keyword before `.` or `[` is the head of a ref. */
  mayBeginRef(): void {
    if (this.beginsRef()) this.nameHere();
  }

  /** In a path the first name may be any. */
  nameHere(): void {
    if (this.token.kind === 'ident' && this.keywords.has(this.token.text)) this.named.push(this.token);
  }

  beginsRef(): boolean {
    const next = this.peek(1);
    return !next.spaced && next.kind === 'punct' && (next.text === '.' || next.text === '[');
  }

  /** The `and` or `or` here. */
  logicOperator(): 'and' | 'or' | undefined {
    return this.isKeyword('and') ? 'and' : this.isKeyword('or') ? 'or' : undefined;
  }

  hasLogic(): boolean {
    return this.keywords.has('and') || this.keywords.has('or');
  }

  isReserved(name: string): boolean {
    return this.keywords.has(name);
  }

  enableKeyword(name: string): void {
    if (name === 'not') this.notKeepsInside = true;
    if (name === 'every') this.keywords.add('in');
    this.keywords.add(name);
    this.terms.clear();
  }

  expectPunct(text: string, note: string): Token {
    if (!this.isPunct(text)) this.illegal(note);
    return this.advance();
  }

  location(token: Token = this.token): Location {
    return { file: this.file, row: token.row, col: token.col, offset: token.offset, text: token.text };
  }

  /** The location of something that begins at `start` and ends before the current token. */
  span(start: Location): Location {
    const last = this.tokens[this.index - 1];
    const end = last === undefined ? start.offset : last.end;
    return { ...start, text: this.source.slice(start.offset, end) };
  }

  wildcard(location: Location): Var {
    return this.fresh('$', location);
  }

  /** A variable that no message shows. */
  hidden(location: Location): Var {
    return this.fresh('#t', location);
  }

  private fresh(prefix: string, location: Location): Var {
    const name = `${prefix}${this.counter.wildcards}`;
    this.counter.wildcards += 1;
    return { kind: 'var', name, location };
  }

  remembered(index: number): Term | undefined {
    const found = this.terms.get(index);
    if (found === undefined) return undefined;
    this.index = found.index;
    return found.term;
  }

  remember(index: number, term: Term): void {
    if (this.errors.length === 0) this.terms.set(index, { term, index: this.index });
  }

  /** Parses the tokens of a template's expression in place of this file's own. */
  within<T>(tokens: readonly Token[], parse: () => T): T {
    const outer = { tokens: this.tokens, index: this.index, terms: this.terms };
    this.tokens = tokens;
    this.index = 0;
    this.terms = new Map();
    const result = parse();
    Object.assign(this, outer);
    return result;
  }

  /** Runs `parse` one level deeper. */
  nested<T>(parse: () => T): T {
    this.counter.depth += 1;
    if (this.counter.depth > MAX_DEPTH) this.fail('max parsing recursion depth exceeded');
    const result = parse();
    this.counter.depth -= 1;
    return result;
  }

  /** Tries `parse`; if it fails, the cursor is back where it was and the answer is undefined. */
  attempt<T>(parse: () => T | undefined): T | undefined {
    const back = this.mark();
    const attempted = this.tried(parse);
    if (attempted.rethrow !== undefined) return undefined;
    if (attempted.result === undefined) back();
    return attempted.result;
  }

  /** As {@link attempt}, for those who want to say later why it failed. */
  tried<T>(parse: () => T): Attempted<T> {
    const { tokens, terms } = this;
    const { depth } = this.counter;
    const back = this.mark();
    const known = this.errors.length;
    try {
      return { result: parse(), rethrow: undefined };
    } catch (error) {
      if (!(error instanceof SyntaxFailure)) throw error;
      const failure = SyntaxFailure.of([...this.errors.slice(known), ...error.diagnostics]);
      const { index } = this;
      Object.assign(this, { tokens, terms });
      back();
      this.counter.depth = depth;
      const rethrow = (): never => {
        this.index = index;
        throw failure;
      };
      return { result: undefined, rethrow };
    }
  }

  /** Like {@link tried}, but never again at a place where it failed: nested attempts stay linear. */
  triedOnce<T>(parse: () => T): Attempted<T> {
    const { offset } = this.token;
    const known = this.failures.get(offset);
    const attempted = known === undefined ? this.tried(parse) : { result: undefined, rethrow: known };
    if (attempted.rethrow !== undefined) this.failures.set(offset, attempted.rethrow);
    return attempted;
  }

  /** Remembers this place; the answer goes back to it. */
  mark(): () => void {
    const { index, gap } = this;
    const [errors, deferred, named] = [this.errors.length, this.deferred.length, this.named.length];
    return () => {
      this.index = index;
      this.gap = gap;
      this.errors.length = errors;
      this.deferred.length = deferred;
      this.named.length = named;
    };
  }

  /** What follows an operator: when it fails, OPA goes on as if neither stood there, and says so later. */
  recovering<T>(parse: () => T): T | undefined {
    const { tokens } = this;
    const { depth } = this.counter;
    try {
      return parse();
    } catch (error) {
      // Inside a template string the tokens are others: no going on from there.
      if (!(error instanceof SyntaxFailure) || this.tokens !== tokens) throw error;
      this.errors.push(...error.diagnostics);
      this.counter.depth = depth;
      this.gap = undefined;
      return undefined;
    }
  }

  /** Like {@link attempt}, but never again at a place where it failed: nested attempts stay linear. */
  attemptOnce<T>(parse: () => T | undefined): T | undefined {
    const { offset } = this.token;
    if (this.failed.has(offset)) return undefined;
    const result = this.attempt(parse);
    if (result === undefined) this.failed.add(offset);
    return result;
  }

  /** When `parse` fails, OPA says twice why: what was wrong, and what was expected in its place. */
  alsoReporting<T>(note: string, parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof SyntaxFailure)) throw error;
      throw error.and(`${this.unexpected()}: ${note}`, this.gap ?? this.location());
    }
  }

  illegal(note = '', hint?: string): never {
    return this.fail(`${this.unexpected()}${note === '' ? '' : `: ${note}`}`, this.gap ?? this.location(), hint);
  }

  /** Refuses the white space here; `dot` is where the character before it stands. */
  illegalSpace(dot: Location, note: string): never {
    const offset = dot.offset + 1;
    const breaks = this.source[offset] === '\n';
    this.gap = { ...dot, offset, row: dot.row + (breaks ? 1 : 0), col: breaks ? 0 : dot.col + 1 };
    return this.illegal(note);
  }

  private unexpected(): string {
    return `unexpected ${this.gap === undefined ? tokenName(this.token, this.keywords) : 'whitespace token'}`;
  }

  fail(message: string, location: Location = this.location(), hint?: string): never {
    throw new SyntaxFailure(hint === undefined ? message : `${message} (hint: ${hint})`, location);
  }

  /** Ends parsing with the errors so far. */
  giveUp(): never {
    throw SyntaxFailure.of([]);
  }

  later(message: string, location: Location): void {
    this.deferred.push({ ...syntaxError(message, location), isStatement: true });
  }

  /** What to import when the token here would be a keyword, had it been imported. */
  keywordHint(name: string, example: string, what: string): string | undefined {
    const isPlain = this.token.kind === 'ident' && this.token.text === name && !this.keywords.has(name);
    return isPlain ? `\`import future.keywords.${name}\` for \`${example}\` ${what}` : undefined;
  }
}
