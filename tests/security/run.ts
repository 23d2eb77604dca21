/**
 * `npm run test:security`: every test beside this file, and at the end how many cases of the corpus they executed; exits 1 when a
 * test failed or a case has none.
 */
import { globSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import '../support/compile-cache.ts';
import { countCorpus, summaryLine } from './corpus-count.ts';

const TEST_TIMEOUT_MS = 120_000;

const count = countCorpus();
const files = globSync('*.test.ts', { cwd: import.meta.dirname }).map((name) => path.join(import.meta.dirname, name));
const events = run({ files, concurrency: 4, timeout: TEST_TIMEOUT_MS });
let failures = 0;
events.on('test:pass', ({ name, details, skip, todo }) => {
  if (details.type !== 'suite' && skip === undefined && todo === undefined) count.passed(name);
});
events.on('test:fail', ({ name, details, todo }) => {
  if (todo !== undefined) return;
  failures += 1;
  if (details.type !== 'suite') count.failed(name);
});
const report = events.compose(new spec());
report.pipe(process.stdout, { end: false });
report.on('end', () => {
  const summary = count.summary();
  process.stdout.write(`\n${summaryLine(summary)}\n`);
  process.exitCode = failures === 0 && summary.executed === summary.total ? 0 : 1;
});
