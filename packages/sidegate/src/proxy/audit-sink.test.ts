import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AuditSink, type Lines, PartlyTaken, recordsTaken, Spool } from './audit-sink.ts';

function linesOf(records: readonly string[]): Lines {
  let text = '';
  const ends = records.map((record) => {
    text += `${record}\n`;
    return text.length;
  });
  return { text, ends };
}

describe('how many records were taken before an error', () => {
  const lines = linesOf(['one', 'two', 'three']);
  const ROWS: readonly (readonly [title: string, error: unknown, expected: number])[] = [
    ['none when nothing is known', new Error('no space left'), 0],
    ['none when what was thrown is no error', undefined, 0],
    ['none inside the first', new PartlyTaken(3, undefined), 0],
    ['one at its end', new PartlyTaken(4, undefined), 1],
    ['one inside the second', new PartlyTaken(7, undefined), 1],
    ['all but the last line end', new PartlyTaken(13, undefined), 2],
    ['all', new PartlyTaken(14, undefined), 3],
  ];
  for (const [title, error, expected] of ROWS) test(title, () => assert.equal(recordsTaken(error, lines), expected));
});

/** Takes as many characters as there is room for. */
function disk(): { room: number; text: string; readonly sink: AuditSink } {
  const state = {
    room: 0,
    text: '',
    sink: (lines: string) => {
      const taken = lines.slice(0, state.room);
      state.text += taken;
      state.room -= taken.length;
      if (taken.length === lines.length) return;
      const full = new Error('no space left');
      throw taken === '' ? full : new PartlyTaken(taken.length, full);
    },
  };
  return state;
}

const MEBIBYTE = 1024 * 1024;

describe('records that wait', () => {
  test('are written again as a whole when only a part of one was taken', () => {
    const storage = disk();
    const spool = new Spool(storage.sink);
    storage.room = 6;
    assert.throws(() => spool.write(linesOf(['one', 'two', 'three'])), PartlyTaken);
    storage.room = 100;
    storage.text = '';
    spool.write(linesOf(['four']));
    assert.equal(storage.text, 'two\nthree\nfour\n');
    assert.equal(spool.dropped, 0);
  });

  test('are at most 1 MiB; of what comes then nothing waits, and each is counted once', () => {
    const storage = disk();
    const spool = new Spool(storage.sink);
    const record = 'x'.repeat(1023);
    for (let i = 0; i < 2_000; i += 1) assert.throws(() => spool.write(linesOf([record])));
    assert.equal(spool.dropped, 2_000 - 1024);
    storage.room = 2 * MEBIBYTE;
    spool.close();
    assert.equal(storage.text.length, MEBIBYTE);
    assert.equal(spool.dropped, 2_000 - 1024);
  });

  test('leave room for later ones when a part of them was taken', () => {
    const storage = disk();
    const spool = new Spool(storage.sink);
    const record = 'x'.repeat(1023);
    for (let i = 0; i < 1_024; i += 1) assert.throws(() => spool.write(linesOf([record])));
    storage.room = 10 * 1024;
    assert.throws(() => spool.write(linesOf(Array.from({ length: 20 }, () => record))));
    assert.equal(spool.dropped, 10);
  });

  test('are lost at the end when nobody takes them, and counted', () => {
    const spool = new Spool(disk().sink);
    assert.throws(() => spool.write(linesOf(['one', 'two'])));
    spool.close();
    spool.close();
    assert.equal(spool.dropped, 2);
  });
});
