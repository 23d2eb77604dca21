import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { bytes, plainHttp, startJwksServer } from '../../../../tests/support/jwks-server.ts';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createFetchedJwks } from '../jwt/fetched-jwks.ts';
import { httpJwksLoader } from '../jwt/jwks-loader.ts';
import { createServiceTokenIssuer } from './issue.ts';
import { publicPemKeys, readSigningKey } from './read-key.ts';
import { createServiceKeys, type ServiceKeys } from './service-keys.ts';
import { createServiceTokenValidator } from './validate.ts';

const pkcs8 = { type: 'pkcs8', format: 'pem' } as const;
const HOUR = 3_600_000;

function newKey(keyId: string, signsFrom: number) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...readSigningKey(privateKey.export(pkcs8), keyId), signsFrom };
}

const states = (keys: ServiceKeys) => keys.list().map(({ keyId, state }) => `${keyId} ${state}`);
const published = (keys: ServiceKeys) => keys.jwks().keys.map(({ kid }) => kid);

describe('keys that are refused:', () => {
  const first = newKey('k1', 0);
  for (const [title, make, reason] of [
    ['none', () => createServiceKeys({ service: 'a', keys: [] }), /there is none/],
    ['of nobody', () => createServiceKeys({ service: '', keys: [first] }), /whose keys/],
    ['two of one name', () => createServiceKeys({ service: 'a', keys: [first, first] }), /same key id/],
    ['a text', () => readSigningKey('canary', 'k1'), /not an unencrypted PEM private key/],
    ['a private key where public ones belong', () => publicPemKeys({ pem: first.key.export(pkcs8) }), /private/],
    ['a public key that is none', () => publicPemKeys({ pem: 'canary' }), /not a public key in PEM/],
  ] as const) {
    test(title, () => {
      assert.throws(make, (error: Error) => reason.test(error.message) && !error.message.includes('canary'));
    });
  }

  test('one that would sign before anybody could know it', () => {
    const time = manualTime();
    const keys = createServiceKeys({ service: 'a', keys: [first] }, time);
    assert.throws(() => keys.rotate(newKey('k2', time.clock.now() - 1)), /in the past/);
  });

  test('before the first one signs, nothing is issued', () => {
    const time = manualTime();
    const keys = createServiceKeys({ service: 'a', keys: [newKey('k1', time.clock.now() + 1)] }, time);
    assert.throws(() => keys.current(), { code: 'not_ready' });
  });
});

test('S4-095 the key set has every active key with its public members, and no private one', () => {
  const time = manualTime();
  const keys = createServiceKeys(
    { service: 'a', keys: [newKey('key-2026-01', 0), newKey('key-2026-04', time.clock.now())] },
    time,
  );
  const { keys: entries } = JSON.parse(JSON.stringify(keys.jwks())) as { keys: Record<string, string>[] };
  assert.deepEqual(
    entries.map(({ kid }) => kid),
    ['key-2026-01', 'key-2026-04'],
  );
  for (const entry of entries) {
    assert.deepEqual(Object.keys(entry).toSorted(), ['alg', 'e', 'kid', 'kty', 'n', 'use']);
    assert.deepEqual([entry['kty'], entry['use'], entry['alg'], entry['e']], ['RSA', 'sig', 'RS256', 'AQAB']);
  }
});

test('S4-096 S4-097 a new key is published before it signs, and the old one verifies until its last token has expired', () => {
  const time = manualTime();
  const keys = createServiceKeys({ service: 'a', keys: [newKey('key-2026-01', 0)] }, time);
  keys.rotate(newKey('key-2026-04', time.clock.now() + HOUR));
  assert.deepEqual(states(keys), ['key-2026-01 current', 'key-2026-04 next']);
  assert.deepEqual(published(keys), ['key-2026-01', 'key-2026-04']);
  assert.equal(keys.current().keyId, 'key-2026-01');
  time.advance(HOUR);
  assert.deepEqual(states(keys), ['key-2026-01 retiring', 'key-2026-04 current']);
  assert.equal(keys.current().keyId, 'key-2026-04');
  time.advance(900_000);
  assert.deepEqual(published(keys), ['key-2026-01', 'key-2026-04'], 'the longest token may just have expired');
  time.advance(60_000);
  assert.deepEqual(published(keys), ['key-2026-04']);
  assert.deepEqual(states(keys), ['key-2026-01 retired', 'key-2026-04 current']);
});

test('S4-053 S4-098 tokens of before, during and after a rotation verify, all the time, without anybody being started anew', async () => {
  const time = manualTime();
  const keys = createServiceKeys({ service: 'checkout-service', keys: [newKey('key-2026-01', 0)] }, time);
  await using server = await startJwksServer((incoming, response) =>
    bytes(JSON.stringify(keys.jwks()))(incoming, response),
  );
  const source = createFetchedJwks({
    load: httpJwksLoader(plainHttp, `${server.origin}/.well-known/jwks.json`),
    ...time,
    random: () => 0,
    refreshIntervalSeconds: 600,
  });
  const validator = createServiceTokenValidator({ issuers: { 'checkout-service': source } }, time);
  const { issueServiceToken } = createServiceTokenIssuer({ keys }, time);
  const expected = { expectedAudience: 'order-service', allowedIssuers: ['checkout-service'] };
  const living: { token: string; until: number }[] = [];
  const signers = new Set<string>();

  keys.rotate(newKey('key-2026-04', time.clock.now() + HOUR));
  for (let minute = 0; minute < 90; minute += 1) {
    const token = issueServiceToken({ callerService: 'checkout-service', targetService: 'order-service', scopes: [] });
    signers.add(keys.current().keyId);
    living.push({ token, until: time.clock.now() + 300_000 });
    while ((living[0]?.until ?? Infinity) <= time.clock.now()) living.shift();
    await Promise.all(living.map(({ token: one }) => validator.validateServiceToken(one, expected)));
    time.advance(60_000);
  }
  validator.close();
  assert.deepEqual([...signers], ['key-2026-01', 'key-2026-04']);
  assert.deepEqual(published(keys), ['key-2026-04']);
  assert.ok(server.requests.every((path) => path === '/.well-known/jwks.json'));
});
