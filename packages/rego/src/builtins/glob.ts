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
  return context.patterns.get(`glob ${delimiters.join('')} ${pattern}`, () => globPattern(pattern, delimiters));
}

/** @throws BuiltinError when the pattern is malformed */
export function globPattern(pattern: string, delimiters: readonly string[]): RE2JS {
  const source = new GlobCompiler(pattern, delimiters).compile();
  try {
    return RE2JS.compile(`^(?:${source})$`, RE2JS.DOTALL);
  } catch {
    throw new BuiltinError(`pattern cannot be compiled: ${pattern}`);
  }
}

const MAX_DEPTH = 50;
/** More would take too long to compile. */
const MAX_WILDCARDS = 500;

class GlobCompiler {
  readonly #runes: readonly string[];
  readonly #one: string;
  #at = 0;
  #wildcards = 0;

  constructor(pattern: string, delimiters: readonly string[]) {
    this.#runes = Array.from(pattern);
    this.#one = delimiters.length === 0 ? '.' : `[^${delimiters.map(escapeInClass).join('')}]`;
  }

  compile(): string {
    return this.#sequence(0);
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
    if (/[*?[{]/.test(rune)) this.#wildcards += 1;
    if (this.#wildcards > MAX_WILDCARDS) throw new BuiltinError(`glob with more than ${MAX_WILDCARDS} wildcards`);
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
        if (this.#at === this.#runes.length) throw this.#fail('trailing backslash');
        return RE2JS.quote(this.#runes[this.#at] ?? '');
      default:
        return RE2JS.quote(rune);
    }
  }

  /** `[a-z]` holds one range, `[abc]` a list in which nothing but `\\` and `]` is special. */
  #charset(): string {
    this.#at += 1;
    const negated = this.#runes[this.#at] === '!';
    if (negated) this.#at += 1;
    const body = this.#runes[this.#at + 1] === '-' ? this.#range() : this.#listed();
    return `[${negated ? '^' : ''}${body}]`;
  }

  #range(): string {
    const [low = '', , high] = this.#runes.slice(this.#at, this.#at + 3);
    this.#at += 3;
    if (high === undefined || this.#at >= this.#runes.length) throw this.#fail('unexpected end of input');
    if (this.#runes[this.#at] !== ']') throw this.#fail('expected close range character', this.#at + 1);
    if ((high.codePointAt(0) ?? 0) < (low.codePointAt(0) ?? 0)) {
      throw this.#fail('range hi character is less than lo', this.#at + 1);
    }
    return `${escapeInClass(low)}-${escapeInClass(high)}`;
  }

  #listed(): string {
    let body = '';
    for (; this.#runes[this.#at] !== ']'; this.#at += 1) {
      if (this.#runes[this.#at] === '\\') this.#at += 1;
      const rune = this.#runes[this.#at];
      if (rune === undefined) throw this.#fail('unexpected end of input');
      body += escapeInClass(rune);
    }
    if (body === '') throw this.#fail('could not parse range', this.#at + 1);
    return body;
  }

  #alternatives(depth: number): string {
    if (depth > MAX_DEPTH) throw this.#fail('nested too deeply', this.#at);
    const branches: string[] = [];
    do {
      this.#at += 1;
      branches.push(this.#sequence(depth));
    } while (this.#runes[this.#at] === ',');
    if (this.#runes[this.#at] !== '}') throw this.#fail('unclosed `{`');
    return `(?:${branches.join('|')})`;
  }

  #fail(why: string, position = this.#runes.length): BuiltinError {
    return new BuiltinError(`glob: syntax error at ${position}: ${why}`);
  }
}

function escapeInClass(rune: string): string {
  return /[\\\]^[-]/.test(rune) ? `\\${rune}` : rune;
}
