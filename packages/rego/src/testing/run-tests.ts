/**
 * Rego tests as `opa test` runs them: every rule `test_…` holds with `true` or it fails, `todo_test_…` is skipped,
 * rules of one name are tests of their own. A rule `test_x[case]` is one test with a case per key.
 */
import type { Compilation } from '../compile/context.ts';
import type { Routine, Stmt } from '../compile/ir.ts';
import { lowerDocument } from '../compile/lower.ts';
import type { TreeRule, VirtualDocument } from '../compile/rule-tree.ts';
import { FAIL, type Step } from '../evaluate/closures/frame.ts';
import type { Instruments } from '../evaluate/closures/instruments.ts';
import { closeDocument, closeDocuments } from '../evaluate/closures/run-document.ts';
import { Context, type DocumentFunction, type Documents } from '../evaluate/context.ts';
import { EvaluationError } from '../evaluate/evaluation-error.ts';
import { type QueryOptions, QueryState } from '../evaluate/query-state.ts';
import type { DocumentTrace } from '../explain/trace.ts';
import { Tracer } from '../explain/tracer.ts';
import type { Rule } from '../syntax/ast.ts';
import { formatPath } from '../syntax/format-path.ts';
import type { Location } from '../syntax/location.ts';
import { keyText } from '../value/json.ts';
import { isObject, objectEntries } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { CoverageRecorder, type CoverageReport } from './coverage.ts';

export interface TestOptions {
  /** Which tests run, by full name (`data.order_test.test_get`); all when absent. */
  readonly filter?: (name: string) => boolean;
  readonly coverage?: boolean;
  /** Whether to write down what was tried for tests that fail. */
  readonly explain?: boolean;
}

export type TestOutcome = 'pass' | 'fail' | 'error' | 'skip';

export interface TestResult {
  readonly location: Location;
  /** `data.order_test` */
  readonly package: string;
  /** `test_get`; the second rule of that name is `test_get#01`. */
  readonly name: string;
  readonly outcome: TestOutcome;
  readonly durationNanoseconds: number;
  readonly error: EvaluationError | undefined;
  /** Lines that `print` wrote. */
  readonly output: readonly string[];
  /** Cases of a rule `test_x[case]`, by name. */
  readonly cases: readonly { readonly name: string; readonly outcome: 'pass' | 'fail' }[];
  /** What was tried, when that was asked for and the test fails. */
  readonly tried: readonly DocumentTrace[];
}

export interface TestReport {
  readonly results: readonly TestResult[];
  readonly coverage: CoverageReport | undefined;
}

/** What tests run with: limits, clock and base documents of their policy. */
export interface TestEnvironment extends QueryOptions {
  readonly data: Value;
}

interface Test {
  readonly package: string;
  readonly name: string;
  readonly document: VirtualDocument;
  readonly rule: TreeRule;
}

export function runTests(c: Compilation, environment: TestEnvironment, options: TestOptions = {}): TestReport {
  const recorder = options.coverage === true ? new CoverageRecorder(c) : undefined;
  const routines = c.tree.documents.map((document) => lowerDocument(c, document, { marked: true }));
  const documents = closeDocuments(c, routines, recorder);
  const selected = findTests(c).filter((test) => options.filter?.(`${test.package}.${test.name}`) ?? true);
  const results = selected.map((test) => {
    if (isTodo(test.name)) return resultOf(test, { outcome: 'skip' });
    const cases = new CaseRecorder();
    const only = { ...test.document, rules: [test.rule], defaultRule: undefined };
    const routine = lowerDocument(c, only, { marked: true });
    const run = closeDocument(c, routine, documents.functions, cases.instruments(routine, recorder));
    const result = evaluate(test, run, { documents, environment, cases });
    if (options.explain !== true || result.outcome !== 'fail') return result;
    return { ...result, tried: tracedRun(c, environment, only) };
  });
  return { results, coverage: recorder?.report() };
}

/** The same evaluation once more, watched. */
function tracedRun(c: Compilation, environment: TestEnvironment, document: VirtualDocument): readonly DocumentTrace[] {
  const tracer = new Tracer();
  const learned = (each: VirtualDocument): Routine => {
    const routine = lowerDocument(c, each, { marked: true });
    tracer.learn(routine);
    return routine;
  };
  const documents = closeDocuments(c, c.tree.documents.map(learned), tracer);
  const run = closeDocument(c, learned(document), documents.functions, tracer);
  tracer.begin(undefined);
  run(
    new Context(
      documents,
      new QueryState({ ...environment, print: undefined }, undefined),
      undefined,
      environment.data,
    ),
  );
  return tracer.end().documents;
}

