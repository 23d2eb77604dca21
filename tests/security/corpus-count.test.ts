import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CORPUS_CASES, countCorpus, summaryLine } from './corpus-count.ts';

test('a case whose test failed, or that has none, is not executed', () => {
  const count = countCorpus([1, 2, 3, 4]);
  count.passed('C-001 S3-211 a title');
  count.passed('C-002 and C-003 in one');
  count.failed('C-003 in another that failed');
  count.passed('C-0044 XC-004 C-4 are no numbers of the corpus, and neither is C-199');
  const summary = count.summary();
  assert.deepEqual(summary, { total: 4, executed: 2, missing: [4], failed: [3] });
  assert.equal(summaryLine(summary), 'corpus: 2 of 4 cases executed; failed: C-003; without a test: C-004');
});

test('the cases are all those of the corpus', () => {
  assert.equal(CORPUS_CASES.length, 226);
  for (const number of [1, 190, 191, 209, 210, 218, 219, 223, 224, 226]) assert.ok(CORPUS_CASES.includes(number));
  for (const number of [0, 227]) assert.ok(!CORPUS_CASES.includes(number));
  assert.equal(summaryLine(countCorpus([]).summary()), 'corpus: 0 of 0 cases executed');
});
