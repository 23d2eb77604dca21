/** Which variables become known when two terms are unified, given those that already are. */
import type { Term } from '../syntax/ast.ts';
import { visitTerm } from '../syntax/walk.ts';

/** Variables that `left = right` binds beyond `safe`. */
export function unifiedVars(left: Term, right: Term, safe: ReadonlySet<string>): Set<string> {
  const known = new Set<string>(safe);
  const equations: [Term, Term][] = [[left, right]];
  for (let progress = true; progress; ) {
    progress = false;
    for (let i = equations.length - 1; i >= 0; i -= 1) {
      const equation = equations[i];
      if (equation === undefined) continue;
      const [a, b] = equation;
      const parts = split(a, b);
      if (parts !== undefined) {
        equations.splice(i, 1, ...parts);
        progress = true;
      } else if (neverEqual(a, b)) continue;
      else if (isKnown(a, known) && bindPattern(b, known)) progress = true;
      else if (isKnown(b, known) && bindPattern(a, known)) progress = true;
    }
  }
  for (const name of safe) known.delete(name);
  return known;
}

/** Two arrays or two objects that {@link split} cannot take apart: they bind nothing. */
function neverEqual(a: Term, b: Term): boolean {
  return (a.kind === 'array' || a.kind === 'object') && a.kind === b.kind;
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

/** Whether every variable in a term is known; a closure answers for itself. */
export function isKnown(term: Term, known: ReadonlySet<string>): boolean {
  let result = true;
  visitTerm(term, {
    term(each) {
      if (each.kind === 'comprehension') return false;
      if (each.kind === 'call') {
        for (const arg of each.args) result &&= isKnown(arg, known);
        return false;
      }
      if (each.kind === 'var' && !known.has(each.name)) result = false;
      return result;
    },
  });
  return result;
}

/** Adds the variables of a pattern that a known value binds; tells whether there were any new ones. */
function bindPattern(pattern: Term, known: Set<string>): boolean {
  const before = known.size;
  collect(pattern, known);
  return known.size > before;
}

function collect(pattern: Term, known: Set<string>): void {
  if (pattern.kind === 'var') known.add(pattern.name);
  else if (pattern.kind === 'array') for (const item of pattern.items) collect(item, known);
  else if (pattern.kind === 'object') for (const [, value] of pattern.entries) collect(value, known);
}
