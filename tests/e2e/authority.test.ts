/** `sidegate authority` and the commands on its store, as their own processes. */
import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { readYaml } from '../../packages/sidegate/src/config/yaml-source.ts';
import { authorityFolder } from '../support/authority.ts';
import type { IssuerProcess } from '../support/issuer-process.ts';
import { ORDER_SECRET } from '../support/realms.ts';
import { until } from '../support/until.ts';

const realmUrl = (authority: IssuerProcess) => `${authority.url}/realms/services/protocol/openid-connect`;

async function requestToken(
  authority: IssuerProcess,
  secret = ORDER_SECRET,
): Promise<{ status: number; token: string }> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'order-service',
    client_secret: secret,
  });
  const response = await fetch(`${realmUrl(authority)}/token`, { method: 'POST', body });
  const { access_token: token = '' } = (await response.json()) as { access_token?: string };
  return { status: response.status, token };
}

async function publishedKeys(authority: IssuerProcess): Promise<JSONWebKeySet> {
  return (await (await fetch(`${realmUrl(authority)}/certs`)).json()) as JSONWebKeySet;
}

const verifies = async (authority: IssuerProcess, token: string): Promise<boolean> =>
  jwtVerify(token, createLocalJWKSet(await publishedKeys(authority))).then(
    () => true,
    () => false,
  );

for (const [title, settings, finding] of [
  [
    'without a key to encrypt keys under',
    { encryptionKey: 'too short' },
    /signing\.encryption_key: is not 32 bytes in base64/,
  ],
  [
    'with a store that is nowhere',
    { store: 'file: missing/authority.db' },
    /store: .+missing\/authority\.db cannot be opened/,
  ],
  [
    'with PostgreSQL and a file',
    { store: 'type: postgres, file: authority.db' },
    /store\.file: is not used with type postgres/,
  ],
  [
    'with a key that signs before it is known',
    { signing: 'rotate_every: 10s, publish_before: 10s' },
    /publish_before: is not shorter/,
  ],
] as const) {
  test(`an authority ${title} does not start, and says why`, async () => {
    await using folder = await authorityFolder(settings);
    await using refused = await folder.start();
    assert.equal(await refused.end(), 78);
    assert.match(refused.stderr(), finding);
    assert.doesNotMatch(refused.stderr(), /too short/);
  });
}

test('tokens and keys survive kill -9, and private keys are in no file in clear', async () => {
  await using folder = await authorityFolder();
  await using first = await folder.start();
  const { token } = await requestToken(first);
  await first.kill();

  await using second = await folder.start();
  assert.ok(await verifies(second, token));
  const { token: later } = await requestToken(second);
  assert.equal(decodeProtectedHeader(later).kid, decodeProtectedHeader(token).kid);
  assert.equal(await second.end(), 0);
  for (const file of ['authority.db', 'authority.db-wal']) {
    const bytes = await readFile(folder.at(file)).catch(() => Buffer.alloc(0));
    assert.doesNotMatch(bytes.toString('latin1'), /PRIVATE KEY|"d":/);
  }
});

test('a store sealed under another key stops the start and names the key by its id', async () => {
  await using folder = await authorityFolder();
  await using first = await folder.start();
  assert.equal(await first.end(), 0);
  await writeFile(folder.at('sealing.key'), Buffer.alloc(32, 7).toString('base64'));
  await chmod(folder.at('sealing.key'), 0o600);
  await using second = await folder.start();
  assert.equal(await second.end(), 78);
  assert.match(second.stderr(), /was sealed under the key [0-9a-f]{8}, which is not configured/);
});

test('S4-101 a dry run of a rotation says what it would do, and does nothing', async () => {
  await using folder = await authorityFolder({ signing: 'algorithms: [ES256], publish_before: 1h' });
  await using authority = await folder.start();
  const { token } = await requestToken(authority);
  const keys = async () => (await folder.command('keys', 'list', '--json')).stdout;
  const before = await keys();
  const soon = await folder.command('keys', 'rotate', '--dry-run', '--json');
  const [planned] = (JSON.parse(soon.stdout) as { keys: { kid: unknown; state: string; signs_from: string }[] }).keys;
  assert.deepEqual([soon.code, planned?.kid, planned?.state], [0, null, 'next']);
  assert.ok(Date.parse(planned?.signs_from ?? '') > Date.now() + 3_500_000);
  const now = await folder.command('keys', 'rotate', '--dry-run', '--now');
  assert.match(now.stdout, /^services ES256 current {2}signs from \S+ not made yet\n$/);
  assert.equal(await keys(), before);
  assert.equal(decodeProtectedHeader((await requestToken(authority)).token).kid, decodeProtectedHeader(token).kid);
});

test('S4-095 keys rotate publishes the next key, which signs later; tokens of both verify', async () => {
  await using folder = await authorityFolder({ signing: 'algorithms: [ES256], publish_before: 2s' });
  await using authority = await folder.start();
  const { token: before } = await requestToken(authority);
  const rotated = await folder.command('keys', 'rotate', '--json');
  assert.equal(rotated.code, 0, rotated.stderr);
  const [next] = (JSON.parse(rotated.stdout) as { keys: { kid: string; state: string }[] }).keys;
  assert.equal(next?.state, 'next');
  await until(async () => (await publishedKeys(authority)).keys.some(({ kid }) => kid === next.kid));
  await until(async () => decodeProtectedHeader((await requestToken(authority)).token).kid === next.kid, 10_000);
  assert.ok(await verifies(authority, before));
  assert.ok((await publishedKeys(authority)).keys.every((key) => !('d' in key)));
  const listed = await folder.command('keys', 'list');
  assert.match(listed.stdout, /^services ES256 retiring signs from .+\nservices ES256 current {2}signs from /);
});

