/** Corpus I, 203: what the introspection and revocation endpoints tell, and to whom, over real sockets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { endpointUrl, startIdentityProvider, type TestIdentityProvider } from '../support/identity-provider.ts';
import { audienceMapper, ORDER_SECRET, servicesRealm, usersRealm } from '../support/realms.ts';
import { createSigningKey, mint } from '../support/tokens.ts';

const DATA = { id: 'data-service', secret: 'canary-data' };
const ORDER = { id: 'order-service', secret: ORDER_SECRET };
const OTHER = { id: 'other-service', secret: 'canary-other' };
const ISSUER = 'https://keycloak.example.com/realms/services';
const realms = [
  servicesRealm(
    {
      clientId: OTHER.id,
      secret: OTHER.secret,
      serviceAccountsEnabled: true,
      protocolMappers: [audienceMapper('other-api')],
    },
    { clientId: 'public-app', publicClient: true },
    {
      clientId: 'both',
      secret: 'canary-both',
      serviceAccountsEnabled: true,
      protocolMappers: ['data-service', 'other-service'].map(audienceMapper),
    },
  ),
  usersRealm(),
].map((realm) => ({
  ...realm,
  clients: (realm.clients ?? []).map((client) =>
    client.clientId === DATA.id ? { ...client, secret: DATA.secret } : client,
  ),
}));

interface Asking {
  readonly id: string;
  readonly secret?: string;
}

async function tokenOf(provider: TestIdentityProvider, client: Asking = ORDER): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client.id,
    client_secret: client.secret ?? '',
  });
  const answer = await fetch(endpointUrl(provider, 'services', 'token'), { method: 'POST', body });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  assert.ok(token, `${answer.status}`);
  return token;
}

async function post(
  provider: TestIdentityProvider,
  endpoint: 'token/introspect' | 'revoke',
  {
    client,
    realm = 'services',
    ...parameters
  }: { client: Asking; realm?: string; token?: string; token_type_hint?: string },
) {
  const { id, secret } = client;
  const credentials = { client_id: id, ...(secret === undefined ? {} : { client_secret: secret }) };
  const answer = await fetch(endpointUrl(provider, realm, endpoint), {
    method: 'POST',
    body: new URLSearchParams({ ...credentials, ...parameters }),
  });
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Record<string, unknown> };
}

describe('introspection', () => {
  test('C-203 a client that is not the audience learns nothing of a token, not even the one that has it; the audience does', async () => {
    await using provider = await startIdentityProvider({ realms });
    const token = await tokenOf(provider);
    for (const client of [OTHER, ORDER, { id: 'both', secret: 'canary-both' }]) {
      const { status, body } = await post(provider, 'token/introspect', { client, token });
      assert.deepEqual([status, body], [200, { active: false }], client.id);
    }
    const { status, body, headers } = await post(provider, 'token/introspect', { client: DATA, token });
    assert.equal(status, 200);
    assert.equal(headers.get('cache-control'), 'no-store');
    const { active, iss, aud, client_id, sub, token_type, scope, username, exp, iat, jti } = body;
    assert.deepEqual(
      { active, iss, aud, client_id, sub, token_type, scope, username },
      {
        active: true,
        iss: ISSUER,
        aud: 'data-service',
        client_id: 'order-service',
        sub: 'id-of-order-service',
        token_type: 'Bearer',
        scope: 'data-service:read',
        username: 'service-account-order-service',
      },
    );
    assert.ok(typeof exp === 'number' && typeof iat === 'number' && exp - iat === 300);
    assert.match(String(jti), /^[\da-f-]{36}$/);
  });

  test('C-203 each of several audiences learns of a token, a client whose id only begins like one does not', async () => {
    await using provider = await startIdentityProvider({
      realms: [
        servicesRealm(
          {
            clientId: 'both',
            secret: 'canary-both',
            serviceAccountsEnabled: true,
            protocolMappers: ['other-service', 'data-service'].map(audienceMapper),
          },
          { clientId: OTHER.id, secret: OTHER.secret },
          { clientId: 'other-service-2', secret: 'canary-2' },
          { clientId: 'data', secret: 'canary-3' },
        ),
      ],
    });
    const token = await tokenOf(provider, { id: 'both', secret: 'canary-both' });
    assert.equal((await post(provider, 'token/introspect', { client: OTHER, token })).body['active'], true);
    for (const client of [
      { id: 'other-service-2', secret: 'canary-2' },
      { id: 'data', secret: 'canary-3' },
    ]) {
      assert.deepEqual((await post(provider, 'token/introspect', { client, token })).body, { active: false });
    }
  });

  test('C-203 whatever is no good token is inactive, and nobody is told why', async () => {
    let ahead = 0;
    await using provider = await startIdentityProvider({
      realms,
      clock: { now: () => Date.now() + ahead, monotonic: () => performance.now() },
    });
    const token = await tokenOf(provider);
    const [header = '', payload = '', signature = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const foreign = createSigningKey('ES256', 'foreign');
    const bad: Readonly<Record<string, string>> = {
      'no token': 'hello',
      'two segments': `${header}.${payload}`,
      'another payload': `${header}.${Buffer.from(JSON.stringify({ ...claims, sub: 'root' })).toString('base64url')}.${signature}`,
      'signed by another key': mint(claims, { key: foreign }),
      unsigned: mint(claims, { key: foreign, header: { alg: 'none' }, sign: () => Buffer.from('x') }),
      'longer than a token may be': `${token}${'A'.repeat(9_000)}`,
    };
    for (const [title, hostile] of Object.entries(bad)) {
      const { status, body } = await post(provider, 'token/introspect', { client: DATA, token: hostile });
      assert.deepEqual([status, body], [200, { active: false }], title);
    }
    assert.equal((await post(provider, 'token/introspect', { client: DATA, token })).body['active'], true);
    ahead = 300_000;
    assert.deepEqual((await post(provider, 'token/introspect', { client: DATA, token })).body, { active: false });
  });

  test('a token of another realm is inactive there, even for a client of the same name', async () => {
    const clients = [{ clientId: DATA.id, secret: DATA.secret }];
    await using provider = await startIdentityProvider({
      realms: [...realms.slice(0, 1), { realm: 'other', clients }],
    });
    const token = await tokenOf(provider);
    const there = await post(provider, 'token/introspect', { client: DATA, token, realm: 'other' });
    assert.deepEqual([there.status, there.body], [200, { active: false }]);
    assert.equal((await post(provider, 'token/introspect', { client: DATA, token })).body['active'], true);
  });

  for (const endpoint of ['token/introspect', 'revoke'] as const) {
    test(`RFC 7662, RFC 7009: ${endpoint} refuses who does not prove a client, what names no token, and more than twenty guesses`, async () => {
      await using provider = await startIdentityProvider({ realms });
      const token = await tokenOf(provider);
      const url = endpointUrl(provider, 'services', endpoint);
      const form = { client_id: ORDER.id, client_secret: ORDER.secret, token };
      const rows: readonly (readonly [number, string, string, RequestInit])[] = [
        [401, 'invalid_client', 'a wrong secret', { body: new URLSearchParams({ ...form, client_secret: 'wrong' }) }],
        [401, 'invalid_client', 'an unknown client', { body: new URLSearchParams({ ...form, client_id: 'nobody' }) }],
        [401, 'invalid_client', 'no client', { body: new URLSearchParams({ token }) }],
        [400, 'invalid_request', 'no token', { body: new URLSearchParams({ ...form, token: '' }) }],
        [
          400,
          'invalid_request',
          'JSON',
          { body: JSON.stringify(form), headers: { 'content-type': 'application/json' } },
        ],
        [
          400,
          'invalid_request',
          'a repeated parameter',
          { body: new URLSearchParams([...Object.entries(form), ['token', 'x']]) },
        ],
        [413, 'invalid_request', 'a large body', { body: new URLSearchParams({ ...form, more: 'x'.repeat(70_000) }) }],
      ];
      for (const [status, error, title, init] of rows) {
        const answer = await fetch(url, { method: 'POST', ...init });
        const body = (await answer.json()) as Record<string, unknown>;
        assert.deepEqual([answer.status, body['error'], body['active']], [status, error, undefined], title);
        assert.equal(answer.headers.get('cache-control'), 'no-store');
      }
      const inQuery = await fetch(`${url}?token=${token}`, { method: 'POST', body: new URLSearchParams(form) });
      assert.equal(inQuery.status, 400);
      const got = await fetch(url);
      assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST']);
      const guess = () => post(provider, endpoint, { client: { id: OTHER.id, secret: 'guess' }, token });
      for (let count = 0; count < 20; count += 1) assert.equal((await guess()).status, 401);
      const limited = await guess();
      assert.equal(limited.status, 429);
      assert.ok(Number(limited.headers.get('retry-after')) > 0);
      const log = JSON.stringify([...provider.clientEvents]);
      assert.ok(!log.includes(token) && !log.includes(ORDER.secret) && log.includes('wrong client secret'), log);
    });
  }

  test('a public client may not introspect, for it proves nothing', async () => {
    await using provider = await startIdentityProvider({ realms });
    const token = await tokenOf(provider);
    const { status, body } = await post(provider, 'token/introspect', { client: { id: 'public-app' }, token });
    assert.deepEqual([status, body['error']], [401, 'invalid_client']);
  });
});

describe('RFC 7009 revocation', () => {
  test('a token that its client takes back is inactive from then on, and another one of it is not', async () => {
    await using provider = await startIdentityProvider({ realms });
    const [token, another] = [await tokenOf(provider), await tokenOf(provider)];
    for (const _again of [1, 2]) {
      const { status, body } = await post(provider, 'revoke', {
        client: ORDER,
        token,
        token_type_hint: 'access_token',
      });
      assert.deepEqual([status, body], [200, {}]);
    }
    assert.deepEqual((await post(provider, 'token/introspect', { client: DATA, token })).body, { active: false });
    assert.equal((await post(provider, 'token/introspect', { client: DATA, token: another })).body['active'], true);
    assert.deepEqual(
      provider.clientEvents.map(({ event, decision, kind, client }) => [event, decision, kind, client]),
      [1, 2].map(() => ['revocation', 'revoked', 'jti', 'order-service']),
    );
  });

  test('a client does not take back the token of another one, not even one that is for it', async () => {
    await using provider = await startIdentityProvider({ realms });
    const token = await tokenOf(provider, { id: 'both', secret: 'canary-both' });
    for (const client of [ORDER, OTHER]) {
      const { status, body } = await post(provider, 'revoke', { client, token });
      assert.deepEqual([status, body['error']], [400, 'invalid_grant'], client.id);
    }
    const { status, body } = await post(provider, 'revoke', { client: DATA, token });
    assert.deepEqual([status, body['error']], [401, 'invalid_client'], 'a service that asks for no tokens has none');
    assert.equal((await post(provider, 'token/introspect', { client: DATA, token })).body['active'], true);
  });

  test('what is no token that counts is answered like one that was taken back', async () => {
    await using provider = await startIdentityProvider({ realms });
    const claims = {
      iss: ISSUER,
      sub: 'x',
      aud: 'data-service',
      client_id: 'order-service',
      exp: 9_999_999_999,
      jti: 'mine',
    };
    for (const token of ['hello', 'a.b.c', mint(claims, { key: createSigningKey('ES256', 'foreign') })]) {
      const { status, body } = await post(provider, 'revoke', { client: ORDER, token });
      assert.deepEqual([status, body], [200, {}], token);
    }
    assert.deepEqual(provider.clientEvents, []);
  });
});
