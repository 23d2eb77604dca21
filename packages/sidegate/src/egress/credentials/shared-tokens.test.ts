/** Tokens that replicas share: what a target refuses is not taken from the store again, and what another replica got since is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccessToken } from '@sidegate/sdk';
import { createSharedTokens, type StoreCommand } from './shared-tokens.ts';
import { createTokenSeal } from './token-seal.ts';

/** The commands that are used, of a store that is never away. */
function memoryStore(): StoreCommand {
  const kept = new Map<string, string>();
  return async ([name = '', first = '', second = '', third = '', fourth = '']) => {
    if (name === 'GET') return kept.get(first) ?? null;
    if (name === 'EVAL') return kept.get(third) === fourth ? Number(kept.delete(third)) : 0;
    if (third === 'NX' && kept.has(first)) return null;
    kept.set(first, second);
    return 'OK';
  };
}

test('replicas share a token until one of them is refused with it; the next one is shared as well', async () => {
  let ids = 0;
  const share = createSharedTokens({
    command: memoryStore(),
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    keyPrefix: 'test:',
    newId: () => String((ids += 1)),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    onChange: () => assert.fail('the store is there'),
  });
  let issued = 0;
  const ask = async () => {
    issued += 1;
    const expiresAt = Date.now() + 300_000;
    return new AccessToken(`token-${issued}`, { expiresAt, scopes: [], issuedScope: undefined });
  };
  const shared = { identity: ['order'], seal: createTokenSeal('secret', 'order'), refreshBeforeMs: 60_000 };
  const get = async (refused?: string) => (await share(shared, ask, refused)).reveal();
  assert.deepEqual([await get(), await get()], ['token-1', 'token-1']);
  assert.equal(await get('token-1'), 'token-2');
  assert.equal(await get('token-1'), 'token-2', 'another replica that is refused finds it');
  assert.deepEqual([await get(), issued], ['token-2', 2]);
});
