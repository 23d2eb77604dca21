/** A stream that breaks, and what stays of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ManualTime, manualTime } from '../../../../tests/support/manual-time.ts';
import { type StreamHandlers, type Watched, watched } from './watched.ts';

interface Bench {
  readonly source: Watched<string>;
  readonly time: ManualTime;
  readonly opened: StreamHandlers[];
  readonly cancelled: () => number;
}

function bench(): Bench {
  const time = manualTime();
  const opened: StreamHandlers[] = [];
  let cancelled = 0;
  const source = watched({
    open: (handlers) => {
      opened.push(handlers);
      return () => {
        cancelled += 1;
      };
    },
    read: (bytes) => {
      if (bytes.length === 0) throw new Error('nothing in it');
      return Buffer.from(bytes).toString();
    },
    clock: time.clock,
    schedule: time.schedule,
    random: () => 0.5,
  });
  return { source, time, opened, cancelled: () => cancelled };
}

const END = { reason: 'gone', final: false };

test('an answer that is refused leaves the last good one, and says why', () => {
  const { source, opened } = bench();
  assert.deepEqual([source.current(), source.failure()], [undefined, 'nothing was answered yet']);
  opened[0]?.onMessage(Buffer.from('one'));
  opened[0]?.onMessage(Buffer.alloc(0));
  assert.deepEqual([source.current(), source.failure()], ['one', 'nothing in it']);
  opened[0]?.onMessage(Buffer.from('two'));
  assert.deepEqual([source.current(), source.failure()], ['two', undefined]);
});

test('a stream that ends is opened again after growing pauses, never sooner', () => {
  const { source, time, opened } = bench();
  opened[0]?.onMessage(Buffer.from('one'));
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 10; attempt += 1) {
    opened.at(-1)?.onEnd(END);
    const [pause = 0] = time.pending();
    pauses.push(pause);
    time.advance(pause - 1);
    assert.equal(opened.length, attempt + 1);
    time.advance(1);
    assert.equal(opened.length, attempt + 2);
  }
  assert.deepEqual(pauses, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  assert.deepEqual([source.current(), source.failure()], ['one', 'gone']);
  opened.at(-1)?.onMessage(Buffer.from('two'));
  opened.at(-1)?.onEnd(END);
  assert.deepEqual(time.pending(), [250]);
});

test('what would be answered the same again is not asked again', () => {
  const { source, time, opened } = bench();
  opened[0]?.onEnd({ reason: 'InvalidArgument', final: true });
  assert.deepEqual([time.pending(), source.failure()], [[], 'InvalidArgument']);
});

test('what cannot even be tried is tried again later', () => {
  const time = manualTime();
  let tried = 0;
  const source = watched({
    open: () => {
      tried += 1;
      throw new Error('no token to show');
    },
    read: String,
    clock: time.clock,
    schedule: time.schedule,
    random: () => 0.5,
  });
  assert.deepEqual([source.failure(), time.pending()], ['no token to show', [250]]);
  time.advance(250);
  assert.equal(tried, 2);
});

test('subscribers hear of answers and failures until they leave', () => {
  const { source, opened } = bench();
  const heard: (string | undefined)[] = [];
  const leave = source.subscribe(() => heard.push(source.failure() ?? source.current()));
  opened[0]?.onMessage(Buffer.from('one'));
  opened[0]?.onEnd(END);
  leave();
  opened[0]?.onMessage(Buffer.from('two'));
  assert.deepEqual(heard, ['one', 'gone']);
});

test('a source that was closed asks no more, takes nothing more and frees those who wait', async () => {
  const { source, time, opened, cancelled } = bench();
  const first = source.first();
  source.close();
  opened[0]?.onMessage(Buffer.from('late'));
  opened[0]?.onEnd(END);
  assert.deepEqual([source.current(), time.pending(), cancelled()], [undefined, [], 1]);
  await assert.rejects(first, /was closed/);
});

test('whoever waits for the first answer gets it', async () => {
  const { source, opened } = bench();
  opened[0]?.onMessage(Buffer.alloc(0));
  opened[0]?.onMessage(Buffer.from('one'));
  assert.equal(await source.first(), 'one');
});
