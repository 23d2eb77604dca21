/** What the authority is told of a sidecar with several processes is what the last of them serves with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBundlesInUse } from './bundles-in-use.ts';

test('nothing is told while one process has not said what it serves with', () => {
  const inUse = createBundlesInUse();
  assert.equal(inUse.lowest(), undefined);
  inUse.started(1);
  inUse.started(2);
  assert.equal(inUse.lowest(), undefined);
  inUse.serving(1, 7);
  assert.equal(inUse.lowest(), undefined);
  inUse.serving(2, undefined);
  assert.equal(inUse.lowest(), undefined);
});

test('the process that is behind counts, until it has followed or ended', () => {
  const inUse = createBundlesInUse();
  for (const process of [1, 2]) inUse.serving(process, 7);
  inUse.serving(1, 8);
  assert.equal(inUse.lowest(), 7);
  inUse.ended(2);
  assert.equal(inUse.lowest(), 8);
  inUse.started(3);
  assert.equal(inUse.lowest(), undefined, 'who takes its place has yet to say so');
  inUse.serving(3, 8);
  assert.equal(inUse.lowest(), 8);
});
