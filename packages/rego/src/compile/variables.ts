/** Which variables a term mentions, and which of them a value can be bound to. */
import type { Ref, Term } from '../syntax/ast.ts';
import { childTerms, visitTerm } from '../syntax/walk.ts';

export type Names = ReadonlySet<string>;

/** Known everywhere. */
export const ROOTS: readonly string[] = ['data', 'input'];

/** Variables of a term, outside closures. Names of functions are none. */
export function varsIn(term: Term): Set<string> {
  const names = new Set<string>();
  collect(term, names);
  return names;
}

function collect(term: Term, names: Set<string>): void {
  switch (term.kind) {
    case 'scalar':
    case 'comprehension':
      return;
    case 'var':
      names.add(term.name);
      return;
    case 'call':
      for (const part of term.operator.path) collect(part, names);
      for (const part of term.args) collect(part, names);
      return;
    default:
      for (const part of childTerms(term)) collect(part, names);
  }
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
