/** `$ref` within one document (RFC 6901 fragments). Other documents are never fetched: a decision must not call out. */
import { isObject, objectGet } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';

/** @throws BuiltinError when it leads elsewhere or nowhere */
export function resolveReference(reference: Value, root: Value): Value {
  if (typeof reference !== 'string') throw new BuiltinError('$ref must be of a string');
  if (!reference.startsWith('#')) throw new BuiltinError(`remote reference loading disabled: ${reference}`);
  let found = root;
  for (const segment of reference.slice(1).split('/').slice(1)) {
    const key = decode(segment).replaceAll('~1', '/').replaceAll('~0', '~');
    const next = Array.isArray(found)
      ? (found[Number(key)] as Value | undefined)
      : isObject(found)
        ? objectGet(found, key)
        : undefined;
    if (next === undefined) throw new BuiltinError(`Object has no key '${key}'`);
    found = next;
  }
  return found;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
