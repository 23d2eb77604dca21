/** Lowered documents and queries to running functions: generated source where a host compiles it, closures elsewhere. */

import type { Compilation } from './compile/context.ts';
import type { Program } from './compile/emission.ts';
import { emitDocuments, emitQuery } from './compile/emit.ts';
import { lowerDocument, lowerQuery } from './compile/lower.ts';
import { optimizeDocuments, optimizeQuery } from './compile/optimize.ts';
import type { CheckedQuery } from './compile/query.ts';
import { closeDocuments, closeQuery } from './evaluate/closures/run-document.ts';
import type { CodeHost } from './evaluate/code-host.ts';
import type { Context, DocumentFunction, Documents } from './evaluate/context.ts';
import { RUNTIME } from './evaluate/runtime.ts';
import type { Value } from './value/value.ts';

const PARAMETERS = ['K', 'B', 'S', 'N', 'T', 'D', 'R'];

/** Collects one array of values per solution. */
export type QueryFunction = (context: Context, answers: Value[][]) => void;

export function buildDocuments(c: Compilation, host: CodeHost | undefined): Documents {
  const routines = optimizeDocuments(
    c,
    c.tree.documents.map((document) => lowerDocument(c, document)),
  );
  if (host === undefined) return closeDocuments(c, routines);
  const program = emitDocuments(c, routines);
  const functions = run(host, program, []) as readonly DocumentFunction[];
  return { functions, root: c.tree.root, blank: functions.map(() => undefined) };
}

export function buildQuery(
  c: Compilation,
  query: CheckedQuery,
  documents: Documents,
  host: CodeHost | undefined,
): QueryFunction {
  const names = query.variables.map(({ name }) => name);
  const routine = optimizeQuery(c, lowerQuery(c, query.body, names));
  if (host === undefined) return closeQuery(c, routine, documents);
  const program = emitQuery(c, routine);
  return run(host, program, documents.functions) as QueryFunction;
}

function run(host: CodeHost, program: Program, documents: readonly DocumentFunction[]): unknown {
  const { source, constants, builtins, sites, nodes, tables } = program;
  return host.compileFunction(source, PARAMETERS)(constants, builtins, sites, nodes, tables, documents, RUNTIME);
}
