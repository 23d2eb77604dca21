/** Which of two pairs a target sees while one follows the other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { EgressTarget } from './match-route.ts';
import { createSuccession } from './succession.ts';

function scene() {
  const asked: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = [];
  const prepare = () => new Promise<void>((resolve, reject) => asked.push({ resolve, reject }));
  const named = (name: string) => ({ name, credential: { prepare } }) as unknown as EgressTarget;
  const time = { now: 0 };
  const succession = createSuccession({
    before: named('before'),
    next: named('next'),
    endsAt: 1000,
    now: () => time.now,
  });
  return { asked, time, succession, shown: () => succession.target().name };
}

test('a pair is not shown after its end, whether there is a token for the next one or not', () => {
  const { time, succession, shown } = scene();
  time.now = 999;
  assert.deepEqual([shown(), succession.isOver()], ['before', false]);
  time.now = 1000;
  assert.deepEqual([shown(), succession.isOver()], ['next', true]);
  time.now = 999;
  assert.equal(shown(), 'next', 'nor when the clock is set back');
});

test('the pair before is shown while the token for the next one cannot be had, which is tried again as calls come', async () => {
  const { asked, shown } = scene();
  assert.equal(asked.length, 1, 'before any call');
  for (let call = 0; call < 3; call += 1) assert.equal(shown(), 'before');
  assert.equal(asked.length, 1, 'once at a time');
  asked[0]?.reject(new Error('away'));
  await turn();
  assert.equal(shown(), 'before');
  assert.equal(asked.length, 2);
  asked[1]?.resolve();
  await turn();
  assert.equal(shown(), 'next');
});
