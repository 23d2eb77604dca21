import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSidecarConfig } from '../load.ts';

const load = (dpop: string) =>
  loadSidecarConfig(`service: {name: test}\nproxy: {auth: {dpop: ${dpop}}}`, {
    file: 'a.yaml',
    env: { S: 's3cret-s3cret-s3cret-s3cret-s3cret', SHORT: 'short' },
    readFile: String,
  });

const ORIGINS = 'origins: ["https://api.example.com"]';

for (const [title, dpop, expected] of [
  ['without an address of its own', '{enabled: true}', 'origins: is empty'],
  [
    'with an address that has a path',
    '{enabled: true, origins: ["https://api.example.com/v1"]}',
    'origins[0]: is not an https origin: scheme, host and port, no path',
  ],
  [
    'with an address in clear text',
    '{enabled: true, origins: ["http://api.example.com"]}',
    'origins[0]: is not an https origin: scheme, host and port, no path',
  ],
  ['with proofs of yesterday', `{enabled: true, ${ORIGINS}, max_age: 24h}`, 'max_age: must be between 1s and 10m'],
  [
    'with a short secret',
    `{enabled: true, ${ORIGINS}, nonce_secret: "\${SHORT}"}`,
    'nonce_secret: has less than 32 characters',
  ],
  ['with a store of Redis without one', `{${ORIGINS}, replay_store: {type: redis}}`, 'replay_store.redis: is required'],
  ['with an unknown key', '{nonce: true}', 'nonce: is an unknown key'],
] as const) {
  test(`DPoP ${title} is refused`, () => {
    const loaded = load(dpop);
    assert.ok(!loaded.ok);
    const [{ path, message } = { path: '', message: '' }] = loaded.diagnostics;
    assert.equal(`${path}: ${message}`, `proxy.auth.dpop.${expected}`);
  });
}

test('DPoP is off unless it is asked for; its secret is shown to nobody', () => {
  const off = load('{}');
  assert.ok(off.ok && !off.config.proxy.auth.dpop.enabled);
  const on = load(`{enabled: true, ${ORIGINS}, require_nonce: true, nonce_secret: "\${S}"}`);
  assert.ok(on.ok, JSON.stringify(on));
  const { dpop } = on.config.proxy.auth;
  assert.deepEqual([dpop.max_age, dpop.replay_store.max_entries], [60_000, 1_000_000]);
  assert.ok(!JSON.stringify(on.config).includes('s3cret'));
});
