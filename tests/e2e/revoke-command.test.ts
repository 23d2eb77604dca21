/** `sidegate revoke` against `sidegate authority`, both as their own processes. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { authorityFolder } from '../support/authority.ts';
import type { IssuerProcess } from '../support/issuer-process.ts';
import { ORDER_SECRET, servicesRealm } from '../support/realms.ts';

const DATA = { client_id: 'data-service', client_secret: 'canary-data' };
const realms = [
  servicesRealm({ clientId: 'operations', secret: 'canary-operations', serviceAccountsEnabled: true }),
].map((realm) => ({
  ...realm,
  clients: (realm.clients ?? []).map((client) =>
    client.clientId === DATA.client_id ? { ...client, secret: DATA.client_secret } : client,
  ),
}));
const endpoint = (authority: IssuerProcess, name: string) =>
  `${authority.url}/realms/services/protocol/openid-connect/${name}`;

async function post(url: string, parameters: Readonly<Record<string, string>>) {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(parameters) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

const requestToken = (authority: IssuerProcess) =>
  post(endpoint(authority, 'token'), {
    grant_type: 'client_credentials',
    client_id: 'order-service',
    client_secret: ORDER_SECRET,
  });
const isActive = async (authority: IssuerProcess, token: string) =>
  (await post(endpoint(authority, 'token/introspect'), { ...DATA, token })).body['active'];

test('S2-38 an authority that is killed right after it has revoked has not forgotten it, and a disabled client gets no token from then on', async () => {
  await using folder = await authorityFolder({ realms, more: 'administrators: { clients: [operations] }' });
  await writeFile(folder.at('secret'), 'canary-operations\n', { mode: 0o600 });
  const revoke = async (authority: IssuerProcess, ...args: readonly string[]) => {
    const realm = `${authority.url}/realms/services`;
    const by = ['--client-id', 'operations', '--client-secret-file', folder.at('secret')];
    return folder.run('revoke', '--realm', realm, ...by, ...args);
  };
  let authority = await folder.start();
  const tokens = [];
  for (let count = 0; count < 3; count += 1) tokens.push(String((await requestToken(authority)).body['access_token']));
  const [first = '', second = '', third = ''] = tokens;
  await writeFile(folder.at('token'), first);

  const wrong = await revoke(authority, '--client', 'order-service', '--jti', 'x');
  assert.deepEqual([wrong.code, wrong.stdout], [1, '']);
  assert.match(wrong.stderr, /name one of token, jti, client, subject, spiffe_id/);
  const nobody = await folder.run('revoke', '--realm', `${authority.url}/realms/services`, '--client', 'order-service');
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /invalid_client/);
  assert.equal(await isActive(authority, first), true);

  const done = await revoke(authority, '--token', folder.at('token'));
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(Object.keys(JSON.parse(done.stdout) as object), ['revoked']);
  await authority.kill();
  authority = await folder.start();
  assert.deepEqual(
    [await isActive(authority, first), await isActive(authority, second), await isActive(authority, third)],
    [false, true, true],
  );

  assert.equal((await revoke(authority, '--client', 'order-service')).code, 0);
  await authority.kill();
  authority = await folder.start();
  assert.deepEqual([await isActive(authority, second), await isActive(authority, third)], [false, false]);
  const refused = await requestToken(authority);
  assert.deepEqual([refused.status, refused.body['error']], [401, 'invalid_client']);

  assert.equal((await revoke(authority, '--client', 'order-service', '--lift')).code, 0);
  assert.equal((await requestToken(authority)).status, 200);
  assert.deepEqual([await isActive(authority, first), await isActive(authority, second)], [false, true]);
  await authority.end();
  const output = authority.stdout() + authority.stderr();
  assert.ok(!tokens.some((token) => output.includes(token)) && !output.includes('canary'), output);
});

test('a wrong command line of revoke is 64, a file that cannot be read 78', async () => {
  await using folder = await authorityFolder();
  const realm = 'https://authority.example.com/realms/services';
  for (const args of [[], ['--realm', 'authority.example.com'], ['--realm', realm, '--for', 'soon']]) {
    assert.equal((await folder.run('revoke', ...args)).code, 64, args.join(' '));
  }
  const missing = await folder.run('revoke', '--realm', realm, '--token', folder.at('missing'));
  assert.equal(missing.code, 78);
  assert.match(missing.stderr, /missing: error: cannot be read \(ENOENT\)/);
});
