/**
 * `npm run conformance -- <folder>… [--category a,b] [--backend both] [--json]`: runs every case of the folders and exits 1 when one fails, 2 when it was called wrongly.
 */
import { parseArgs } from 'node:util';
import { type Case, loadCases } from './case.ts';
import { byCategory, closingLine, failureLine, type Judged, summaryTable, totals } from './report.ts';
import { BACKENDS, type BackendChoice, runCase } from './run-case.ts';

const USAGE = 'usage: npm run conformance -- <folder>… [--category a,b] [--backend generated|closures|both] [--json]';

function main(args: readonly string[]): number {
  const cases = readArguments(args);
  if (cases === undefined) return 2;
  const judged = cases.list.map((testCase, index) => {
    progress(index, cases.list.length, cases.json);
    return { case: testCase, outcome: runCase(testCase, cases.backend) };
  });
  clearProgress(cases.json);
  if (cases.json) process.stdout.write(`${JSON.stringify(asJson(judged), undefined, 2)}\n`);
  else printReport(judged);
  return totals(judged).failed === 0 ? 0 : 1;
}

function readArguments(
  args: readonly string[],
): { list: readonly Case[]; json: boolean; backend: BackendChoice } | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        category: { type: 'string' },
        backend: { type: 'string', default: 'generated' },
        json: { type: 'boolean', default: false },
      },
    });
    if (positionals.length === 0) throw new Error(USAGE);
    const wanted = values.category?.split(',');
    const list = positionals.flatMap(loadCases).filter(({ category }) => wanted?.includes(category) ?? true);
    if (list.length === 0) throw new Error('no case is in these categories');
    const backend = BACKENDS.find((each) => each === values.backend);
    if (backend === undefined) throw new Error(`--backend is one of ${BACKENDS.join(', ')}`);
    return { list, json: values.json, backend };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return undefined;
  }
}

function printReport(judged: readonly Judged[]): void {
  const failures = judged.map(failureLine).filter((line) => line !== undefined);
  const lines = [...failures, '', ...summaryTable(byCategory(judged)), closingLine(totals(judged))];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function asJson(judged: readonly Judged[]): object {
  const failures = judged.flatMap(({ case: { version, category, note }, outcome }) =>
    outcome.kind === 'failed' ? [{ version, category, note, why: outcome.why }] : [],
  );
  return { ...totals(judged), categories: byCategory(judged), failures };
}

function progress(done: number, all: number, json: boolean): void {
  if (json || !process.stderr.isTTY || done % 50 !== 0) return;
  process.stderr.write(`\r${done}/${all}`);
}

function clearProgress(json: boolean): void {
  if (!json && process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}

process.exitCode = main(process.argv.slice(2));
