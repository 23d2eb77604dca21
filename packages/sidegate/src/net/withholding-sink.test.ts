import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../../../tests/support/fields.ts';
import { WithholdingSink } from './withholding-sink.ts';

function start(mayWithhold: boolean) {
  const seen: string[] = [];
  const sink = new WithholdingSink(
    {
      head: ({ status }) => void seen.push(`head ${status}`),
      write: (_bytes, start, end) => {
        seen.push(`write ${end - start}`);
        return false;
      },
      flush: () => void seen.push('flush'),
      end: () => void seen.push('end'),
      whenDrained: () => void seen.push('whenDrained'),
    },
    { mayWithhold: () => mayWithhold, giveUp: () => void seen.push('given up') },
  );
  const answer = (status: number, pieces: readonly number[]): readonly boolean[] => {
    sink.reset();
    sink.head({ status, fields: fieldsOf([]), length: undefined });
    const taken = pieces.map((length) => sink.write(Buffer.alloc(length), 0, length));
    sink.flush();
    sink.end();
    return taken;
  };
  return { seen, sink, answer };
}

test('nothing is seen of a server error that is asked for again, and nobody waits for it', () => {
  const { seen, sink, answer } = start(true);
  assert.deepEqual(answer(500, [10, 64 * 1024 - 10]), [true, true]);
  assert.deepEqual([seen, sink.withheld], [[], true]);
});

test('one that is longer than 64 KiB is given up, once, each time', () => {
  const { seen, answer } = start(true);
  answer(503, [64 * 1024, 1, 64 * 1024]);
  assert.deepEqual(seen, ['given up']);
  answer(503, [64 * 1024 + 1]);
  assert.deepEqual(seen, ['given up', 'given up']);
});

for (const [title, status, mayWithhold] of [
  ['the last server error', 500, false],
  ['an answer that is none', 499, true],
] as const) {
  test(`${title} is passed on as it comes`, () => {
    const { seen, sink, answer } = start(mayWithhold);
    assert.deepEqual(answer(status, [3]), [false]);
    assert.deepEqual([seen, sink.withheld], [[`head ${status}`, 'write 3', 'flush', 'end'], false]);
  });
}
