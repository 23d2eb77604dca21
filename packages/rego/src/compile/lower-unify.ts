/** Lowering of `=`: with the order that safety found, each equation is an assignment, a destructuring or a test. */
import type { Term } from '../syntax/ast.ts';
import { visitTerm } from '../syntax/walk.ts';
import type { Builder } from './builder.ts';
import type { Operand } from './ir.ts';
import { lowerTerm } from './lower-term.ts';
import { split } from './unify.ts';

export function lowerUnification(b: Builder, left: Term, right: Term): void {
  let equations: [Term, Term][] = flatten(left, right);
  while (equations.length > 0) {
    const later: [Term, Term][] = [];
    for (const [a, z] of equations) if (!unifyNow(b, a, z)) later.push([a, z]);
    if (later.length === equations.length)
      for (const pair of later.splice(0)) for (const term of pair) matchNothing(b, term);
    equations = later;
  }
}

function flatten(left: Term, right: Term): [Term, Term][] {
  const parts = split(left, right);
  if (parts === undefined) return [[left, right]];
  return parts.flatMap(([a, z]) => flatten(a, z));
}

/** Refs are evaluated first, the left before the right. */
function unifyNow(b: Builder, left: Term, right: Term): boolean {
  const isRightFirst = left.kind !== 'ref' && (right.kind === 'ref' || !isReady(b, left));
  const [first, second] = isRightFirst ? [right, left] : [left, right];
  if (!isReady(b, first)) return false;
  const value = lowerTerm(b, first);
  if (isReady(b, second)) {
    const other = lowerTerm(b, second);
    const [one, two] = isRightFirst ? [other, value] : [value, other];
    b.emit({ op: 'compare', by: 'equal', left: one, right: two });
  } else matchOperand(b, second, value);
  return true;
}

/** Whether a term can be evaluated now: its variables have values, except in brackets, where scans bind them. */
export function isReady(b: Builder, term: Term): boolean {
  let ready = true;
  visitTerm(term, {
    term(each) {
      if (each.kind === 'comprehension') return false;
      if (each.kind === 'var' && !b.vars.has(each.name)) ready = false;
      if (each.kind === 'ref') return false;
      return ready;
    },
  });
  return ready;
}

/** Makes a term equal a value: binds its unbound variables, tests the rest. */
export function matchOperand(b: Builder, term: Term, value: Operand): void {
  if (term.kind === 'var' && !b.vars.has(term.name)) {
    b.vars.set(term.name, value);
  } else if (isReady(b, term)) {
    b.emit({ op: 'compare', by: 'equal', left: lowerTerm(b, term), right: value });
  } else if (term.kind === 'array') {
    b.emit({ op: 'shape', of: 'array', source: value, size: term.items.length });
    matchParts(
      b,
      term.items.map((item, i) => [item, { kind: 'const', value: i }]),
      value,
    );
  } else if (term.kind === 'object' && term.entries.every(([key]) => isReady(b, key))) {
    b.emit({ op: 'shape', of: 'object', source: value, size: term.entries.length });
    matchParts(
      b,
      term.entries.map(([key, part]) => [part, lowerTerm(b, key)]),
      value,
    );
  } else {
    matchNothing(b, term);
  }
}

/**
 * What OPA's safety lets pass and its evaluation cannot bind matches nothing: variables among the members of sets and
 * the keys of objects, and refs into variables that only the same literal would bind.
 */
export function matchNothing(b: Builder, term: Term): void {
  visitTerm(term, {
    term(part) {
      if (part.kind === 'var' && !b.vars.has(part.name)) b.vars.set(part.name, { kind: 'const', value: null });
      return part.kind !== 'comprehension';
    },
  });
  const [left, right] = [true, false].map((value): Operand => ({ kind: 'const', value })) as [Operand, Operand];
  b.emit({ op: 'compare', by: 'equal', left, right });
}

/** Plain variables and patterns first: they bind what refs in later parts need. */
function matchParts(b: Builder, parts: readonly (readonly [Term, Operand])[], source: Operand): void {
  for (const [term, key] of parts) matchOperand(b, term, b.define({ kind: 'dot', source, key, of: 'value' }));
}
