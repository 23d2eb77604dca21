/**
 * `@sidegate/rego` without Node: nothing here reaches a `node:` module. Policies run as closures, and what needs
 * cryptography or gzip needs a `host` option that lends them.
 */
import { type CompileOptions, type CompileResult, compileModules, type ModuleSource } from './compile-modules.ts';

export { BuiltinError } from './builtins/builtin.ts';
export { readBundle } from './bundle/read-bundle.ts';
export { readSources } from './bundle/read-sources.ts';
export { EvaluationError } from './evaluate/evaluation-error.ts';
export { explanationAsJson } from './explain/explanation-json.ts';
export { formatExplanation } from './explain/format-explanation.ts';
export type * from './index.ts';
export { Policy } from './policy.ts';
export { formatDiagnostic } from './syntax/diagnostic.ts';
export { formatTests, testsAsJson } from './testing/format-tests.ts';
export { fromNative, parseJson, toJson, toNative, toPlainJson } from './value/json.ts';

/** Compiles policy files, or says everything that is wrong with them. */
export function compile(modules: readonly ModuleSource[], options: CompileOptions = {}): CompileResult {
  return compileModules(modules, options, options.host ?? {});
}
