/** The compiler as one ordered table of passes. A group that found errors is the last one to run. */

import type { Builtin } from '../builtins/builtin.ts';
import type { Module } from '../syntax/ast.ts';
import { type Diagnostic, sortDiagnostics } from '../syntax/diagnostic.ts';
import { rewriteMetadata } from './annotations/rewrite-metadata.ts';
import { checkConflicts } from './conflicts.ts';
import type { Compilation } from './context.ts';
import { checkDeprecated } from './deprecated.ts';
import { checkFunctions } from './functions.ts';
import { rewriteHeads } from './heads.ts';
import { hoistCalls } from './hoist.ts';
import { rewriteLocals } from './locals.ts';
import { checkModules } from './modules.ts';
import { rewritePrints } from './print.ts';
import { checkRecursion } from './recursion.ts';
import { resolveRefs } from './resolve.ts';
import { buildRuleTree, emptyTree } from './rule-tree.ts';
import { checkSafety } from './safety.ts';
import { rewriteTemplates } from './template-strings.ts';
import { checkTypes } from './typing/check-types.ts';
import { checkUnused } from './unused.ts';
import { checkWiths } from './with.ts';

type Pass = (c: Compilation) => void;

/** OPA's order: of several mistakes those are reported that the earliest pass finds. */
const PASSES: readonly (readonly Pass[])[] = [
  [checkModules, resolveRefs, checkUnused, rewriteLocals],
  [buildRuleTree, rewriteTemplates],
  [rewritePrints],
  [rewriteMetadata],
  [rewriteHeads, checkWiths],
  [checkConflicts],
  [hoistCalls, checkFunctions],
  [checkSafety],
  [checkRecursion],
  [checkTypes, checkDeprecated],
];

export interface CompileSettings {
  readonly builtins: ReadonlyMap<string, Builtin>;
  /** Builtins that are refused by name, and why. */
  readonly excluded: ReadonlyMap<string, string>;
  /** Refuses also what is unused, and what OPA has given up. */
  readonly strict: boolean;
  /** Somebody listens to `print`; otherwise its calls disappear. */
  readonly printing: boolean;
}

export function newCompilation(modules: readonly Module[], settings: CompileSettings): Compilation {
  return {
    ...settings,
    modules,
    diagnostics: [],
    remarks: [],
    written: new Map(),
    tree: emptyTree(),
    counter: 0,
    mockable: new Set(),
    types: undefined,
  };
}

/** Runs all passes; the findings are in reading order. */
export function runPasses(c: Compilation): readonly Diagnostic[] {
  for (const group of PASSES) {
    for (const pass of group) pass(c);
    if (c.diagnostics.length > 0) break;
  }
  return sortDiagnostics([...c.remarks, ...c.diagnostics]);
}
