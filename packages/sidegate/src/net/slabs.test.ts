import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { SLAB_BYTES, writeCopy } from './slabs.ts';

/** Takes a piece only when told to. */
function slowReceiver() {
  const got: Buffer[] = [];
  const waiting: (() => void)[] = [];
  const socket = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _, done) => {
      waiting.push(() => {
        got.push(Buffer.from(chunk));
        done();
      });
    },
  });
  const take = async (): Promise<void> => {
    waiting.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { socket, take, received: () => Buffer.concat(got).toString('latin1') };
}

describe('a copy that is written', () => {
  test('stays what it was, however slow the receiver is and whatever is written meanwhile', async () => {
    const [one, two] = [slowReceiver(), slowReceiver()];
    const place = Buffer.from('first');
    assert.equal(writeCopy(one.socket, place, 0, 5), false);
    place.write('2nd!!');
    writeCopy(two.socket, place, 0, 3);
    place.fill('x');
    await one.take();
    writeCopy(two.socket, Buffer.from('another'), 0, 7);
    await two.take();
    await two.take();
    assert.equal(one.received(), 'first');
    assert.equal(two.received(), '2ndanother');
  });

  test('is whole when it is larger than a place', async () => {
    const { socket, take, received } = slowReceiver();
    const text = Array.from({ length: 2 * SLAB_BYTES + 7 }, (_, index) => String(index % 10)).join('');
    writeCopy(socket, Buffer.from(`-${text}-`), 1, text.length + 1);
    for (let piece = 0; piece < 3; piece += 1) await take();
    assert.equal(received(), text);
  });
});
