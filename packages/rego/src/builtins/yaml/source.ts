/** The characters of a YAML text, read one by one; knows where it stands. */
import { BuiltinError } from '../builtin.ts';
import type { Mark } from './failure.ts';

const END = '\0';

export class Source {
  readonly #runes: readonly string[];
  #index = 0;
  #line = 0;
  #column = 0;
  #mark: Mark = { index: 0, line: 0, column: 0 };

  /** @throws BuiltinError when the text holds what YAML does not allow */
  constructor(text: string) {
    if (!text.isWellFormed()) throw new BuiltinError('yaml: invalid leading UTF-8 octet');
    if (/[^\t\n\r -~\u0085\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(text)) {
      throw new BuiltinError('yaml: control characters are not allowed');
    }
    this.#runes = Array.from(text.startsWith('\ufeff') ? text.slice(1) : text);
  }

  get mark(): Mark {
    if (this.#mark.index !== this.#index || this.#mark.column !== this.#column) {
      this.#mark = { index: this.#index, line: this.#line, column: this.#column };
    }
    return this.#mark;
  }

  get column(): number {
    return this.#column;
  }

  get line(): number {
    return this.#line;
  }

  get index(): number {
    return this.#index;
  }

  /** The character here or further on; NUL at the end. */
  peek(offset = 0): string {
    return this.#runes[this.#index + offset] ?? END;
  }

  isAt(text: string): boolean {
    for (let offset = 0; offset < text.length; offset += 1) if (this.peek(offset) !== text[offset]) return false;
    return true;
  }

  isEnd(offset = 0): boolean {
    return this.#index + offset >= this.#runes.length;
  }

  isBlank(offset = 0): boolean {
    const rune = this.peek(offset);
    return rune === ' ' || rune === '\t';
  }

  isBreak(offset = 0): boolean {
    switch (this.peek(offset)) {
      case '\n':
      case '\r':
      case '\u0085':
      case '\u2028':
      case '\u2029':
        return true;
      default:
        return false;
    }
  }

  isBreakOrEnd(offset = 0): boolean {
    return this.isEnd(offset) || this.isBreak(offset);
  }

  isSpaceOrEnd(offset = 0): boolean {
    return this.isBlank(offset) || this.isBreakOrEnd(offset);
  }

  /** `---` or `...` at the beginning of a line. */
  isDocumentIndicator(indicator: '---' | '...'): boolean {
    return this.#column === 0 && this.isAt(indicator) && this.isSpaceOrEnd(3);
  }

  /** @returns the character that was skipped */
  take(): string {
    const rune = this.peek();
    this.#index += 1;
    this.#column += 1;
    return rune;
  }

  /** @returns the break as a value has it: any but the two of Unicode is a line feed */
  takeBreak(): string {
    const rune = this.peek();
    this.#index += rune === '\r' && this.peek(1) === '\n' ? 2 : 1;
    this.#line += 1;
    this.#column = 0;
    return rune === '\u2028' || rune === '\u2029' ? rune : '\n';
  }

  /** The end of the text is the beginning of a line. */
  finishLine(): void {
    if (this.#column === 0) return;
    this.#column = 0;
    this.#line += 1;
  }
}
