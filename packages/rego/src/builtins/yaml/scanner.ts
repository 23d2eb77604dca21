/** A YAML text as tokens. What may turn out to be the key of a mapping is known only behind it, at its colon. */
import { type Mark, scannerError } from './failure.ts';
import { scanAnchor, scanDirective, scanTag, type Tag } from './properties.ts';
import { scanBlock, scanPlain, scanQuoted } from './scalars.ts';
import { Source } from './source.ts';

export type TokenKind =
  | 'stream end'
  | 'version'
  | 'tag directive'
  | 'document start'
  | 'document end'
  | 'sequence start'
  | 'mapping start'
  | 'block end'
  | '['
  | ']'
  | '{'
  | '}'
  | ','
  | '-'
  | '?'
  | ':'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'scalar';

export interface Token {
  readonly kind: TokenKind;
  readonly mark: Mark;
  readonly text: string;
  readonly isPlain: boolean;
  readonly tag: Tag | undefined;
}

/** A token that becomes a key when a colon follows. */
interface SimpleKey {
  readonly token: number;
  /** Of flow collections around it. */
  readonly level: number;
  readonly isRequired: boolean;
  readonly mark: Mark;
}

/** A simple key is no longer than this, and on one line. */
const MAX_KEY = 1024;
const LOOKAHEAD = 2;
const MAX_DEPTH = 10_000;

export class Scanner {
  readonly #source: Source;
  readonly #tokens: Token[] = [];
  #taken = 0;
  #isFinished = false;
  /** Whether the next token will stay the next one. */
  #isReady = false;
  readonly #indents: number[] = [];
  #indent = -1;
  #flowLevel = 0;
  /** At most one for each level, the outermost first; none of their tokens has been taken. */
  readonly #keys: SimpleKey[] = [];
  #keyAllowed = true;

  /** @throws BuiltinError */
  constructor(text: string) {
    this.#source = new Source(text);
  }

  peek(): Token {
    if (!this.#isReady) {
      while (!this.#isFinished && (this.#tokens.length <= LOOKAHEAD || this.#mayBeKey())) this.#fetch();
      this.#isReady = true;
    }
    return this.#tokens[0] as Token;
  }

  take(): Token {
    const token = this.peek();
    if (token.kind === 'stream end') return token;
    this.#tokens.shift();
    this.#taken += 1;
    this.#isReady = false;
    return token;
  }

  /** Whether the next token may become a key. */
  #mayBeKey(): boolean {
    const key = this.#keys[0];
    if (key?.token !== this.#taken) return false;
    if (this.#isValid(key)) return true;
    this.#keys.shift();
    return false;
  }

  #isValid({ mark, isRequired }: SimpleKey): boolean {
    const { line, index } = this.#source;
    if (mark.line === line && mark.index + MAX_KEY >= index) return true;
    if (isRequired) throw scannerError("could not find expected ':'", this.#source.mark, mark);
    return false;
  }

  /** The key of the innermost level, which is then no longer one. */
  #takeKey(): SimpleKey | undefined {
    return this.#keys.at(-1)?.level === this.#flowLevel ? this.#keys.pop() : undefined;
  }

  #add(kind: TokenKind, mark: Mark = this.#source.mark, text = '', tag?: Tag): void {
    this.#tokens.push({ kind, mark, text, isPlain: false, tag });
  }

  #saveKey(): void {
    if (!this.#keyAllowed) return;
    this.#removeKey();
    const { mark } = this.#source;
    const isRequired = this.#flowLevel === 0 && this.#indent === mark.column;
    this.#keys.push({ token: this.#taken + this.#tokens.length, level: this.#flowLevel, isRequired, mark });
  }

  #removeKey(): void {
    const key = this.#takeKey();
    if (key?.isRequired === true) throw scannerError("could not find expected ':'", this.#source.mark, key.mark);
  }

  #roll(kind: 'sequence start' | 'mapping start', mark: Mark, token?: number): void {
    if (this.#flowLevel > 0 || this.#indent >= mark.column) return;
    this.#indents.push(this.#indent);
    if (this.#indents.length > MAX_DEPTH) {
      throw scannerError(`exceeded max depth of ${MAX_DEPTH}`, this.#source.mark, mark);
    }
    this.#indent = mark.column;
    const at = token === undefined ? this.#tokens.length : token - this.#taken;
    this.#tokens.splice(at, 0, { kind, mark, text: '', isPlain: false, tag: undefined });
  }

  #unroll(column: number, mark: Mark): void {
    if (this.#flowLevel > 0) return;
    while (this.#indent > column) {
      this.#add('block end', mark);
      this.#indent = this.#indents.pop() ?? -1;
    }
  }

  #fetch(): void {
    const source = this.#source;
    const before = source.mark;
    this.#skipSpace();
    this.#unroll(source.column, before);
    if (source.isEnd()) return this.#fetchEnd();
    if (source.column === 0 && source.peek() === '%') return this.#fetchDirective();
    if (source.isDocumentIndicator('---')) return this.#fetchIndicator('document start');
    if (source.isDocumentIndicator('...')) return this.#fetchIndicator('document end');
    const rune = source.peek();
    const isAlone = source.isSpaceOrEnd(1);
    const inFlow = this.#flowLevel > 0;
    if (rune === '[' || rune === '{') return this.#fetchFlowStart(rune);
    if (rune === ']' || rune === '}') return this.#fetchFlowEnd(rune);
    if (rune === ',') return this.#fetchEntry(',');
    if (rune === '-' && isAlone) return this.#fetchBlockEntry();
    if (rune === '?' && (inFlow || isAlone)) return this.#fetchKey();
    if (rune === ':' && (inFlow || isAlone)) return this.#fetchValue();
    if (rune === '*' || rune === '&' || rune === '!') return this.#fetchProperty(rune);
    if ((rune === '|' || rune === '>') && !inFlow) return this.#fetchBlock();
    if (rune === "'" || rune === '"') return this.#fetchQuoted(rune);
    if (this.#startsPlain(rune)) return this.#fetchPlain();
    throw scannerError('found character that cannot start any token', source.mark, source.mark);
  }

  #startsPlain(rune: string): boolean {
    if (rune === '-') return !this.#source.isBlank(1);
    if (rune === '?' || rune === ':') return this.#flowLevel === 0 && !this.#source.isSpaceOrEnd(1);
    return !this.#source.isSpaceOrEnd() && !/[,[\]{}#&*!|>'"%@`]/.test(rune);
  }

