/**
 * `@sidegate/rego`: Rego policies to JavaScript functions. {@link compile} takes policy files and answers with a
 * {@link Policy} or with all its diagnostics; a policy prepares queries, a prepared query decides.
 */
import { type CompileOptions, type CompileResult, compileModules, type ModuleSource } from './compile-modules.ts';
import { NODE_HOST } from './evaluate/node-host.ts';

export { type Builtin, type BuiltinContext, BuiltinError } from './builtins/builtin.ts';
export type { Host } from './builtins/host.ts';
export type { BundleDiagnostic } from './bundle/bundle-diagnostic.ts';
export type { BundleManifest } from './bundle/manifest.ts';
export {
  type Bundle,
  type BundleModule,
  type BundleOptions,
  type BundleResult,
  readBundle,
} from './bundle/read-bundle.ts';
export { readSources, type SourceFile, type SourceOptions, type SourcesResult } from './bundle/read-sources.ts';
export type { BundleKey, BundleVerification } from './bundle/signature.ts';
export type { CompileOptions, CompileResult, ModuleSource, PlatformHost } from './compile-modules.ts';
export type { Dependencies, DocumentPath } from './dependencies/dependencies.ts';
export type { CodeHost } from './evaluate/code-host.ts';
export { EvaluationError, type EvaluationErrorCode } from './evaluate/evaluation-error.ts';
export { NODE_HOST } from './evaluate/node-host.ts';
export type { Change } from './explain/change.ts';
export type { ExplainOptions, Explanation } from './explain/explain.ts';
export { explanationAsJson } from './explain/explanation-json.ts';
export { formatExplanation } from './explain/format-explanation.ts';
export type { Edit, InputPath } from './explain/input-path.ts';
export type { DocumentTrace, LiteralTrace, RuleTrace, SeenValue } from './explain/trace.ts';
export {
  type Bindings,
  type Decision,
  type Evaluate,
  type EvaluateOptions,
  Policy,
  type Prepared,
} from './policy.ts';
export type { QueryExpression, QueryResult } from './query-results.ts';
export type { RegoVersion } from './syntax/cursor.ts';
export { type Diagnostic, type DiagnosticCode, formatDiagnostic } from './syntax/diagnostic.ts';
export type { Location } from './syntax/location.ts';
export type { CoverageReport, FileCoverage } from './testing/coverage.ts';
export { formatTests, testsAsJson } from './testing/format-tests.ts';
export type { TestOptions, TestOutcome, TestReport, TestResult } from './testing/run-tests.ts';
export { fromNative, parseJson, toJson, toNative, toPlainJson } from './value/json.ts';
export type { Value } from './value/value.ts';

/**
 * Compiles policy files, or says everything that is wrong with them.
 *
 * @example
 * ```ts
 * import { compile } from '@sidegate/rego';
 *
 * const result = compile([{ file: 'a.rego', text: 'package a\nallow if input.user == "amal"' }]);
 * if (!result.ok) throw new Error(result.diagnostics.map(formatDiagnostic).join('\n'));
 * const allow = result.policy.prepare('data.a.allow');
 * allow({ user: 'amal' }) === true;
 * ```
 */
export function compile(modules: readonly ModuleSource[], options: CompileOptions = {}): CompileResult {
  return compileModules(modules, options, options.host ?? NODE_HOST);
}
