/** Which draft of JSON Schema a document is written in. */
import { isObject, objectGet } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';

/** A draft's number; without `$schema` everything that any of them knows holds, which is the highest. */
export type Draft = 4 | 6 | 7 | typeof HYBRID;

export const HYBRID = 99;
const DRAFTS: ReadonlyMap<string, Draft> = new Map([
  ['http://json-schema.org/draft-04/schema', 4],
  ['http://json-schema.org/draft-06/schema', 6],
  ['http://json-schema.org/draft-07/schema', 7],
]);

/** @throws BuiltinError when it is no schema, or names its draft in no text */
export function draftOf(root: Value): Draft {
  if (typeof root === 'boolean') return HYBRID;
  if (!isObject(root)) throw new BuiltinError('schema is invalid');
  const uri = objectGet(root, '$schema');
  if (uri === undefined) return HYBRID;
  if (typeof uri !== 'string') throw new BuiltinError('$schema must be of type string');
  return DRAFTS.get(uri.replace(/#$/, '')) ?? HYBRID;
}
