import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureLimit } from './failure-limit.ts';

const options = { failures: 2, windowMs: 60_000, maxCallers: 3 };

test('a caller is limited after its last allowed failure, until the window ends', () => {
  const limit = failureLimit(options);
  limit.recordFailure('a', 0);
  assert.equal(limit.retryAfterSeconds('a', 1), undefined);
  limit.recordFailure('a', 30_000);
  assert.equal(limit.retryAfterSeconds('a', 30_001), 30);
  assert.equal(limit.retryAfterSeconds('b', 30_001), undefined);
  assert.equal(limit.retryAfterSeconds('a', 60_000), undefined);
});

test('memory is bounded: who failed longest ago is forgotten first', () => {
  const limit = failureLimit(options);
  for (const caller of ['a', 'a', 'b', 'b', 'c', 'c', 'a', 'd']) limit.recordFailure(caller, 0);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((caller) => limit.retryAfterSeconds(caller, 0)),
    [60, undefined, 60, undefined],
  );
});
