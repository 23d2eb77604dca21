/** Whether a value can have two types at once. */
import { type ArrayType, type ObjectType, type Type } from '../../builtins/type.ts';
import { alternatives, itemType, propertyType } from './algebra.ts';

export function overlaps(a: Type, b: Type): boolean {
  if (a.kind === 'unknown' || b.kind === 'unknown') return false;
  if (takes(a, b) || takes(b, a)) return true;
  if (isOpen(a) || isOpen(b)) return false;
  if (a.kind === 'array' && b.kind === 'array') return arraysOverlap(a, b);
  if (a.kind === 'object' && b.kind === 'object') return objectsOverlap(a, b);
  if (a.kind === 'set' && b.kind === 'set') return restsOverlap(a.member, b.member);
  if (a.kind === 'function' && b.kind === 'function') {
    return a.args.length === b.args.length && a.args.every((arg, i) => overlaps(arg, b.args[i] ?? arg));
  }
  return a.kind === b.kind;
}

function isOpen(type: Type): boolean {
  return type.kind === 'any' || type.kind === 'union';
}

/** No function is an ordinary value, not even `any`. */
function takes(open: Type, other: Type): boolean {
  if (other.kind === 'function') return false;
  return open.kind === 'any' || alternatives(open).some((each) => overlaps(each, other));
}

function arraysOverlap(a: ArrayType, b: ArrayType): boolean {
  const fits = (x: ArrayType, y: ArrayType): boolean => x.items.every((item, i) => overlaps(item, itemType(y, i)));
  return fits(a, b) && fits(b, a) && restsOverlap(a.rest, b.rest);
}

function objectsOverlap(a: ObjectType, b: ObjectType): boolean {
  // As in OPA, either object's further members excuse a key that the other does not have.
  const isOpenObject = a.rest !== undefined || b.rest !== undefined;
  const fits = (x: ObjectType, y: ObjectType): boolean =>
    x.properties.every(({ key, value }) => {
      const other = propertyType(y, key);
      return other.kind === 'unknown' ? isOpenObject : overlaps(value, other);
    });
  return fits(a, b) && fits(b, a) && restsOverlap(a.rest?.value, b.rest?.value);
}

function restsOverlap(a: Type | undefined, b: Type | undefined): boolean {
  return a === undefined || b === undefined || a.kind === 'unknown' || b.kind === 'unknown' || overlaps(a, b);
}
