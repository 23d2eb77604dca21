import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSidecarConfig } from '../load.ts';

const load = (store: string) =>
  loadSidecarConfig(`service: {name: test}\negress: {token_store: ${store}}`, {
    file: 'a.yaml',
    env: { S: 's3cret' },
    readFile: String,
  });

for (const [title, store, expected] of [
  ['redis without an address', '{type: redis}', 'redis: is required'],
  ['an address that nothing uses', '{redis: {address: "127.0.0.1:6379"}}', 'redis: is not used'],
  ['another machine without TLS', '{type: redis, redis: {address: "cache.example:6379"}}', 'redis.tls: must be true'],
  ['no host', '{type: redis, redis: {address: ":6379"}}', 'redis.address: is not a host and a port'],
  [
    'C-226 a password in the file',
    '{type: redis, redis: {address: "127.0.0.1:6379", password: canary}}',
    'redis.password: is a secret written in the file',
  ],
  [
    'a prefix with a blank',
    '{type: redis, redis: {address: "127.0.0.1:6379", key_prefix: "a b"}}',
    'redis.key_prefix: is not a prefix of printable characters',
  ],
  ['another store', '{type: memcached}', 'type: must be memory or redis'],
] as const) {
  test(`a token store with ${title} is refused`, () => {
    const loaded = load(store);
    assert.ok(!loaded.ok);
    assert.deepEqual(
      loaded.diagnostics.map(({ path, message }) => `${path}: ${message}`),
      [`egress.token_store.${expected}`],
    );
  });
}

test('Redis on this machine, and elsewhere by TLS; its password is shown to nobody', () => {
  for (const [address, tls] of [
    ['127.0.0.1:6379', 'false'],
    ['cache.example:6379', 'true'],
  ] as const) {
    const loaded = load(`{type: redis, redis: {address: "${address}", tls: ${tls}, password: "\${S}", db: 3}}`);
    assert.ok(loaded.ok, JSON.stringify(loaded));
    const { redis } = loaded.config.egress.token_store;
    assert.deepEqual([redis?.db, redis?.key_prefix, redis?.password?.reveal()], [3, 'egress:tokens:', 's3cret']);
    assert.ok(!JSON.stringify(loaded.config).includes('s3cret'));
  }
});
