/**
 * The order in which OPA keeps members of sets and keys of objects, and so evaluates them: by kind, then by what they
 * hold.
 */
import { compare } from '../value/compare.ts';
import type { Term } from './ast.ts';

const KINDS = ['var', 'ref', 'array', 'object', 'set', 'comprehension', 'call'] as const;

export function inTermOrder<T>(list: readonly T[], termOf: (one: T) => Term): T[] {
  return list.toSorted((a, z) => compareTerms(termOf(a), termOf(z)));
}

function compareTerms(a: Term, z: Term): number {
  if (a.kind === 'scalar' && z.kind === 'scalar') return compare(a.value, z.value);
  if (a.kind === 'var' && z.kind === 'var') return compareNames(a.name, z.name);
  const byKind = rank(a) - rank(z);
  if (byKind !== 0) return byKind;
  const [left, right] = [parts(a), parts(z)];
  for (const [i, part] of left.entries()) {
    const other = right[i];
    const order = other === undefined ? 1 : compareTerms(part, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Of names that the compiler makes up, OPA's are others than ours: those stay as they are written. */
function compareNames(a: string, z: string): number {
  const [left, right] = [a, z].map((name) => (name.startsWith('#') ? '__local' : name)) as [string, string];
  return left === right ? 0 : left < right ? -1 : 1;
}

function rank({ kind }: Term): number {
  return kind === 'scalar' ? -1 : KINDS.indexOf(kind);
}

function parts(term: Term): readonly Term[] {
  switch (term.kind) {
    case 'ref':
      return [term.head, ...term.path];
    case 'array':
      return term.items;
    case 'call':
      return [term.operator, ...term.args];
    default:
      return [];
  }
}
