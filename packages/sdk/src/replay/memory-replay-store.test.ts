import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../problem.ts';
import { memoryReplayStore } from './memory-replay-store.ts';

function storeAt(maxEntries: number) {
  const time = { nowMs: 1_000_000 };
  return { time, store: memoryReplayStore({ maxEntries, clock: { now: () => time.nowMs } }) };
}

test('C-224 what was used is refused until it expires, and is forgotten a second later', () => {
  const { time, store } = storeAt(10);
  assert.equal(store.firstUse('jti', 1_300_000), true);
  for (const later of [1_000_000, 1_150_000, 1_299_999, 1_300_000]) {
    time.nowMs = later;
    assert.equal(store.firstUse('jti', 1_300_000), false, `at ${later}`);
  }
  time.nowMs = 1_301_000;
  assert.equal(store.firstUse('other', 1_600_000), true);
  assert.equal(store.size, 1);
});

test('C-224 a full store refuses everything new as 503 replay_store_full, and evicts nothing that lives', () => {
  const { time, store } = storeAt(1_000);
  for (let index = 0; index < 1_000; index++) assert.equal(store.firstUse(`jti-${index}`, 1_300_000), true);
  for (let index = 0; index < 1_000; index++) {
    assert.throws(
      () => store.firstUse(`new-${index}`, 1_300_000),
      (error) => error instanceof Problem && error.code === 'replay_store_full' && error.row.status === 503,
    );
    assert.equal(store.firstUse(`jti-${index}`, 1_300_000), false);
  }
  assert.equal(store.size, 1_000);
  time.nowMs = 1_301_000;
  assert.equal(store.firstUse('new', 1_600_000), true, 'there is room once they have expired');
});

test('a long id costs no more than a short one, and its last character counts', () => {
  const { store } = storeAt(10);
  assert.equal(store.firstUse(`${'a'.repeat(100_000)}b`, 1_300_000), true);
  assert.equal(store.firstUse(`${'a'.repeat(100_000)}c`, 1_300_000), true);
  assert.equal(store.firstUse(`${'a'.repeat(100_000)}b`, 1_300_000), false);
});

test('an entry that has expired on arrival is remembered for that second', () => {
  const { store } = storeAt(10);
  assert.equal(store.firstUse('late', 1), true);
  assert.equal(store.firstUse('late', 1), false);
});
