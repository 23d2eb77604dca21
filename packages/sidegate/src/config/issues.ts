/** What zod found wrong, as diagnostics at the position of the key or value. */
import type { z } from 'zod';
import type { Diagnostic } from './diagnostic.ts';
import { type Draft, placed, positionOf, valueAt } from './draft.ts';
import { isPlainKey, type KeyPath, pathId, renderPath } from './key-path.ts';
import { nearest } from './nearest.ts';
import { isPlannedValue } from './planned.ts';
import type { Finding } from './schema/rule.ts';
import { type Shape, shapesAt } from './shape.ts';
import type { Position } from './yaml-source.ts';

type Issue = z.core.$ZodIssue;

const NOT_YET = 'known but not supported yet';

/** The words for an issue, as zod's error map; never quotes the value. */
export function describeIssue(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${issue.values?.map(String).join(' or ')}`;
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return 'must not be empty';
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      if (issue.origin === 'string') return `must have at most ${issue.maximum} characters`;
      return `must be at most ${issue.maximum}`;
    default:
      return 'is not allowed';
  }
}

const KINDS: Partial<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a mapping',
  record: 'a mapping',
  string: 'a string',
};

/** The diagnostics of one issue: several for unknown keys and for the member of a union that was meant. */
export function issueDiagnostics(draft: Draft, issue: Issue, base: KeyPath = []): readonly Diagnostic[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(draft, [...path, key]));
  if (issue.code === 'invalid_key') return [invalidName(draft, path, issue.issues[0]?.message ?? issue.message)];
  const meant = issue.code === 'invalid_union' ? issue.errors.find(isMeant) : undefined;
  if (meant !== undefined) return meant.flatMap((inner) => issueDiagnostics(draft, inner, path));
  return [placed(draft, 'error', { path, ...explain(draft, issue, path) })];
}

/** A member of a union whose kind fits, so that what is wrong is inside it. */
function isMeant(member: readonly Issue[]): boolean {
  return member.every(({ path, code }) => path.length > 0 || code !== 'invalid_type');
}

function explain(draft: Draft, issue: Issue, path: KeyPath): Omit<Finding, 'path'> {
  const given: Partial<Finding> = issue.code === 'custom' ? (issue.params ?? {}) : {};
  const value = valueAt(draft, path);
  if (value === undefined && issue.code !== 'custom') {
    return { code: 'missing_key', message: 'is required', hint: exampleAt(draft, path) };
  }
  const allowed = allowedAt(draft, path);
  const message = issue.code === 'invalid_union' && allowed !== '' ? allowed : issue.message;
  if (isPlannedValue(path, value)) return { message, hint: NOT_YET };
  const code = given.code ?? (issue.code === 'invalid_type' ? 'wrong_type' : 'invalid_value');
  return { code, message, hint: given.hint ?? exampleAt(draft, path) };
}

function unknownKey(draft: Draft, path: KeyPath): Diagnostic {
  const parent = path.slice(0, -1);
  const key = String(path.at(-1));
  const known = shapesAt(draft.shape, draft.value, parent).flatMap((shape) => Object.keys(shape.properties ?? {}));
  const meant = nearest(key, known);
  const suggestion = meant === undefined ? `the keys here are ${known.join(', ')}` : `did you mean ${meant}?`;
  return {
    ...keyPosition(draft, path),
    severity: 'error',
    code: 'unknown_key',
    path: renderPath(isPlainKey(key) ? path : parent),
    message: isPlainKey(key) ? 'is an unknown key' : 'has an unknown key',
    hint: suggestion,
  };
}

function invalidName(draft: Draft, path: KeyPath, message: string): Diagnostic {
  const parent = path.slice(0, -1);
  const [shape] = shapesAt(draft.shape, draft.value, parent);
  return {
    ...keyPosition(draft, path),
    severity: 'error',
    code: 'invalid_value',
    path: renderPath(parent),
    message: `has a key that ${message}`,
    hint: examplesOf(shape?.propertyNames),
  };
}

function keyPosition(draft: Draft, path: KeyPath): Position {
  return draft.positions.get(pathId(path))?.key ?? positionOf(draft, path);
}

function allowedAt(draft: Draft, path: KeyPath): string {
  const shapes = shapesAt(draft.shape, draft.value, path);
  const values = shapes.flatMap((shape) => shape.enum ?? (shape.const === undefined ? [] : [shape.const]));
  return values.length === 0 ? '' : `must be ${values.map(String).join(' or ')}`;
}

function exampleAt(draft: Draft, path: KeyPath): string {
  return examplesOf(shapesAt(draft.shape, draft.value, path)[0]);
}

function examplesOf(shape: Shape | undefined): string {
  return shape?.examples === undefined ? '' : `for example ${shape.examples.join(', ')}`;
}
