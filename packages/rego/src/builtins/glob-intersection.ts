/** Whether two glob-like expressions (`.`, `[a-z]`, `+`, `*`, `\`) have a string in common (`regex.globs_match`). */
import { type BuiltinContext, BuiltinError } from './builtin.ts';

/** Some characters, given as ranges, repeated. */
interface Token {
  /** Undefined for any character. */
  readonly ranges: readonly (readonly [from: number, to: number])[] | undefined;
  readonly repeat: 'one' | 'some' | 'any';
}

/**
 * OPA's answer, which is narrower than a common string: of two globs that may both be empty (`a*`, `b*`) it says no,
 * and what follows the end of the other (`x`, `xa*`) is not taken as empty. So its steps are followed, each pair of
 * remainders once.
 */
export function globsIntersect(context: BuiltinContext, a: string, b: string): boolean {
  const trimmed = trim(simplify(tokenize(a)), simplify(tokenize(b)));
  return trimmed !== undefined && new Intersection(context, ...trimmed).meet(0, 0);
}

class Intersection {
  private readonly context: BuiltinContext;
  private readonly left: readonly Token[];
  private readonly right: readonly Token[];
  private readonly known = new Map<number, boolean>();
  /** The same with left and right exchanged. */
  private mirror: Intersection | undefined;

  constructor(context: BuiltinContext, left: readonly Token[], right: readonly Token[], mirror?: Intersection) {
    this.context = context;
    this.left = left;
    this.right = right;
    this.mirror = mirror;
  }

  /** Whether the left glob from i and the right one from j meet. */
  meet(i: number, j: number): boolean {
    const key = i * (this.right.length + 1) + j;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const answer = this.follow(i, j);
    this.known.set(key, answer);
    return answer;
  }

  private follow(from: number, to: number): boolean {
    let [i, j] = [from, to];
    for (; ; i += 1, j += 1) {
      this.context.spend(1);
      const [x, y] = [this.left[i], this.right[j]];
      if (x === undefined || y === undefined) return x === y;
      if (x.repeat !== 'one') return this.repeated(x, i, j);
      if (y.repeat !== 'one') return this.mirrored().repeated(y, j, i);
      if (!overlap(x, y)) return false;
    }
  }

  private repeated(token: Token, i: number, j: number): boolean {
    if (token.repeat === 'any') return this.gobble(token, i, j);
    const other = this.right[j];
    if (other === undefined || !overlap(token, other)) return false;
    return this.gobble(token, i, j + 1) || (other.repeat !== 'one' && this.meet(i + 1, j));
  }

  /** The left token takes tokens of the right until the rest of both meet. */
  private gobble(token: Token, i: number, from: number): boolean {
    const next = this.left[i + 1];
    for (let j = from; j < this.right.length; j += 1) {
      this.context.spend(1);
      const other = this.right[j] as Token;
      if (next !== undefined && overlap(other, next) && this.meet(i + 1, j)) return true;
      if (!overlap(other, token)) return false;
    }
    return next === undefined;
  }

  private mirrored(): Intersection {
    this.mirror ??= new Intersection(this.context, this.right, this.left, this);
    return this.mirror;
  }
}

/** Without the plain tokens both begin and end with, but for one; undefined when these differ. */
function trim(a: readonly Token[], b: readonly Token[]): readonly [readonly Token[], readonly Token[]] | undefined {
  const before = commonPlain(a, b);
  if (before === undefined) return undefined;
  const skip = Math.max(before - 1, 0);
  const after = commonPlain(a.slice(skip).reverse(), b.slice(skip).reverse());
  if (after === undefined) return undefined;
  const drop = Math.max(after - 1, 0);
  return [a.slice(skip, a.length - drop), b.slice(skip, b.length - drop)];
}

function commonPlain(a: readonly Token[], b: readonly Token[]): number | undefined {
  for (let at = 0; ; at += 1) {
    const [x, y] = [a[at], b[at]];
    if (x?.repeat !== 'one' || y?.repeat !== 'one') return at;
    if (!overlap(x, y)) return undefined;
  }
}