test('a retired key takes its tokens along, and an unknown one is refused with what to do', async () => {
  await using folder = await authorityFolder({ signing: 'algorithms: [ES256], publish_before: 2s' });
  await using authority = await folder.start();
  const { token } = await requestToken(authority);
  const unknown = await folder.command('keys', 'retire', 'no-such-key');
  assert.deepEqual(
    [unknown.code, unknown.stderr],
    [1, 'there is no key no-such-key; sidegate keys list shows those that there are\n'],
  );
  const { kid = '' } = decodeProtectedHeader(token);
  assert.equal((await folder.command('keys', 'retire', kid)).code, 0);
  await until(async () => !(await verifies(authority, token)));
  const { token: next } = await requestToken(authority);
  assert.ok(await verifies(authority, next));
});

test('S2-35 a rotated client secret works at once beside the old one, a third ends the first', async () => {
  await using folder = await authorityFolder();
  await using authority = await folder.start();
  const rotate = async (...more: string[]) => {
    const { code, stdout, stderr } = await folder.command(
      'clients',
      'rotate-secret',
      'services',
      'order-service',
      ...more,
    );
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const first = await rotate();
  const second = await rotate();
  const statuses = async (...secrets: string[]) =>
    Promise.all(secrets.map(async (secret) => (await requestToken(authority, secret)).status));
  assert.deepEqual(await statuses(first, second, 'wrong'), [200, 200, 401]);
  const third = await rotate('--overlap', '0s');
  assert.deepEqual(await statuses(first, second, third), [401, 401, 200]);
  const listed = await folder.command('clients', 'secrets');
  assert.match(listed.stdout, /^services order-service since \S+ until it is rotated\n$/);
  assert.equal((await folder.command('clients', 'revoke-secrets', 'services', 'order-service')).code, 0);
  assert.deepEqual(await statuses(third), [401]);
  const stored = (await readFile(folder.at('authority.db'))).toString('latin1');
  for (const secret of [first, second, third]) assert.ok(!stored.includes(secret));
  const unknown = await folder.command('clients', 'rotate-secret', 'services', 'nobody');
  assert.deepEqual(
    [unknown.code, unknown.stderr],
    [1, 'the realm services has no client nobody; add it to its file first\n'],
  );
});

test('S4-091 inventory names what runs, and exits 1 for what needs somebody', async () => {
  const inventory =
    'inventory: { secrets: [{ name: orders-db, kind: database_password, rotated: 2020-01-01 }, { name: mail, kind: api_key, rotated: 2999-01-01 }] }';
  await using folder = await authorityFolder({ more: inventory });
  await using authority = await folder.start();
  await folder.command('clients', 'rotate-secret', 'services', 'order-service');
  const { kid = '' } = decodeProtectedHeader((await requestToken(authority)).token);
  const all = await folder.command('inventory', '--json');
  assert.equal(all.code, 0, all.stderr);
  const { items } = JSON.parse(all.stdout) as { items: { kind: string; name: string }[] };
  for (const [kind, name] of [
    ['client', 'order-service'],
    ['client_secret', 'order-service'],
    ['signing_key', kid],
    ['api_key', 'mail'],
  ]) {
    assert.ok(
      items.some((item) => item.kind === kind && item.name === name),
      `${kind} ${name}`,
    );
  }
  const expiring = await folder.command('inventory', '--expiring', '30d');
  assert.equal(expiring.code, 1);
  assert.match(
    expiring.stdout,
    /^database_password orders-db: since 2020-01-01T.+, is older than 90 days; rotate it\n$/,
  );
});

test('the admin listener tells whether tokens can be issued, and all that the alerts watch', async () => {
  await using folder = await authorityFolder({ more: 'admin: { addr: 127.0.0.1:0 }' });
  await using authority = await folder.start();
  await requestToken(authority);
  await requestToken(authority, 'wrong');
  await until(() => authority.stdout().includes('admin_listening'));
  const [, port] = /"admin_listening","port":(\d+)/.exec(authority.stdout()) ?? [];
  const ready = await fetch(`http://127.0.0.1:${port}/ready`);
  assert.deepEqual([ready.status, await ready.json()], [200, { status: 'ready', reasons: [] }]);
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(metrics, /sidegate_authority_tokens_total\{realm="services",decision="issued",error=""\} 1/);
  assert.match(
    metrics,
    /sidegate_authority_tokens_total\{realm="services",decision="refused",error="invalid_client"\} 1/,
  );
  const rules = await readFile(new URL('../../deploy/alerts/authority.yaml', import.meta.url), 'utf8');
  const watched = new Set(rules.match(/\bsidegate_authority_\w+/g));
  assert.ok(watched.size >= 6);
  for (const name of watched) assert.match(metrics, new RegExp(`^${name}[ {]`, 'm'));
  assert.deepEqual(readYaml(rules, 'authority.yaml').diagnostics, []);
});
