import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '../problem.ts';
import { redisReplayStore } from './redis-replay-store.ts';

const clock = { now: () => 1_000_000 };

function storeThat(answer: () => unknown) {
  const commands: (readonly string[])[] = [];
  const command = async (words: readonly string[]): Promise<unknown> => {
    commands.push(words);
    return answer();
  };
  return { commands, store: redisReplayStore({ command, keyPrefix: 'p:', clock }) };
}

const failing = (message: string) => () => {
  throw new Error(message);
};

for (const [what, answer, code] of [
  ['is away', failing('there is no connection'), 'replay_store_unavailable'],
  ['wants another password', failing('NOAUTH Authentication required.'), 'replay_store_unavailable'],
  ['has no memory left', failing("OOM command not allowed when used memory > 'maxmemory'."), 'replay_store_full'],
] as const) {
  test(`C-224 nothing is a first use while Redis ${what}: 503 ${code}`, async () => {
    await assert.rejects(
      async () => storeThat(answer).store.firstUse('id', 1_060_000),
      (error) => error instanceof Problem && error.code === code && error.row.status === 503,
    );
  });
}

for (const answer of [null, undefined, 0, '', 'QUEUED']) {
  test(`C-224 an answer of ${JSON.stringify(answer)} is no first use`, async () => {
    assert.equal(await storeThat(() => answer).store.firstUse('id', 1_060_000), false);
  });
}

test('C-224 whoever comes first writes a key that ends with the id, and does not show it', async () => {
  const { store, commands } = storeThat(() => 'OK');
  assert.equal(await store.firstUse('a secret id', 1_060_000), true);
  const [[verb, key = '', value, ...options] = []] = commands;
  assert.deepEqual([verb, value, options], ['SET', '1', ['NX', 'PX', '60000']]);
  assert.match(key, /^p:[A-Za-z0-9_-]{43}$/);
});

test('an id that has just expired is still written for a moment, as Redis takes no other', async () => {
  const { store, commands } = storeThat(() => 'OK');
  await store.firstUse('id', 1);
  assert.equal(commands[0]?.at(-1), '1');
});
