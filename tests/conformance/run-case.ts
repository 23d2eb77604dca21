/** Runs one case against `@sidegate/rego` and judges the answer. Whatever is not exactly as expected is a failure. */
import {
  type Bindings,
  type Builtin,
  type CompileOptions,
  compile,
  EvaluationError,
  formatDiagnostic,
  parseJson,
  toJson,
  type Value,
} from '@sidegate/rego';
import type { Case, DiagnosticCase, EvaluationCase } from './case.ts';
import { EXCLUDED_BUILTINS } from './exclusions.ts';

export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'skipped'; readonly why: string };

/** Cases of timeouts call it; nothing waits here. */
const SLEEP: Builtin = {
  name: 'test.sleep',
  args: [{ kind: 'string' }],
  result: { kind: 'null' },
  evaluate: () => null,
};
const PASSED: Outcome = { kind: 'passed' };

/** Which backend answers; with `both`, a difference between their answers is a failure too. */
export const BACKENDS = ['generated', 'closures', 'both'] as const;
export type BackendChoice = (typeof BACKENDS)[number];
type Backend = Exclude<BackendChoice, 'both'>;

export function runCase(testCase: Case, backend: BackendChoice = 'generated'): Outcome {
  try {
    const excluded = excludedBuiltin(testCase);
    if (excluded !== undefined) return { kind: 'skipped', why: excluded };
    const why = testCase.kind === 'diagnostic' ? checkDiagnostics(testCase) : checkEvaluation(testCase, backend);
    return why === undefined ? PASSED : { kind: 'failed', why };
  } catch (error) {
    return { kind: 'failed', why: `crash: ${describe(error)}` };
  }
}

/** Only a case that names an excluded builtin may be skipped. */
function excludedBuiltin(testCase: Case): string | undefined {
  const query = testCase.kind === 'evaluation' ? [testCase.query] : [];
  const text = [...query, ...testCase.modules].join('\n');
  return EXCLUDED_BUILTINS.find((name) => new RegExp(`(?<![\\w.])${name.replaceAll('.', '\\.')}(?![\\w.])`).test(text));
}

function optionsOf(testCase: Case): CompileOptions {
  return {
    version: testCase.version,
    builtins: [SLEEP],
    ...(testCase.kind === 'evaluation' ? { data: testCase.data } : {}),
  };
}

function modulesOf(testCase: Case): { file: string; text: string }[] {
  return testCase.modules.map((text, index) => ({ file: `test-${index}.rego`, text }));
}

function checkEvaluation(testCase: EvaluationCase, backend: BackendChoice): string | undefined {
  const now = BigInt(Date.now()) * 1_000_000n;
  const answer = evaluate(testCase, backend === 'both' ? 'generated' : backend, now);
  const other = backend === 'both' ? evaluate(testCase, 'closures', now) : answer;
  if (answerText(answer) !== answerText(other)) {
    return `backends differ: generated ${answerText(answer)}, closures ${answerText(other)}`;
  }
  return wrongAnswer(testCase, answer);
}

function wrongAnswer(testCase: EvaluationCase, answer: Answer): string | undefined {
  const expectsError = testCase.error !== undefined || testCase.errorCode !== undefined;
  if ('refused' in answer) return `refused: ${answer.refused}`;
  if ('error' in answer) return expectsError ? wrongError(testCase, answer.error) : `error: ${answer.error.message}`;
  if (expectsError) {
    return `no error, expected ${testCase.errorCode ?? ''} ${testCase.error ?? ''}, got ${show(answer.bindings)}`;
  }
  return testCase.result === undefined ? undefined : wrongResult(testCase, testCase.result, answer.bindings);
}

type Answer =
  | { readonly bindings: readonly Bindings[] }
  | { readonly error: EvaluationError }
  | { readonly refused: string };

function answerText(answer: Answer): string {
  if ('refused' in answer) return `refused: ${answer.refused}`;
  return 'error' in answer ? answer.error.message : show(answer.bindings);
}

