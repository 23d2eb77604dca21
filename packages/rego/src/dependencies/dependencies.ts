/**
 * What an answer can depend on, found in the rules without evaluating them: two inputs that agree at every path given
 * here have the same answer, as long as nothing else that is given here changes. May name more than is read, never less.
 */
import type { Compilation } from '../compile/context.ts';
import type { CheckedQuery } from '../compile/query.ts';
import type { PrimitiveKey } from '../value/key.ts';
import { walkQuery } from './abstract-walk.ts';

/** Keys from the outside in; `[]` is the whole document. */
export type DocumentPath = readonly PrimitiveKey[];

export interface Dependencies {
  /** Places below `input`, for inputs that are objects. None lies below another. */
  readonly input: readonly DocumentPath[];
  /** Places in base documents, below `data`. */
  readonly data: readonly DocumentPath[];
  /** Builtins that may answer differently each time: the clock, random numbers, the environment. */
  readonly nondeterministic: readonly string[];
}

export function queryDependencies(c: Compilation, query: CheckedQuery): Dependencies {
  return settled(walkQuery(c, query));
}

export interface Reads {
  readonly input: DocumentPath[];
  readonly data: DocumentPath[];
  readonly nondeterministic: Set<string>;
}

function settled({ input, data, nondeterministic }: Reads): Dependencies {
  return { input: outermost(input), data: outermost(data), nondeterministic: [...nondeterministic].toSorted() };
}

/** Without those below another, in the order of their text. */
function outermost(paths: readonly DocumentPath[]): readonly DocumentPath[] {
  const byText = new Map(paths.map((path) => [JSON.stringify(path), path]));
  const isCovered = (path: DocumentPath): boolean =>
    path.some((_, length) => byText.has(JSON.stringify(path.slice(0, length))));
  return [...byText]
    .filter(([, path]) => !isCovered(path))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, path]) => path);
}
