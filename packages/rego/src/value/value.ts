/**
 * How Rego values look in JavaScript.
 *
 * null, booleans and strings are themselves; arrays are arrays; undefined means *undefined* and is no value.
 * A JS number n denotes exactly the decimal that `String(n)` writes; whatever needs other digits or
 * another text (2^53 + 1, 1e400, `1.0`) is a {@link BigNumber}. So plain JSON needs no conversion on the way in.
 * Objects with only string keys are plain objects, read by own properties only; any other object is a
 * {@link RegoObject}. Values are never changed once they are visible.
 *
 * Equal values may look different: a calculated fraction stays a BigNumber although a JS number could say it,
 * and `1.0` keeps its text. So `===` decides only between two primitives; everywhere else ask `equal`.
 */
import type { BigNumber } from './number.ts';
import type { RegoObject } from './object.ts';
import type { RegoSet } from './set.ts';

export type Value =
  | null
  | boolean
  | string
  | number
  | BigNumber
  | readonly Value[]
  | StringObject
  | RegoObject
  | RegoSet;

export interface StringObject {
  readonly [key: string]: Value;
}

export type ObjectValue = StringObject | RegoObject;
