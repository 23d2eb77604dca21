/** The scalars of YAML as they are written: plain, in quotes, in blocks. */
import { type Mark, scannerError } from './failure.ts';
import type { Source } from './source.ts';

export interface ScalarText {
  readonly text: string;
  /** After a plain scalar that ends with its line a simple key may follow. */
  readonly endsLine: boolean;
}

/** @param indent of the collection around it */
export function scanPlain(source: Source, indent: number, inFlow: boolean): ScalarText {
  const start = source.mark;
  const folding = new Folding();
  for (;;) {
    if (source.isDocumentIndicator('---') || source.isDocumentIndicator('...') || source.peek() === '#') break;
    let word = '';
    while (!source.isSpaceOrEnd() && !endsPlain(source, inFlow)) word += source.take();
    if (word !== '') folding.add(word);
    if (!source.isBlank() && !source.isBreak()) break;
    while (source.isBlank() || source.isBreak()) {
      if (source.isBlank() && folding.hasBreak && source.column < indent + 1 && source.peek() === '\t') {
        throw scannerError('found a tab character that violates indentation', source.mark, start);
      }
      folding.space(source);
    }
    if (!inFlow && source.column < indent + 1) break;
  }
  return { text: folding.text, endsLine: folding.hasBreak };
}

function endsPlain(source: Source, inFlow: boolean): boolean {
  if (source.peek() === ':') return source.isSpaceOrEnd(1);
  return inFlow && ',?[]{}'.includes(source.peek());
}

/** Spaces between words stay, a break becomes a space, and of more breaks all but the first stay. */
class Folding {
  #done = '';
  #spaces = '';
  #leading = '';
  #trailing = '';

  get hasBreak(): boolean {
    return this.#leading !== '';
  }

  get text(): string {
    return this.#done;
  }

  add(word: string): void {
    this.flush();
    this.#done += word;
  }

  /** What stands between two words is written only when the second one comes. */
  flush(): void {
    if (this.hasBreak) this.#done += this.#leading === '\n' ? this.#trailing || ' ' : this.#leading + this.#trailing;
    else this.#done += this.#spaces;
    this.#spaces = '';
    this.#leading = '';
    this.#trailing = '';
  }

  space(source: Source): void {
    if (source.isBlank()) {
      const rune = source.take();
      if (!this.hasBreak) this.#spaces += rune;
    } else if (this.hasBreak) this.#trailing += source.takeBreak();
    else {
      this.#spaces = '';
      this.#leading = source.takeBreak();
    }
  }
}

export function scanQuoted(source: Source, quote: '"' | "'"): string {
  const start = source.mark;
  source.take();
  let text = '';
  for (;;) {
    if (source.isDocumentIndicator('---') || source.isDocumentIndicator('...')) {
      throw scannerError('found unexpected document indicator', source.mark, start);
    }
    if (source.isEnd()) throw scannerError('found unexpected end of stream', source.mark, start);
    let continued = false;
    while (!source.isSpaceOrEnd() && !continued) {
      if (quote === "'" && source.isAt("''")) {
        source.take();
        text += source.take();
      } else if (source.peek() === quote) break;
      else if (quote === '"' && source.peek() === '\\') {
        source.take();
        if (source.isBreak()) {
          source.takeBreak();
          continued = true;
        } else text += scanEscape(source, start);
      } else text += source.take();
    }
    if (source.peek() === quote) break;
    text += quotedSpace(source, continued);
  }
  source.take();
  return text;
}

