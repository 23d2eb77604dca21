/** Whether two glob-like expressions (`.`, `[a-z]`, `+`, `*`, `\`) have a string in common (`regex.globs_match`). */
import { type BuiltinContext, BuiltinError } from './builtin.ts';

/** Some characters, given as ranges, repeated. */
interface Token {
  /** Undefined for any character. */
  readonly ranges: readonly (readonly [from: number, to: number])[] | undefined;
  readonly repeat: 'one' | 'some' | 'any';
}

export function globsIntersect(context: BuiltinContext, a: string, b: string): boolean {
  const [left, right] = [tokenize(a), tokenize(b)];
  const seen = new Set<number>();
  const queue: (readonly [number, number])[] = [[0, 0]];
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    const [i, j] = state;
    if (i === left.length && j === right.length) return true;
    const key = i * (right.length + 1) + j;
    if (seen.has(key)) continue;
    seen.add(key);
    context.spend(1);
    const [x, y] = [left[i], right[j]];
    if (x?.repeat === 'any') queue.push([i + 1, j]);
    if (y?.repeat === 'any') queue.push([i, j + 1]);
    if (x === undefined || y === undefined || !overlap(x, y)) continue;
    // One common character: a repeating token may stay or be left behind.
    queue.push([i + 1, j + 1]);
    if (x.repeat !== 'one') queue.push([i, j + 1]);
    if (y.repeat !== 'one') queue.push([i + 1, j]);
  }
  return false;
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
      const close = closing(runes, at);
      if (close < 0) throw invalid(glob, at + 1, 'found [ without matching ]');
      ranges = charset(runes.slice(at + 1, close));
      at = close;
    } else if (rune === '\\') {
      at += 1;
      if (at === runes.length) throw invalid(glob, at, 'input ends with a \\ (escape) character');
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

function closing(runes: readonly string[], open: number): number {
  for (let at = open + 1; at < runes.length; at += 1) {
    if (runes[at] === '\\') at += 1;
    else if (runes[at] === ']') return at;
  }
  return -1;
}

function charset(runes: readonly string[]): readonly (readonly [number, number])[] {
  const members: { rune: string; escaped: boolean }[] = [];
  for (let at = 0; at < runes.length; at += 1) {
    const escaped = runes[at] === '\\' && at + 1 < runes.length;
    if (escaped) at += 1;
    members.push({ rune: runes[at] ?? '', escaped });
  }
  const ranges: (readonly [number, number])[] = [];
  for (let at = 0; at < members.length; at += 1) {
    const from = code(members[at]?.rune);
    const dash = members[at + 1];
    const to = members[at + 2];
    if (dash?.rune === '-' && !dash.escaped && to !== undefined) {
      ranges.push([from, code(to.rune)]);
      at += 2;
    } else ranges.push([from, from]);
  }
  return ranges;
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
