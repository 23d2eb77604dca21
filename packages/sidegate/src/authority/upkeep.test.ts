import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startUpkeep, type UpkeepEvent } from './upkeep.ts';

/** Time that passes when it is told to. */
function manualSchedule() {
  const tasks = new Set<() => void>();
  return {
    schedule: (_delayMs: number, task: () => void) => {
      tasks.add(task);
      return () => void tasks.delete(task);
    },
    pass: async () => {
      const due = [...tasks];
      tasks.clear();
      for (const task of due) task();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test('a chore that fails is told once, goes on, and is told again when it works', async () => {
  const outcomes = [new Error('no store'), new Error('still none'), undefined, undefined, new Error('again')];
  const events: UpkeepEvent[] = [];
  const time = manualSchedule();
  const run = () => {
    const failure = outcomes.shift();
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  };
  const upkeep = startUpkeep([{ name: 'keys', everyMs: 1_000, run }], time.schedule, (event) => events.push(event));
  const failing: string[] = [];
  for (let turn = 0; turn < 5; turn++) {
    await time.pass();
    failing.push(upkeep.failing().join());
  }
  assert.deepEqual(failing, ['keys', 'keys', '', '', 'keys']);
  assert.deepEqual(
    events.map(({ outcome, reason }) => `${outcome} ${reason ?? ''}`),
    ['failed no store', 'recovered ', 'failed again'],
  );
  await upkeep.close();
});

test('closing waits for what is under way, and nothing runs after it', async () => {
  const gate = Promise.withResolvers<void>();
  let runs = 0;
  const time = manualSchedule();
  const run = () => {
    runs += 1;
    return gate.promise;
  };
  const upkeep = startUpkeep([{ name: 'keys', everyMs: 1_000, run }], time.schedule, () =>
    assert.fail('nothing failed'),
  );
  await time.pass();
  let closed = false;
  const closing = upkeep.close().then(() => {
    closed = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(closed, false);
  gate.resolve();
  await closing;
  await time.pass();
  assert.equal(runs, 1);
});