function quotedSpace(source: Source, continued: boolean): string {
  let [spaces, leading, trailing, broken] = ['', '', '', continued];
  while (source.isBlank() || source.isBreak()) {
    if (source.isBlank()) {
      const rune = source.take();
      if (!broken) spaces += rune;
    } else if (broken) trailing += source.takeBreak();
    else {
      leading = source.takeBreak();
      broken = true;
    }
  }
  if (!broken) return spaces;
  return leading === '\n' ? trailing || ' ' : leading + trailing;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['a', '\u0007'],
  ['b', '\b'],
  ['t', '\t'],
  ['\t', '\t'],
  ['n', '\n'],
  ['v', '\v'],
  ['f', '\f'],
  ['r', '\r'],
  ['e', '\u001b'],
  [' ', ' '],
  ['"', '"'],
  ["'", "'"],
  ['\\', '\\'],
  ['N', '\u0085'],
  ['_', '\u00a0'],
  ['L', '\u2028'],
  ['P', '\u2029'],
]);
const CODE_LENGTHS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Behind the backslash. */
function scanEscape(source: Source, start: Mark): string {
  const named = ESCAPES.get(source.peek());
  const length = CODE_LENGTHS[source.peek()];
  if (named === undefined && length === undefined) {
    throw scannerError('found unknown escape character', source.mark, start);
  }
  source.take();
  if (length === undefined) return named ?? '';
  const digits = Array.from({ length }, (_, offset) => source.peek(offset)).join('');
  if (!/^[\da-f]+$/i.test(digits)) {
    throw scannerError('did not find expected hexdecimal number', source.mark, start);
  }
  const code = Number.parseInt(digits, 16);
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
    throw scannerError('found invalid Unicode character escape code', source.mark, start);
  }
  for (let taken = 0; taken < length; taken += 1) source.take();
  return String.fromCodePoint(code);
}

interface BlockHeader {
  /** How much deeper than the parent the text stands; 0 when its first line tells. */
  readonly increment: number;
  /** What becomes of the breaks at the end. */
  readonly chomping: '' | '+' | '-';
}

/** @param parent indentation of the collection around it */
export function scanBlock(source: Source, parent: number): string {
  const start = source.mark;
  const isLiteral = source.take() === '|';
  const { increment, chomping } = scanHeader(source, start);
  let indent = increment === 0 ? 0 : Math.max(parent, 0) + increment;
  const block = { source, start, parent };
  let gap = scanGap(block, indent);
  indent = gap.indent;
  let [text, leading, afterBlank] = ['', '', false];
  while (source.column === indent && !source.isEnd()) {
    const isBlank = source.isBlank();
    const folds = !isLiteral && !afterBlank && !isBlank && leading === '\n';
    text += (folds ? (gap.breaks === '' ? ' ' : '') : leading) + gap.breaks;
    afterBlank = isBlank;
    while (!source.isBreakOrEnd()) text += source.take();
    leading = source.isEnd() ? '' : source.takeBreak();
    gap = scanGap(block, indent);
  }
  if (chomping !== '-') text += leading;
  return chomping === '+' ? text + gap.breaks : text;
}

function scanHeader(source: Source, start: Mark): BlockHeader {
  const header = /^(?:([+-])(\d?)|(\d)([+-]?))?/.exec(source.peek() + source.peek(1)) ?? [''];
  const [whole, before = '', after = '', digit = after, chomping = before] = header;
  if (digit === '0') throw scannerError('found an indentation indicator equal to 0', source.mark, start);
  for (let taken = 0; taken < whole.length; taken += 1) source.take();
  while (source.isBlank()) source.take();
  if (source.peek() === '#') while (!source.isBreakOrEnd()) source.take();
  if (!source.isBreakOrEnd()) throw scannerError('did not find expected comment or line break', source.mark, start);
  if (source.isBreak()) source.takeBreak();
  return { increment: Number(digit), chomping: chomping as BlockHeader['chomping'] };
}

interface Block {
  readonly source: Source;
  readonly start: Mark;
  readonly parent: number;
}

/** Whether the indentation, when it is known, has not been reached yet. */
function isBefore(source: Source, indent: number): boolean {
  return indent === 0 || source.column < indent;
}

/** Empty lines, and the indentation that the first line which is not empty has. */
function scanGap({ source, start, parent }: Block, indent: number): { breaks: string; indent: number } {
  let [breaks, deepest] = ['', 0];
  for (;;) {
    while (isBefore(source, indent) && source.peek() === ' ') source.take();
    deepest = Math.max(deepest, source.column);
    if (isBefore(source, indent) && source.peek() === '\t') {
      throw scannerError('found a tab character where an indentation space is expected', source.mark, start);
    }
    if (!source.isBreak()) break;
    breaks += source.takeBreak();
  }
  return { breaks, indent: indent === 0 ? Math.max(deepest, parent + 1, 1) : indent };
}
