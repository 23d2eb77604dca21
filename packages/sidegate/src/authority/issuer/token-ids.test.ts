import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { tokenIds } from './token-ids.ts';

const UUID_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('identifiers of one moment are all different, and are UUIDs of version 7', () => {
  const newId = tokenIds({ clock: { now: () => 1_700_000_000_000 }, random: randomBytes });
  const ids = Array.from({ length: 10_000 }, () => newId());
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(
    ids.filter((id) => !UUID_7.test(id)),
    [],
  );
});

test('no random byte is used twice, whether it was drawn with others or not', () => {
  let counter = 0;
  const random = (bytes: number) => {
    const drawn = Buffer.alloc(bytes);
    for (let at = 0; at + 10 <= bytes; at += 10) drawn.writeUIntBE((counter += 1), at + 4, 6);
    return drawn;
  };
  const newId = tokenIds({ clock: { now: () => 0 }, random });
  const ends = Array.from({ length: 600 }, () => Number.parseInt(newId().slice(-12), 16));
  assert.deepEqual(
    ends,
    Array.from({ length: 600 }, (_, index) => index + 1),
  );
});

test('an identifier begins with its time, as RFC 9562 section 5.7 has it', () => {
  const newId = tokenIds({ clock: { now: () => 0x017f22e279b0 }, random: (bytes) => Buffer.alloc(bytes, 0xff) });
  assert.equal(newId(), '017f22e2-79b0-7fff-bfff-ffffffffffff');
});
