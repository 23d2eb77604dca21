/** Test reports as `opa test` prints them: for people, and as JSON. */
import { formatMisses, formatTrace } from '../explain/format-explanation.ts';
import type { DocumentTrace } from '../explain/trace.ts';
import type { TestOutcome, TestReport, TestResult } from './run-tests.ts';

const LINE = '-'.repeat(80);
const WORDS = { pass: 'PASS', fail: 'FAIL', error: 'ERROR', skip: 'SKIPPED' } as const;

/** Failures and counts; every test when `verbose`. */
export function formatTests({ results }: TestReport, { verbose = false }: { verbose?: boolean } = {}): string {
  const shown = verbose ? results : results.filter(({ outcome }) => outcome !== 'pass');
  const lines = shown.flatMap((result) => resultLines(result));
  const all = outcomes(results);
  const counts = (['pass', 'fail', 'skip', 'error'] as const).flatMap((outcome) => countLine(all, outcome));
  return `${[...lines, ...(lines.length > 0 ? [LINE] : []), ...counts].join('\n')}\n`;
}

/** The array of results that `opa test --format json` writes. */
export function testsAsJson({ results }: TestReport): readonly object[] {
  return results.map(({ location: { file, row, col }, outcome, error, output, cases, ...result }) => ({
    location: { file, row, col },
    package: result.package,
    name: result.name,
    ...(outcome === 'fail' ? { fail: true } : {}),
    ...(outcome === 'skip' ? { skip: true } : {}),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
    duration: result.durationNanoseconds,
    ...(output.length === 0 ? {} : { output: base64(output.map((line) => `${line}\n`).join('')) }),
    ...(cases.length === 0
      ? {}
      : { sub_results: Object.fromEntries(cases.map((each) => [each.name, caseJson(each)])) }),
  }));
}

function caseJson({ name, outcome }: TestResult['cases'][number]): object {
  return outcome === 'pass' ? { name } : { name, fail: true };
}

function resultLines({ location, name, outcome, error, output, cases, tried, ...result }: TestResult): string[] {
  const duration = outcome === 'skip' ? '' : ` (${durationText(result.durationNanoseconds)})`;
  return [
    `${location.file}:${location.row}:`,
    `${result.package}.${name}: ${WORDS[outcome]}${duration}`,
    ...cases.map((each) => `  ${each.name}: ${WORDS[each.outcome]}`),
    ...tried.flatMap((document) => (document.value === undefined ? formatTrace(document) : casesLines(document))),
    ...(error === undefined ? [] : error.message.split('\n').map((line) => `  ${line}`)),
    ...(output.length === 0 ? [] : ['', ...output.map((line) => `  ${line}`), '']),
  ];
}

/** Of a test with cases that pass, only what the others failed by. */
function casesLines(document: DocumentTrace): readonly string[] {
  const misses = formatMisses(document);
  return misses.length > 0 ? misses : formatTrace(document);
}

/** The cases of a test count instead of it. */
function outcomes(results: readonly TestResult[]): readonly TestOutcome[] {
  return results.flatMap(({ outcome, cases }) => (cases.length === 0 ? [outcome] : cases.map((each) => each.outcome)));
}

function countLine(all: readonly TestOutcome[], wanted: TestOutcome): string[] {
  const count = all.filter((outcome) => outcome === wanted).length;
  return count === 0 ? [] : [`${WORDS[wanted]}: ${count}/${all.length}`];
}

/** As Go prints a duration. */
function durationText(nanoseconds: number): string {
  if (nanoseconds < 1_000) return `${nanoseconds}ns`;
  if (nanoseconds < 1_000_000) return `${nanoseconds / 1_000}µs`;
  return nanoseconds < 1_000_000_000 ? `${nanoseconds / 1_000_000}ms` : `${nanoseconds / 1_000_000_000}s`;
}

/** Of UTF-8; `btoa` reads Latin-1 only. */
function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}
