/**
 * `glob.match` and `glob.quote_meta`: `*` and `?` stop at delimiters, `**` does not; `[abc]`, `[!a-c]`, `{a,b}`, `\`.
 * A pattern becomes one RE2 expression, so matching is linear.
 */
import { RE2JS } from 're2js';
import type { Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { arrayOperand, elementError, operandTypeError, stringOperand } from './operand.ts';
import { arrayOf, BOOLEAN, NULL, STRING, union } from './type.ts';

export const GLOB: readonly Builtin[] = [
  {
    name: 'glob.match',
    args: [STRING, union(arrayOf(STRING), NULL), STRING],
    result: BOOLEAN,
    evaluate: (context, pattern, delimiters, text) => {
      const glob = compileGlob(context, stringOperand(pattern, 1), delimitersOperand(delimiters));
      return glob.test(stringOperand(text, 3));
    },
  },
  {
    name: 'glob.quote_meta',
    args: [STRING],
    result: STRING,
    evaluate: (_, pattern) => stringOperand(pattern, 1).replace(/[*?\\[\]{}!,-]/g, quoteMeta),
  },
];

/** Only what starts something in a pattern; `!`, `,` and `-` mean nothing outside brackets and braces. */
function quoteMeta(char: string): string {
  return /[*?\\[\]{}]/.test(char) ? `\\${char}` : char;
}

/** None for null, `.` for an empty array. */
function delimitersOperand(value: Value): readonly string[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw operandTypeError(2, value, 'array', 'null');
  const delimiters = arrayOperand(value, 2).map((item) => {
    if (typeof item !== 'string') throw elementError(2, value as readonly Value[], item, 'string');
    if (Array.from(item).length !== 1) throw elementError(2, value as readonly Value[], item, 'rune');
    return item;
  });
  return delimiters.length === 0 ? ['.'] : delimiters;
}

function compileGlob(context: BuiltinContext, pattern: string, delimiters: readonly string[]): RE2JS {
  return context.patterns.get(`glob ${delimiters.join('')} ${pattern}`, () => {
    const source = new GlobCompiler(pattern, delimiters).compile();
    try {
      return RE2JS.compile(`^(?:${source})$`, RE2JS.DOTALL);
    } catch {
      throw new BuiltinError(`pattern cannot be compiled: ${pattern}`);
    }
  });
}

class GlobCompiler {
  readonly #runes: readonly string[];
  readonly #one: string;
  #at = 0;

  constructor(pattern: string, delimiters: readonly string[]) {
    this.#runes = Array.from(pattern);
    this.#one = delimiters.length === 0 ? '.' : `[^${delimiters.map(escapeInClass).join('')}]`;
  }

  compile(): string {
    const source = this.#sequence(0);
    if (this.#at < this.#runes.length) throw new BuiltinError('unexpected end of input');
    return source;
  }

  /** Up to the end, or to `,` or `}` inside braces. */
  #sequence(depth: number): string {
    let source = '';
    for (; this.#at < this.#runes.length; this.#at += 1) {
      const rune = this.#runes[this.#at] ?? '';
      if (depth > 0 && (rune === ',' || rune === '}')) return source;
      source += this.#token(rune, depth);
    }
    return source;
  }

  #token(rune: string, depth: number): string {
    switch (rune) {
      case '*': {
        let stars = 1;
        for (; this.#runes[this.#at + 1] === '*'; this.#at += 1) stars += 1;
        return stars > 1 ? '.*' : `${this.#one}*`;
      }
      case '?':
        return this.#one;
      case '[':
        return this.#charset();
      case '{':
        return this.#alternatives(depth + 1);
      case '\\':
        this.#at += 1;
        return RE2JS.quote(this.#runes[this.#at] ?? '');
      default:
        return RE2JS.quote(rune);
    }
  }

  #charset(): string {
    const close = this.#runes.indexOf(']', this.#at + 1);
    if (close < 0) throw new BuiltinError('unexpected end of input');
    const members = this.#runes.slice(this.#at + 1, close);
    this.#at = close;
    const negated = members[0] === '!';
    const listed = negated ? members.slice(1) : members;
    const isRange = listed.length === 3 && listed[1] === '-';
    const body = isRange
      ? `${escapeInClass(listed[0] ?? '')}-${escapeInClass(listed[2] ?? '')}`
      : listed.map(escapeInClass).join('');
    return `[${negated ? '^' : ''}${body}]`;
  }

  #alternatives(depth: number): string {
    const branches: string[] = [];
    do {
      this.#at += 1;
      branches.push(this.#sequence(depth));
    } while (this.#runes[this.#at] === ',');
    if (this.#runes[this.#at] !== '}') throw new BuiltinError('unexpected end of input');
    return `(?:${branches.join('|')})`;
  }
}

function escapeInClass(rune: string): string {
  return /[\\\]^[-]/.test(rune) ? `\\${rune}` : rune;
}