/** Neighbouring repetitions of the same characters are one. */
function simplify(tokens: readonly Token[]): readonly Token[] {
  const simple: Token[] = [];
  for (const token of tokens) {
    const last = simple.at(-1);
    if (last === undefined || last.repeat === 'one' || token.repeat === 'one' || !sameCharacters(last, token)) {
      simple.push(token);
    } else if (token.repeat === 'some') simple[simple.length - 1] = token;
  }
  return simple;
}

function sameCharacters(a: Token, b: Token): boolean {
  return JSON.stringify(a.ranges) === JSON.stringify(b.ranges);
}

function overlap(a: Token, b: Token): boolean {
  if (a.ranges === undefined || b.ranges === undefined) return true;
  const { ranges } = b;
  return a.ranges.some(([from, to]) => ranges.some(([start, end]) => from <= end && start <= to));
}

function tokenize(glob: string): readonly Token[] {
  const runes = Array.from(glob);
  const tokens: Token[] = [];
  let at = 0;
  while (at < runes.length) {
    const rune = runes[at] ?? '';
    let ranges: Token['ranges'];
    if (rune === '*' || rune === '+') throw invalid(glob, at + 1, `flag '${rune}' must be preceded by a non-flag`);
    if (rune === ']') throw invalid(glob, at + 1, "set-close ']' with no preceding '['");
    if (rune === '[') {
      const set = charset(glob, runes, at + 1);
      ranges = set.ranges;
      at = set.close;
    } else if (rune === '\\') {
      at = escaped(glob, runes, at);
      ranges = single(runes[at] ?? '');
    } else if (rune !== '.') ranges = single(rune);
    at += 1;
    const flag = runes[at];
    const repeat = flag === '*' ? 'any' : flag === '+' ? 'some' : 'one';
    if (repeat !== 'one') at += 1;
    tokens.push({ ranges, repeat });
  }
  return tokens;
}

/** The place of the character that the backslash escapes. */
function escaped(glob: string, runes: readonly string[], at: number): number {
  if (at + 1 === runes.length) throw invalid(glob, at, 'input ends with a \\ (escape) character');
  return at + 1;
}

function charset(
  glob: string,
  runes: readonly string[],
  start: number,
): { readonly ranges: readonly (readonly [number, number])[]; readonly close: number } {
  const ranges: (readonly [number, number])[] = [];
  let from: string | undefined;
  for (let at = start; at < runes.length; at += 1) {
    if (runes[at] === ']') return { ranges, close: at };
    if (runes[at] === '-') {
      const missing = (where: string): BuiltinError =>
        invalid(glob, at + 1, `range character '-' must be ${where} by a Unicode character`);
      if (from === undefined) throw missing('preceded');
      if (at + 1 === runes.length || runes[at + 1] === ']') throw missing('followed');
      at = runes[at + 1] === '\\' ? escaped(glob, runes, at + 1) : at + 1;
      const to = runes[at] ?? '';
      if (code(to) < code(from)) {
        throw invalid(glob, at + 1, `range is out of order: '${to}' comes before '${from}' in Unicode`);
      }
      ranges.push([code(from), code(to)]);
      from = undefined;
      continue;
    }
    if (runes[at] === '\\') at = escaped(glob, runes, at);
    from = runes[at] ?? '';
    ranges.push([code(from), code(from)]);
  }
  throw invalid(glob, runes.length, 'found [ without matching ]');
}

function single(rune: string): readonly (readonly [number, number])[] {
  return [[code(rune), code(rune)]];
}

function code(rune: string | undefined): number {
  return rune?.codePointAt(0) ?? 0;
}

function invalid(glob: string, position: number, why: string): BuiltinError {
  return new BuiltinError(`input:${glob}, pos:${position}, ${why}: the input provided is invalid`);
}
