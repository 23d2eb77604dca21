import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterWriting, beforeWriting, readCopyTogether, readTogether, writeTogether } from './batch.ts';

/** Tells in which pieces what was written has left. */
function outlet(left: string[]): Writable {
  return new Writable({
    decodeStrings: false,
    write: (chunk: string, _, done) => {
      left.push(chunk);
      done();
    },
    writev: (chunks: { chunk: string }[], done) => {
      left.push(chunks.map(({ chunk }) => chunk).join(''));
      done();
    },
  });
}

describe('bytes that arrive in one turn', () => {
  test('are read at its end, in their order, before what was put off behind them', async () => {
    const seen: string[] = [];
    const read = (name: string) => (bytes: Buffer) => void seen.push(`${name}${bytes.toString()}`);
    readTogether(read('a'), Buffer.from('1'));
    readTogether(read('b'), Buffer.from('2'));
    readTogether(read('a'), Buffer.from('3'));
    setImmediate(() => seen.push('end'));
    assert.deepEqual(seen, []);
    await nextTurn();
    assert.deepEqual(seen, ['a1', 'b2', 'a3', 'end']);
  });

  test('are not overtaken by a piece too large to wait, which is read at once', () => {
    for (const together of [
      readTogether,
      (reader: (bytes: Buffer, length: number) => void, bytes: Buffer) => readCopyTogether(reader, bytes, bytes.length),
    ]) {
      const lengths: number[] = [];
      together((_, length) => void lengths.push(length), Buffer.alloc(3));
      together((_, length) => void lengths.push(length), Buffer.alloc(16 * 1024 + 1));
      assert.deepEqual(lengths, [3, 16 * 1024 + 1]);
    }
  });

  test('do not wait beyond 256 KiB', () => {
    let read = 0;
    for (let piece = 0; piece < 17; piece += 1) {
      readTogether(
        (_, length) => {
          read += length;
        },
        Buffer.alloc(16 * 1024),
      );
    }
    assert.equal(read, 17 * 16 * 1024);
  });

  test('stay what they were when their place is written into again', async () => {
    const place = Buffer.from('first-----');
    let seen = '';
    readCopyTogether((bytes, length) => void (seen = bytes.toString('latin1', 0, length)), place, 5);
    place.fill('x');
    await nextTurn();
    assert.equal(seen, 'first');
  });
});

describe('what is written in answer to them', () => {
  test('leaves in one piece for each connection, behind all continuations and all chores', async () => {
    const left: string[] = [];
    const outlets = [outlet(left), outlet(left)] as const;
    const answer = async (socket: Writable, text: string): Promise<void> => {
      for (const part of text) {
        await Promise.resolve();
        writeTogether(socket);
        socket.write(part, 'latin1');
      }
    };
    readTogether(() => void answer(outlets[0], 'one'), Buffer.from('1'));
    readTogether(() => void answer(outlets[1], 'two'), Buffer.from('2'));
    readTogether(() => {
      afterWriting(() => left.push('last'));
      beforeWriting(() => left.push('first'));
    }, Buffer.from('3'));
    await nextTurn();
    await nextTurn();
    assert.deepEqual(left, ['first', 'one', 'two', 'last']);
  });

  test('leaves before a connection is ended in the same turn', async () => {
    const left: string[] = [];
    const socket = outlet(left);
    writeTogether(socket);
    socket.write('answer', 'latin1');
    socket.end();
    await nextTurn();
    assert.deepEqual(left, ['answer']);
  });
});