function evaluate(testCase: EvaluationCase, backend: Backend, now: bigint): Answer {
  const random = (): number => 0.5;
  const compiled = compile(modulesOf(testCase), { ...optionsOf(testCase), backend, random });
  if (!compiled.ok) return { refused: compiled.diagnostics.map(formatDiagnostic).join('; ') };
  const prepared = compiled.policy.query(testCase.query);
  if (!prepared.ok) return { refused: prepared.diagnostics.map(formatDiagnostic).join('; ') };
  const input = testCase.inputTerm === undefined ? testCase.input : termValue(testCase.inputTerm);
  try {
    return { bindings: prepared.evaluate(input, { strictBuiltinErrors: testCase.strictErrors, now }) };
  } catch (error) {
    if (error instanceof EvaluationError && error.code !== 'eval_internal_error') return { error };
    throw error;
  }
}

function termValue(term: string): Value | undefined {
  const compiled = compile([]);
  if (!compiled.ok) throw new Error('an empty policy was refused');
  const prepared = compiled.policy.query(`x = ${term}`);
  if (!prepared.ok) throw new Error(`input_term: ${prepared.diagnostics.map(formatDiagnostic).join('; ')}`);
  return prepared.evaluate(undefined)[0]?.['x'];
}

function wrongError(testCase: EvaluationCase, error: EvaluationError): string | undefined {
  const { errorCode, error: text } = testCase;
  if (errorCode !== undefined && error.code !== errorCode) return `error code ${error.code}, expected ${errorCode}`;
  if (text !== undefined && !error.message.includes(text)) return `error "${error.message}", expected "${text}"`;
  return undefined;
}

/** Both sides as sets of binding objects after conversion to JSON. */
function wrongResult(
  testCase: EvaluationCase,
  wanted: readonly Value[],
  bindings: readonly Bindings[],
): string | undefined {
  const normalize = (value: Value): string => {
    const json = parseJson(toJson(value));
    return canonical(testCase.sortBindings ? sortTopLevel(json) : json);
  };
  const kept = bindings.map((solution) => withoutGenerated(testCase, solution));
  const got = new Set(kept.map(normalize));
  const expected = new Set(wanted.map(normalize));
  if (got.size === expected.size && got.isSubsetOf(expected)) return undefined;
  return `got ${show(kept)}, expected ${toJson(wanted)}`;
}

function withoutGenerated(testCase: EvaluationCase, solution: Bindings): Bindings {
  if (!testCase.ignoreGeneratedVariables) return solution;
  return Object.fromEntries(Object.entries(solution).filter(([name]) => !/^(?:__local|\$)/.test(name)));
}

function sortTopLevel(solution: Value): Value {
  const entries = Object.entries(solution as Readonly<Record<string, Value>>).map(([name, value]) => {
    return [name, Array.isArray(value) ? (value as Value[]).toSorted(byCanonicalText) : value] as const;
  });
  return Object.fromEntries(entries);
}

function byCanonicalText(a: Value, b: Value): number {
  const [left, right] = [canonical(a), canonical(b)];
  return left === right ? 0 : left < right ? -1 : 1;
}

/** Text that is the same for equal JSON values: `1.0` and `1` are. */
function canonical(value: Value): string {
  return toJson(value).replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (token) =>
    token.startsWith('"') ? token : canonicalNumber(token),
  );
}

function canonicalNumber(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`;
}

function checkDiagnostics(testCase: DiagnosticCase): string | undefined {
  const compiled = compile(modulesOf(testCase), optionsOf(testCase));
  const found = compiled.ok ? [] : compiled.diagnostics;
  const texts = found.map(
    ({ code, message, location: { row, col: column } }) => `${row}:${column} ${code}: ${message}`,
  );
  const wanted = testCase.errors.map(({ code, row, column, message }) => `${row}:${column} ${code}: ${message}`);
  const missing = wanted.filter((text) => !texts.includes(text));
  const extra = testCase.exhaustive ? texts.filter((text) => !wanted.includes(text)) : [];
  if (missing.length === 0 && extra.length === 0) return undefined;
  return `got [${texts.join('; ')}], expected ${testCase.exhaustive ? 'exactly ' : ''}[${wanted.join('; ')}]`;
}

function show(bindings: readonly Bindings[]): string {
  return toJson(bindings);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const at = /at .*?([\w-]+\.ts:\d+)/.exec(error.stack ?? '')?.[1];
  return `${error.name}: ${error.message.split('\n')[0] ?? ''}${at === undefined ? '' : ` (${at})`}`;
}
