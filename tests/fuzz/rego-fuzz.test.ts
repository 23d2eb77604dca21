import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadCorpus } from './corpus.ts';
import { fuzzFilesOnce } from './file-fuzz.ts';
import { fuzzOnce } from './fuzz-run.ts';

const RUNS = 5_000;
const SEED = 20_261_122;

test('mutated policies and inputs end in a value, a diagnostic or an EvaluationError', () => {
  const corpus = loadCorpus({ shared: false });
  let [accepted, evaluated] = [0, 0];
  for (let run = 0; run < RUNS; run += 1) {
    const found = fuzzOnce(corpus, SEED, run, () => 0);
    if (found.crash !== undefined) {
      assert.fail(`seed ${SEED}, run ${run}, ${found.crash.what}: ${String(found.crash.error)}\n${found.source}`);
    }
    if (found.accepted) accepted += 1;
    if (found.calls.some(({ what }) => what === 'evaluate')) evaluated += 1;
  }
  // Otherwise only the parser would have been tried.
  assert.ok(accepted > RUNS / 20, `${accepted} accepted`);
  assert.ok(evaluated > RUNS / 40, `${evaluated} evaluated`);
});

test('damaged bundles and documents are read or refused with a reason', () => {
  const corpus = loadCorpus({ shared: false });
  let accepted = 0;
  for (let run = 0; run < 1_000; run += 1) {
    const found = fuzzFilesOnce(corpus, SEED, run, () => 0);
    if (found.crash !== undefined) {
      assert.fail(`seed ${SEED}, run ${run}: ${String(found.crash.error)}\n${found.source}`);
    }
    if (found.accepted) accepted += 1;
  }
  assert.ok(accepted > 50 && accepted < 800, `${accepted} accepted`);
});
