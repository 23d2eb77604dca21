/** How many connections a listener takes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxConnections, maxDescriptors } from './descriptors.ts';

const ROWS = [
  [16, 1, 1],
  [256, 1, 96],
  [256, 2, 48],
  [1_024, 1, 480],
  [1_048_576, 1, 2_560],
  [1_048_576, 2, 2_560],
  [Infinity, 2, 2_560],
] as const;
for (const [descriptors, listeners, connections] of ROWS) {
  test(`with ${descriptors} descriptors and ${listeners} listeners: ${connections} each`, () => {
    assert.equal(maxConnections({ listeners, secure: false }, descriptors), connections);
    assert.equal(maxConnections({ listeners, secure: true }, descriptors), Math.min(connections, 1_536));
  });
}

test('the limit of this process is known', { skip: process.platform !== 'linux' }, () => {
  assert.ok((maxDescriptors() ?? 0) > 0);
});
