/** `$ref` within one document (RFC 6901 fragments). Other documents are never fetched: a decision must not call out. */
import { isObject, objectGet } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';

/** @throws BuiltinError when it leads elsewhere or nowhere */
export function resolveReference(reference: string, root: Value): Value {
  if (reference !== '' && !reference.startsWith('#')) throw elsewhere(reference);
  let found = root;
  for (const segment of reference.slice(1).split('/').slice(1)) {
    found = member(found, decode(segment));
  }
  return found;
}

function elsewhere(reference: string): BuiltinError {
  if (/^[a-z][a-z\d+.-]*:/i.test(reference)) return new BuiltinError(`remote reference loading disabled: ${reference}`);
  return new BuiltinError(`Reference /${reference.replace(/^\//, '')} must be canonical`);
}

function member(value: Value, token: string): Value {
  if (isObject(value)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    const found = objectGet(value, key);
    if (found === undefined) throw new BuiltinError(`Object has no key '${key}'`);
    return found;
  }
  if (!Array.isArray(value)) throw new BuiltinError(`Invalid token reference '${token}'`);
  if (!/^[+-]?\d+$/.test(token)) throw new BuiltinError(`Invalid array index '${token}'`);
  const found = value[Number(token)] as Value | undefined;
  if (found !== undefined) return found;
  throw new BuiltinError(`Out of bound array[0,${value.length}] index '${Number(token)}'`);
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
