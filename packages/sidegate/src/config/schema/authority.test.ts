import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderDiagnostic } from '../diagnostic.ts';
import { loadAuthorityConfig } from '../load.ts';

const env = { KEY: 'A'.repeat(43), DB: 'postgres://sidegate@127.0.0.1/sidegate', NONCES: 'n'.repeat(32) };
const load = (store: string, dpop: string) =>
  loadAuthorityConfig(
    `base_url: "http://127.0.0.1:1"
realms: [r.json]
signing: { encryption_key: "\${KEY}" }
store: ${store}
dpop: ${dpop}
`,
    { file: 'authority.yaml', env, readFile: String },
  );

test('replicas that ask for nonces and do not know each other’s are refused', () => {
  const loaded = load('{ type: postgres, url: "${DB}" }', '{ require_nonce: true }');
  assert.ok(!loaded.ok);
  assert.deepEqual(loaded.diagnostics.map(renderDiagnostic), [
    'authority.yaml:5:1: error: dpop.nonce_secret: is required (all replicas on one PostgreSQL need the same; openssl rand -base64 32)',
  ]);
});

for (const [title, store, dpop] of [
  [
    'replicas with one secret',
    '{ type: postgres, url: "${DB}" }',
    '{ require_nonce: true, nonce_secret: "${NONCES}" }',
  ],
  ['replicas that ask for none', '{ type: postgres, url: "${DB}" }', '{}'],
  ['one process, which knows its own', '{ type: sqlite, file: /a.db }', '{ require_nonce: true }'],
] as const) {
  test(`nonces of ${title} are accepted`, () => {
    const loaded = load(store, dpop);
    assert.deepEqual(loaded.ok ? [] : loaded.diagnostics.map(renderDiagnostic), []);
  });
}

for (const [replay, expected] of [
  ['{ type: redis }', 'replay.redis: is required (set redis.address)'],
  ['{ redis: { address: "127.0.0.1:6379" } }', 'replay.redis: is not used (set type to redis, or remove it)'],
  [
    '{ type: redis, redis: { address: "redis.example.org:6379" } }',
    'replay.redis.tls: must be true (redis.address is another machine)',
  ],
] as const) {
  test(`a memory for what is used once of ${replay} is refused`, () => {
    const loaded = load('{ file: /a.db }', `{}\nreplay: ${replay}`);
    assert.ok(!loaded.ok);
    assert.deepEqual(
      loaded.diagnostics.map((each) => renderDiagnostic(each).replace(/^\S+ error: /, '')),
      [expected],
    );
  });
}
