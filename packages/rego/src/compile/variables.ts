/** Which variables a term mentions, and which of them a value can be bound to. */
import type { Ref, Term } from '../syntax/ast.ts';
import { visitTerm } from '../syntax/walk.ts';

export type Names = ReadonlySet<string>;

/** Known everywhere. */
export const ROOTS: readonly string[] = ['data', 'input'];

/** Variables of a term, outside closures. Names of functions are none. */
export function varsIn(term: Term): Set<string> {
  const names = new Set<string>();
  visitTerm(term, {
    term(each) {
      if (each.kind === 'var') names.add(each.name);
      if (each.kind !== 'call') return each.kind !== 'comprehension';
      for (const part of [...each.operator.path, ...each.args]) for (const name of varsIn(part)) names.add(name);
      return false;
    },
  });
  return names;
}

/** Everything, in closures too. */
export function allVarsIn(term: Term): Set<string> {
  const names = new Set<string>();
  visitTerm(term, {
    term(each) {
      if (each.kind === 'var') names.add(each.name);
      return true;
    },
  });
  return names;
}

/** Whether a ref can be evaluated: brackets bind what is missing in them. */
export function isRefSafe({ head }: Ref, safe: Names): boolean {
  return varsIn(head).isSubsetOf(safe);
}

/** Variables that a value can be bound to: not in heads of refs, keys of objects, sets and closures. */
export function patternVars(pattern: Term): Set<string> {
  return inPattern(pattern, false);
}

/** The same, and what stands in sets. */
export function unifiableVars(pattern: Term): Set<string> {
  return inPattern(pattern, true);
}

function inPattern(pattern: Term, withSets: boolean): Set<string> {
  const parts = (): readonly Term[] => {
    switch (pattern.kind) {
      case 'array':
        return pattern.items;
      case 'object':
        return pattern.entries.map(([, value]) => value);
      case 'set':
        return withSets ? pattern.items : [];
      case 'ref':
        return pattern.path;
      case 'call':
        return [...pattern.operator.path, ...pattern.args];
      default:
        return [];
    }
  };
  if (pattern.kind === 'var') return new Set([pattern.name]);
  return new Set(parts().flatMap((part) => [...inPattern(part, withSets)]));
}
