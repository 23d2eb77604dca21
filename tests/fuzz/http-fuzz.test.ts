/** The fuzzer of the HTTP front, briefly: damaged messages, the same ones each time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzHttpOnce } from './http-run.ts';

const RUNS = 4_000;
const SEED = 20_261_130;

test('no damaged message crashes the HTTP front, or is taken for one that a strict reader takes for another', async () => {
  let accepted = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const { text, ours, theirs, ambiguous, crash } = await fuzzHttpOnce(SEED, run, () => 0);
    assert.equal(crash, undefined, `run ${run}: ${JSON.stringify(text)}`);
    assert.equal(ambiguous, undefined, `run ${run}: ${JSON.stringify({ text, ours, theirs })}`);
    accepted += ours.length;
  }
  assert.ok(accepted > RUNS / 10, `${accepted} messages were worth comparing`);
});