/** In the order in which they were written. */
function findTests(c: Compilation): Test[] {
  const placed = new Map<Rule, { document: VirtualDocument; rule: TreeRule }>();
  for (const document of c.tree.documents) {
    for (const rule of document.rules) placed.set(rule.rule, { document, rule });
  }
  const tests: Test[] = [];
  const seen = new Map<string, number>();
  for (const module of c.modules) {
    const packageName = formatPath(['data', ...module.package.path]);
    for (const rule of module.rules) {
      const found = placed.get(rule);
      const { head } = rule.head.ref;
      if (found === undefined || found.document.kind === 'function' || head.kind !== 'var' || !isTest(head.name))
        continue;
      const name = found.document.path.slice(module.package.path.length + 1).join('.');
      const before = seen.get(`${packageName}.${name}`) ?? 0;
      seen.set(`${packageName}.${name}`, before + 1);
      tests.push({
        package: packageName,
        name: before === 0 ? name : `${name}#${String(before).padStart(2, '0')}`,
        ...found,
      });
    }
  }
  return tests;
}

function isTest(name: string): boolean {
  return name.startsWith('test_') || isTodo(name);
}

function isTodo(name: string): boolean {
  return name.startsWith('todo_test_');
}

interface Run {
  readonly documents: Documents;
  readonly environment: TestEnvironment;
  readonly cases: CaseRecorder;
}

function evaluate(test: Test, run: DocumentFunction, { documents, environment, cases }: Run): TestResult {
  const output: string[] = [];
  const state = new QueryState({ ...environment, print: (line) => output.push(line) }, undefined);
  const context = new Context(documents, state, undefined, environment.data);
  const start = environment.elapsed();
  const finish = (partial: Partial<TestResult> & Pick<TestResult, 'outcome'>): TestResult => {
    const durationNanoseconds = Math.round((environment.elapsed() - start) * 1_000_000);
    return resultOf(test, { ...partial, durationNanoseconds, output });
  };
  try {
    const value = run(context);
    if (test.document.kind !== 'object') return finish({ outcome: value === true ? 'pass' : 'fail' });
    const named = cases.results(value);
    const passes = named.length > 0 && named.every(({ outcome }) => outcome === 'pass');
    return finish({ outcome: passes ? 'pass' : 'fail', cases: named });
  } catch (error) {
    if (error instanceof EvaluationError) return finish({ outcome: 'error', error });
    if (!(error instanceof RangeError)) throw error;
    return finish({ outcome: 'error', error: new EvaluationError('eval_cancel_error', 'evaluation nests too deeply') });
  }
}

function resultOf(test: Test, partial: Partial<TestResult> & Pick<TestResult, 'outcome'>): TestResult {
  return {
    location: test.rule.rule.location,
    package: test.package,
    name: test.name,
    durationNanoseconds: 0,
    error: undefined,
    output: [],
    cases: [],
    tried: [],
    ...partial,
  };
}

/** Knows the cases that a rule `test_x[case]` began and did not finish: those have failed. */
class CaseRecorder {
  private readonly begun = new Set<string>();

  instruments({ document, rules }: Routine, recorder: CoverageRecorder | undefined): Instruments | undefined {
    const key = document.kind === 'object' ? caseKey(rules.flat().flatMap(({ body }) => body)) : undefined;
    if (key === undefined) return recorder;
    return {
      statement: (stmt, step) => {
        const watched = this.watched(key, step);
        return recorder === undefined ? watched : recorder.statement(stmt, watched);
      },
    };
  }

  private watched(key: number, step: Step): Step {
    return (frame) => {
      const signal = step(frame);
      const name = frame[key] as Value | undefined;
      if (signal === FAIL && name !== undefined) this.begun.add(keyText(name));
      return signal;
    };
  }

  /** Cases with a value, and those that never got one. */
  results(value: Value | undefined): TestResult['cases'] {
    const outcomes = new Map<string, 'pass' | 'fail'>([...this.begun].map((name) => [name, 'fail']));
    if (value !== undefined && isObject(value)) {
      for (const [name, held] of objectEntries(value)) outcomes.set(keyText(name), held === true ? 'pass' : 'fail');
    }
    return [...outcomes].map(([name, outcome]) => ({ name, outcome })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** The local that holds the first variable of the head. */
function caseKey(block: readonly Stmt[]): number | undefined {
  for (const stmt of block) {
    if (stmt.op === 'produce') return stmt.path.find((operand) => operand.kind === 'local')?.local;
    const inner = 'body' in stmt ? caseKey(stmt.body) : undefined;
    if (inner !== undefined) return inner;
  }
  return undefined;
}
