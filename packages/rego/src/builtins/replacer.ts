/** Replaces several texts at once, as Go's `strings.Replacer` does. */
import { fromBytes, toBytes } from './bytes.ts';
import { checkLength } from './text-length.ts';
import { positionsOf } from './text-search.ts';

/** Longer patterns are searched for one by one. */
const SHORT = 64;

type Pair = readonly [from: string, to: string];

/**
 * At each place the first pattern that matches wins; an empty one matches once at each byte and at the end, and what
 * else matches there follows it. A character cut into its bytes is no UTF-8 any more.
 */
export function replaceAll(text: string, patterns: readonly Pair[]): string {
  const empty = patterns.findIndex(([from]) => from === '');
  const between = patterns[empty]?.[1];
  const matcher = new Matcher(text, patterns);
  const pieces: string[] = [];
  let [length, matchedEmpty, copied] = [0, false, 0];
  const add = (piece: string): void => {
    length += piece.length;
    checkLength(length);
    pieces.push(piece);
  };
  for (let at = 0; at <= text.length; ) {
    const found = matcher.at(at);
    const isEmpty = empty >= 0 && !matchedEmpty && (found === undefined || empty < found);
    const match = isEmpty ? empty : found;
    matchedEmpty = isEmpty;
    if (match !== undefined) {
      add(text.slice(copied, at));
      add(patterns[match]?.[1] ?? '');
      at += patterns[match]?.[0].length ?? 0;
      copied = at;
      continue;
    }
    if (between === undefined) {
      at += 1;
      continue;
    }
    const rune = String.fromCodePoint(text.codePointAt(at) ?? 0);
    if (at < text.length) add(bytewise(rune, between));
    at += rune.length;
    copied = at;
  }
  add(text.slice(copied));
  return pieces.join('');
}

function bytewise(rune: string, between: string): string {
  if (between === '') return rune;
  return Array.from(toBytes(rune), (byte) => fromBytes(Uint8Array.of(byte))).join(between);
}

interface Node {
  readonly next: Map<number, Node>;
  /** The first pattern that ends here. */
  pattern: number | undefined;
}

/** Which pattern matches at a place: short ones are found in a tree of their letters, long ones by their places. */
class Matcher {
  readonly #text: string;
  readonly #root: Node = { next: new Map(), pattern: undefined };
  readonly #long = new Map<number, number>();

  constructor(text: string, patterns: readonly Pair[]) {
    this.#text = text;
    for (const [index, [from]] of patterns.entries()) {
      if (from.length > SHORT) this.#addLong(from, index);
      else if (from !== '') this.#addShort(from, index);
    }
  }

  at(place: number): number | undefined {
    let found = this.#long.get(place);
    let node: Node | undefined = this.#root;
    for (let at = place; at < this.#text.length; at += 1) {
      node = node.next.get(this.#text.charCodeAt(at));
      if (node === undefined) break;
      if (node.pattern !== undefined && (found === undefined || node.pattern < found)) found = node.pattern;
    }
    return found;
  }

  #addShort(from: string, index: number): void {
    let node = this.#root;
    for (let at = 0; at < from.length; at += 1) {
      const unit = from.charCodeAt(at);
      const next = node.next.get(unit) ?? { next: new Map(), pattern: undefined };
      node.next.set(unit, next);
      node = next;
    }
    node.pattern ??= index;
  }

  #addLong(from: string, index: number): void {
    for (const place of positionsOf(this.#text, from, 1)) {
      if (!this.#long.has(place)) this.#long.set(place, index);
    }
  }
}
