/** Vault over a real socket: logins, renewal, and answers that must not be believed. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { ACCOUNT_TOKEN, ROLE_ID, SECRET_ID, startVaultServer } from '../../../../tests/support/vault-server.ts';
import { Problem } from '../problem.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { Secret, type VaultLogin, vault } from './index.ts';

const approle: VaultLogin = { method: 'approle', roleId: ROLE_ID, secretId: new Secret(SECRET_ID) };

async function scene(login: VaultLogin = approle) {
  const server = await startVaultServer();
  server.secrets.set('secret/orders/payment', { client_secret: 'canary-1', number: 7 });
  const time = manualTime();
  const store = vault({ address: server.address, login, runtime: { ...systemRuntime(), clock: time.clock } });
  const count = (part: string): number => server.calls.filter((call) => call.path.includes(part)).length;
  return { server, time, store, count, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describe('Vault is not asked', () => {
  for (const address of ['http://vault.internal:8200', 'https://a:b@vault', 'vault', 'ftp://vault']) {
    test(`at ${address}`, () => {
      assert.throws(() => vault({ address, login: approle }), {
        name: 'TypeError',
        message: /is not a URL|neither https|must not hold credentials/,
      });
    });
  }
});

describe('a login', () => {
  test('with AppRole, once for many secrets', async () => {
    await using at = await scene();
    const read = () => at.store.read('secret', 'orders/payment');
    const [first] = await Promise.all([read(), read(), read()]);
    assert.deepEqual(first, { client_secret: 'canary-1' });
    assert.equal(at.count('login'), 1);
    assert.equal(at.server.calls[1]?.headers['x-vault-request'], 'true');
  });

  test('with the token of the service account, read anew at each', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'sidegate-vault-'));
    const tokenFile = path.join(directory, 'token');
    await using at = await scene({ method: 'kubernetes', role: 'order-service', tokenFile });
    const read = () => at.store.read('secret', 'orders/payment');
    await assert.rejects(read(), { code: 'secret_store_unavailable', message: /service account's token/ });
    await writeFile(tokenFile, 'stale');
    await assert.rejects(read(), { code: 'secret_store_bad_response' });
    await writeFile(tokenFile, `${ACCOUNT_TOKEN}\n`);
    assert.deepEqual(await read(), { client_secret: 'canary-1' });
    await rm(directory, { recursive: true });
  });

  test('that is refused names no secret', async () => {
    await using at = await scene({ ...approle, secretId: new Secret('canary-wrong') });
    await assert.rejects(at.store.read('secret', 'orders/payment'), (error: Error) => {
      assert.match(error.message, /Vault answered 400 to the login auth\/approle\/login/);
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
  });
});

describe('a token', () => {
  test('is renewed when two thirds of its life are over, not logged in again', async () => {
    await using at = await scene();
    const read = () => at.store.read('secret', 'orders/payment');
    await read();
    at.time.advance(2_399_000);
    await read();
    assert.equal(at.count('renew-self'), 0);
    at.time.advance(2_000);
    await read();
    assert.deepEqual([at.count('renew-self'), at.count('login')], [1, 1]);
  });

  test('that cannot be renewed, or has ended, is replaced by a login', async () => {
    await using at = await scene();
    const read = () => at.store.read('secret', 'orders/payment');
    at.server.renewable = false;
    await read();
    at.time.advance(2_401_000);
    at.server.renewable = true;
    await read();
    assert.deepEqual([at.count('renew-self'), at.count('login')], [0, 2]);
    at.time.advance(3_601_000);
    await read();
    assert.deepEqual([at.count('renew-self'), at.count('login')], [0, 3]);
    at.time.advance(2_401_000);
    at.server.tokens.clear();
    await read();
    assert.deepEqual([at.count('renew-self'), at.count('login')], [1, 4]);
  });

  test('that Vault has revoked is replaced once: 403 after a fresh login is final', async () => {
    await using at = await scene();
    const read = () => at.store.read('secret', 'orders/payment');
    await read();
    at.server.tokens.clear();
    assert.deepEqual(await read(), { client_secret: 'canary-1' });
    assert.equal(at.count('login'), 2);
    at.server.instead = ({ path: asked }) => (asked.includes('/data/') ? { status: 403, body: {} } : undefined);
    await assert.rejects(read(), { code: 'secret_store_bad_response', message: /its policy must allow/ });
    assert.equal(at.count('login'), 3);
  });
});

describe('an answer is refused', () => {
  const auth = (changed: object): object => ({
    auth: { client_token: 'hvs.x', lease_duration: 60, renewable: true, ...changed },
  });
  const ROWS: readonly (readonly [
    title: string,
    part: string,
    answer: { status: number; headers?: Record<string, string>; body: unknown } | 'reset',
    code: string,
  ])[] = [
    ['that breaks off', 'login', 'reset', 'secret_store_unavailable'],
    ['of a sealed Vault', 'login', { status: 503, body: { sealed: true } }, 'secret_store_unavailable'],
    [
      'that leads elsewhere',
      '/data/',
      { status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: '' },
      'secret_store_bad_response',
    ],
    ['of too many bytes', '/data/', { status: 200, body: 'x'.repeat(1024 * 1024 + 1) }, 'secret_store_unavailable'],
    ['that is no JSON', '/data/', { status: 200, body: '<html>canary' }, 'secret_store_bad_response'],
    ['that is a list', '/data/', { status: 200, body: [] }, 'secret_store_bad_response'],
    ['with a member twice', '/data/', { status: 200, body: '{"data":{},"data":{}}' }, 'secret_store_bad_response'],
    ['without data', '/data/', { status: 200, body: { data: null } }, 'secret_store_bad_response'],
    [
      'of a deleted version',
      '/data/',
      { status: 404, body: { data: { data: null, metadata: {} } } },
      'secret_store_bad_response',
    ],
    [
      'with a token that ends a header',
      'login',
      { status: 200, body: auth({ client_token: 'a\r\nx: canary' }) },
      'secret_store_bad_response',
    ],
    [
      'with a token that is no text',
      'login',
      { status: 200, body: auth({ client_token: 7 }) },
      'secret_store_bad_response',
    ],
    [
      'with a lease that is no number',
      'login',
      { status: 200, body: auth({ lease_duration: '60' }) },
      'secret_store_bad_response',
    ],
    [
      'with a negative lease',
      'login',
      { status: 200, body: auth({ lease_duration: -1 }) },
      'secret_store_bad_response',
    ],
  ];
  for (const [title, part, answer, code] of ROWS) {
    test(title, async () => {
      await using at = await scene();
      at.server.instead = ({ path: asked }) => (asked.includes(part) ? answer : undefined);
      await assert.rejects(at.store.read('secret', 'orders/payment'), (error: unknown) => {
        assert.ok(error instanceof Problem);
        assert.equal(error.code, code);
        assert.doesNotMatch(error.message, /canary/);
        return true;
      });
    });
  }
});