  #skipSpace(): void {
    const source = this.#source;
    for (;;) {
      while (source.peek() === ' ' || (source.peek() === '\t' && (this.#flowLevel > 0 || !this.#keyAllowed))) {
        source.take();
      }
      if (source.peek() === '#') while (!source.isBreakOrEnd()) source.take();
      if (!source.isBreak()) return;
      source.takeBreak();
      if (this.#flowLevel === 0) this.#keyAllowed = true;
    }
  }

  #fetchEnd(): void {
    this.#source.finishLine();
    this.#unroll(-1, this.#source.mark);
    this.#removeKey();
    this.#add('stream end');
    this.#isFinished = true;
  }

  #fetchDirective(): void {
    this.#unroll(-1, this.#source.mark);
    this.#removeKey();
    this.#keyAllowed = false;
    const { mark } = this.#source;
    const { isVersion, text, tag } = scanDirective(this.#source);
    this.#add(isVersion ? 'version' : 'tag directive', mark, text, tag);
  }

  #fetchIndicator(kind: 'document start' | 'document end'): void {
    this.#unroll(-1, this.#source.mark);
    this.#removeKey();
    this.#keyAllowed = false;
    this.#add(kind);
    for (let taken = 0; taken < 3; taken += 1) this.#source.take();
  }

  #fetchFlowStart(kind: '[' | '{'): void {
    this.#saveKey();
    this.#flowLevel += 1;
    if (this.#flowLevel > MAX_DEPTH) {
      throw scannerError(`exceeded max depth of ${MAX_DEPTH}`, this.#source.mark, this.#source.mark);
    }
    this.#keyAllowed = true;
    this.#add(kind);
    this.#source.take();
  }

  #fetchFlowEnd(kind: ']' | '}'): void {
    this.#removeKey();
    if (this.#flowLevel > 0) this.#flowLevel -= 1;
    this.#keyAllowed = false;
    this.#add(kind);
    this.#source.take();
  }

  #fetchEntry(kind: ',' | '-'): void {
    this.#removeKey();
    this.#keyAllowed = true;
    this.#add(kind);
    this.#source.take();
  }

  #fetchBlockEntry(): void {
    const { mark } = this.#source;
    if (this.#flowLevel === 0) {
      if (!this.#keyAllowed) throw scannerError('block sequence entries are not allowed in this context', mark, mark);
      this.#roll('sequence start', mark);
    }
    this.#fetchEntry('-');
  }

  #fetchKey(): void {
    const { mark } = this.#source;
    if (this.#flowLevel === 0) {
      if (!this.#keyAllowed) throw scannerError('mapping keys are not allowed in this context', mark, mark);
      this.#roll('mapping start', mark);
    }
    this.#removeKey();
    this.#keyAllowed = this.#flowLevel === 0;
    this.#add('?');
    this.#source.take();
  }

  #fetchValue(): void {
    const { mark } = this.#source;
    const key = this.#takeKey();
    if (key !== undefined && this.#isValid(key)) {
      const start: Token = { kind: '?', mark: key.mark, text: '', isPlain: false, tag: undefined };
      this.#tokens.splice(key.token - this.#taken, 0, start);
      this.#roll('mapping start', key.mark, key.token);
      this.#keyAllowed = false;
    } else {
      if (this.#flowLevel === 0) {
        if (!this.#keyAllowed) throw scannerError('mapping values are not allowed in this context', mark, mark);
        this.#roll('mapping start', mark);
      }
      this.#keyAllowed = this.#flowLevel === 0;
    }
    this.#add(':');
    this.#source.take();
  }

  #fetchProperty(indicator: '*' | '&' | '!'): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const { mark } = this.#source;
    if (indicator === '!') this.#add('tag', mark, '', scanTag(this.#source));
    else this.#add(indicator === '*' ? 'alias' : 'anchor', mark, scanAnchor(this.#source));
  }

  #fetchBlock(): void {
    this.#removeKey();
    this.#keyAllowed = true;
    const { mark } = this.#source;
    this.#add('scalar', mark, scanBlock(this.#source, this.#indent));
  }

  #fetchQuoted(quote: '"' | "'"): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const { mark } = this.#source;
    this.#add('scalar', mark, scanQuoted(this.#source, quote));
  }

  #fetchPlain(): void {
    this.#saveKey();
    this.#keyAllowed = false;
    const { mark } = this.#source;
    const { text, endsLine } = scanPlain(this.#source, this.#indent, this.#flowLevel > 0);
    this.#tokens.push({ kind: 'scalar', mark, text, isPlain: true, tag: undefined });
    if (endsLine) this.#keyAllowed = true;
  }
}
