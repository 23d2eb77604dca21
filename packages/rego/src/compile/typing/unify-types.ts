/** Terms against types: which variables get which types, and whether the two sides can be equal at all. */
import { ANY, type ArrayType, type ObjectType, type SetType, type Type } from '../../builtins/type.ts';
import type { ArrayTerm, ObjectTerm, SetTerm, Term } from '../../syntax/ast.ts';
import { compare } from '../../value/compare.ts';
import { isUnknown, itemType, propertyType, UNKNOWN } from './algebra.ts';
import { overlaps } from './overlap.ts';
import { constantOf, type Scope, typeOfTerm, typeOfVar, widenVar } from './scope.ts';

/** Whether two terms can be equal; variables without a type take the other side's. */
export function unifyTerms(scope: Scope, a: Term, b: Term): boolean {
  const typeA = typeOfTerm(scope, a);
  const typeB = typeOfTerm(scope, b);
  const unknownA = isUnknown(typeA);
  const unknownB = isUnknown(typeB);
  if (unknownA && !unknownB) return unifyType(scope, a, typeB);
  if (unknownB && !unknownA) return unifyType(scope, b, typeA);
  if (!unknownA && !unknownB) return overlaps(typeA, typeB);
  if (a.kind === 'array' || a.kind === 'object') return unifyPatterns(scope, a, b);
  if (a.kind === 'var' && (b.kind === 'array' || b.kind === 'object')) return unifyPatterns(scope, b, a);
  if (a.kind === 'var' && b.kind === 'var') return unifyVar(scope, a, b);
  if (a.kind === 'var' && b.kind === 'ref') return unifyType(scope, a, ANY);
  if (b.kind === 'var' && a.kind === 'ref') return unifyType(scope, b, ANY);
  // What a comprehension over a function's argument collects is not known, but that it is a collection is.
  if (a.kind === 'var' && typeA.kind === 'unknown' && typeB.kind !== 'unknown') return unifyType(scope, a, typeB);
  return b.kind === 'var' && typeB.kind === 'unknown' && typeA.kind !== 'unknown' && unifyType(scope, b, typeA);
}

/** Two unknown sides: the pattern becomes any, the variable what the pattern is then. */
function unifyVar(scope: Scope, pattern: Term, variable: Term): boolean {
  return unifyType(scope, pattern, ANY) && unifyType(scope, variable, typeOfTerm(scope, pattern));
}

function unifyPatterns(scope: Scope, a: ArrayTerm | ObjectTerm, b: Term): boolean {
  if (b.kind === 'var') return unifyVar(scope, a, b);
  if (a.kind === 'array' && b.kind === 'array') {
    return a.items.length === b.items.length && a.items.every((item, i) => unifyTerms(scope, item, b.items[i] ?? item));
  }
  if (a.kind !== 'object' || b.kind !== 'object' || a.entries.length !== b.entries.length) return false;
  return a.entries.every(([key, value]) => {
    const match = b.entries.find(([other]) => sameKey(key, other));
    return match !== undefined && unifyTerms(scope, value, match[1]);
  });
}

function sameKey(a: Term, b: Term): boolean {
  if (a.kind === 'var' && b.kind === 'var') return a.name === b.name;
  const [x, y] = [constantOf(a), constantOf(b)];
  return x !== undefined && y !== undefined && compare(x, y) === 0;
}

/** Whether a term can have a type. With `widening` a variable may have several, one for each way to match. */
export function unifyType(scope: Scope, term: Term, type: Type, widening = false): boolean {
  switch (term.kind) {
    case 'array':
      if (type.kind === 'array') return unifyArray(scope, term, type, widening);
      return unifyEach(scope, term, type, term.items);
    case 'object':
      if (type.kind === 'object') return unifyObject(scope, term, type, widening);
      return unifyEach(scope, term, type, term.entries.flat());
    case 'set':
      if (type.kind === 'set') return unifySet(scope, term, type, widening);
      return unifyEach(scope, term, type, term.items);
    case 'var':
      return unifyVariable(scope, term.name, type, widening);
    default: {
      // A ref that leads nowhere was reported as such.
      const known = typeOfTerm(scope, term);
      return known.kind === 'unknown' || overlaps(known, type);
    }
  }
}

function unifyVariable(scope: Scope, name: string, type: Type, widening: boolean): boolean {
  if (widening) {
    widenVar(scope, name, type);
    return true;
  }
  const known = typeOfVar(scope, name);
  if (known.kind !== 'unknown') return overlaps(known, type);
  scope.vars.set(name, type);
  return true;
}

/** A pattern against `any` or against each alternative of a union. */
function unifyEach(scope: Scope, term: Term, type: Type, parts: readonly Term[]): boolean {
  if (type.kind === 'any') {
    for (const part of parts) unifyType(scope, part, ANY, true);
    return true;
  }
  if (type.kind !== 'union') return false;
  let found = false;
  for (const each of type.of) found = unifyType(scope, term, each, true) || found;
  return found;
}

function unifyArray(scope: Scope, { items }: ArrayTerm, type: ArrayType, widening: boolean): boolean {
  if (items.length !== type.items.length && type.rest === undefined) return false;
  return items.every((item, i) => unifyType(scope, item, itemType(type, i), widening));
}

function unifyObject(scope: Scope, { entries }: ObjectTerm, type: ObjectType, widening: boolean): boolean {
  if (entries.length !== type.properties.length && type.rest === undefined) return false;
  return entries.every(([key, value]) => {
    const constant = constantOf(key);
    if (constant === undefined) {
      unifyType(scope, value, ANY, widening);
      return true;
    }
    const member = propertyType(type, constant);
    return member.kind !== 'unknown' && unifyType(scope, value, member, widening);
  });
}

function unifySet(scope: Scope, { items }: SetTerm, type: SetType, widening: boolean): boolean {
  return items.every((item) => unifyType(scope, item, type.member ?? UNKNOWN, widening));
}
