/** Which variables become known when two terms are unified, given those that already are. */
import type { Term } from '../syntax/ast.ts';
import { isRefSafe, type Names, unifiableVars, varsIn } from './variables.ts';

/** Variables that `left = right` binds when `safe` are bound. */
export function unifiedVars(left: Term, right: Term, safe: Names): Set<string> {
  const unifier: Unifier = { safe, unified: new Set(), waiting: new Map() };
  unify(unifier, left, right);
  return unifier.unified;
}

interface Unifier {
  readonly safe: Names;
  readonly unified: Set<string>;
  /** Variables that are known once all of others are, and the other way round. */
  readonly waiting: Map<string, Set<string>>;
}

function unify(u: Unifier, a: Term, b: Term): void {
  switch (a.kind) {
    case 'var':
      return unifyVar(u, a.name, b);
    case 'ref':
    case 'call':
      if (isEvaluated(u, a)) takeApart(u, b, 'array', 'object');
      return;
    case 'comprehension':
      if (a.of === 'set') takeApart(u, b);
      else takeApart(u, b, a.of);
      return;
    case 'array':
    case 'object':
      return unifyCollection(u, a, b);
    default:
      takeApart(u, b);
  }
}

function unifyVar(u: Unifier, name: string, b: Term): void {
  switch (b.kind) {
    case 'var':
      if (isKnown(u, b.name)) markSafe(u, name);
      else if (isKnown(u, name)) markSafe(u, b.name);
      else {
        wait(u, name, b.name);
        wait(u, b.name, name);
      }
      return;
    case 'array':
    case 'object':
      return unifyWithPattern(u, name, b);
    case 'ref':
    case 'call':
      if (isEvaluated(u, b)) markSafe(u, name);
      return;
    default:
      markSafe(u, name);
  }
}

function unifyCollection(u: Unifier, a: Term & { readonly kind: 'array' | 'object' }, b: Term): void {
  if (b.kind === 'var') return unifyWithPattern(u, b.name, a);
  const isWhole = b.kind === 'ref' || b.kind === 'call' ? isEvaluated(u, b) : b.kind === 'comprehension';
  if (isWhole && (a.kind === 'array' || b.kind !== 'comprehension')) markAllSafe(u, a);
  for (const [left, right] of commonParts(a, b)) unify(u, left, right);
}

/** A variable and a pattern: each gives the other its values. */
function unifyWithPattern(u: Unifier, name: string, pattern: Term): void {
  if (isKnown(u, name)) return markAllSafe(u, pattern);
  const missing = unifiableVars(pattern).difference(u.safe).difference(u.unified);
  if (missing.size === 0) markSafe(u, name);
  for (const other of missing) wait(u, name, other);
}

/** What a value of unknown content binds. */
function takeApart(u: Unifier, b: Term, ...kinds: readonly Term['kind'][]): void {
  if (b.kind === 'var') markSafe(u, b.name);
  else if (kinds.includes(b.kind)) markAllSafe(u, b);
}

function isKnown({ safe, unified }: Unifier, name: string): boolean {
  return safe.has(name) || unified.has(name);
}

/** What the equation itself binds does not count yet. */
function isEvaluated({ safe }: Unifier, term: Term): boolean {
  return term.kind === 'ref' ? isRefSafe(term, safe) : varsIn(term).isSubsetOf(safe);
}

function markAllSafe(u: Unifier, pattern: Term): void {
  for (const name of unifiableVars(pattern)) markSafe(u, name);
}

function markSafe(u: Unifier, name: string): void {
  u.unified.add(name);
  const given = u.waiting.get(name) ?? [];
  u.waiting.delete(name);
  for (const each of given) markSafe(u, each);
  for (const [waiting, others] of u.waiting) {
    if (!others.delete(name) || others.size > 0) continue;
    u.waiting.delete(waiting);
    markSafe(u, waiting);
  }
}

function wait(u: Unifier, name: string, other: string): void {
  const others = u.waiting.get(name) ?? new Set();
  u.waiting.set(name, others.add(other));
}

function commonParts(a: Term, b: Term): [Term, Term][] {
  if (a.kind !== 'object' || b.kind !== 'object') return split(a, b) ?? [];
  if (a.entries.length !== b.entries.length) return [];
  return a.entries.flatMap(([key, value]) => {
    const match = b.entries.find(([other]) => sameKey(key, other));
    return match === undefined ? [] : [[value, match[1]]];
  });
}

/** Two arrays of one length or two objects with the same keys, taken apart. */
export function split(a: Term, b: Term): [Term, Term][] | undefined {
  if (a.kind === 'array' && b.kind === 'array' && a.items.length === b.items.length) {
    return a.items.map((item, i) => [item, b.items[i] ?? item]);
  }
  if (a.kind === 'object' && b.kind === 'object' && a.entries.length === b.entries.length) {
    const parts: [Term, Term][] = [];
    for (const [key, value] of a.entries) {
      const match = b.entries.find(([other]) => sameKey(key, other));
      if (match === undefined) return undefined;
      parts.push([value, match[1]]);
    }
    return parts;
  }
  return undefined;
}

/** The same constant, or the same variable. */
function sameKey(a: Term, b: Term): boolean {
  if (a.kind === 'var' && b.kind === 'var') return a.name === b.name;
  return a.kind === 'scalar' && b.kind === 'scalar' && a.value === b.value;
}
