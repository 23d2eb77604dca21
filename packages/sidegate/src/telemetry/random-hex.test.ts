import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { createRandomHex } from './random-hex.ts';

test('no byte is used twice, and the source is asked rarely', () => {
  let asked = 0;
  const randomHex = createRandomHex((bytes) => {
    asked += 1;
    return randomBytes(bytes);
  });
  const ids = Array.from({ length: 2_000 }, () => randomHex(16));
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.every((id) => /^[0-9a-f]{32}$/.test(id)));
  assert.ok(asked <= 9, `${asked} calls for ${ids.length} identifiers`);
});
