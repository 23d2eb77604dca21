import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { requestToken, startIdentityProvider, systemClock } from '../../../../../tests/support/identity-provider.ts';
import { ISSUER_REALMS, ORDER_SECRET, servicesRealm } from '../../../../../tests/support/realms.ts';
import {
  basic,
  johnLogin,
  orderBasic,
  orderService,
  sendTokenRequest,
  type TokenRequestRow,
} from '../../../../../tests/support/token-request.ts';
import { until } from '../../../../../tests/support/until.ts';

interface IssuedRow extends TokenRequestRow {
  readonly scope?: string;
  readonly audience: string | readonly string[];
}

const ISSUED: readonly IssuedRow[] = [
  {
    title: 'HTTP Basic',
    authorization: orderBasic,
    body: 'grant_type=client_credentials',
    scope: 'data-service:read',
    audience: 'data-service',
  },
  {
    title: 'HTTP Basic with the same client_id in the body',
    authorization: orderBasic,
    body: 'grant_type=client_credentials&client_id=order-service',
    scope: 'data-service:read',
    audience: 'data-service',
  },
  {
    title: 'HTTP Basic with form-encoded id and secret',
    authorization: basic('a%3Ab+c', 'p%2B%25%C3%A4%3A'),
    body: 'grant_type=client_credentials',
    audience: 'data-service',
  },
  {
    title: 'an optional scope instead of the default one',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:write`,
    scope: 'data-service:write',
    audience: 'data-service',
  },
  {
    title: 'two scopes, one of them twice',
    body: `grant_type=client_credentials&${orderService}&scope=data-service:write+data-service:read+data-service:write`,
    scope: 'data-service:write data-service:read',
    audience: 'data-service',
  },
  {
    title: 'an empty scope parameter as none (RFC 6749 section 3.2)',
    body: `grant_type=client_credentials&${orderService}&scope=`,
    scope: 'data-service:read',
    audience: 'data-service',
  },
  {
    title: 'a scope that shapes the token without being named',
    body: 'grant_type=client_credentials&client_id=quiet&client_secret=canary-quiet',
    audience: 'data-service',
  },
  {
    title: 'all audiences of the client when it names none',
    body: 'grant_type=client_credentials&client_id=reporting&client_secret=canary-reporting',
    audience: ['data-service', 'https://reports.example.com/api'],
  },
  {
    title: 'the one audience that the client names',
    body: 'grant_type=client_credentials&client_id=reporting&client_secret=canary-reporting&audience=data-service',
    audience: 'data-service',
  },
  {
    title: 'the one resource that the client names (RFC 8707)',
    body: 'grant_type=client_credentials&client_id=reporting&client_secret=canary-reporting&resource=https://reports.example.com/api',
    audience: 'https://reports.example.com/api',
  },
  {
    title: 'a user token for one of its audiences',
    realm: 'users',
    body: `${johnLogin}&audience=order-service`,
    audience: 'order-service',
  },
  {
    title: 'a content type with parameter',
    contentType: 'Application/X-WWW-Form-Urlencoded; charset=UTF-8',
    body: `grant_type=client_credentials&${orderService}`,
    scope: 'data-service:read',
    audience: 'data-service',
  },
];

for (const row of ISSUED) {
  test(`the token endpoint accepts ${row.title}`, async () => {
    await using provider = await startIdentityProvider({ realms: ISSUER_REALMS, algorithms: ['ES256'] });
    const response = await sendTokenRequest(provider, row);
    const answer = (await response.json()) as { access_token: string; scope?: string };
    assert.equal(response.status, 200, JSON.stringify(answer));
    const claims = JSON.parse(Buffer.from(answer.access_token.split('.')[1] ?? '', 'base64url').toString());
    assert.deepEqual([claims.aud, claims.scope, answer.scope], [row.audience, row.scope, row.scope]);
    const [event, ...more] = provider.events;
    assert.deepEqual(more, []);
    assert.deepEqual([event?.decision, event?.jti], ['issued', claims.jti]);
    assert.equal(JSON.stringify(event).includes(answer.access_token), false);
    assert.doesNotMatch(JSON.stringify(event), /canary|eyJ/);
  });
}

test('the log names clients and users that exist, and nothing that a caller made up', async () => {
  await using provider = await startIdentityProvider({ realms: ISSUER_REALMS, algorithms: ['ES256'] });
  await requestToken(provider, 'users', {
    grant_type: 'password',
    client_id: 'web-app',
    username: 'john',
    password: 'x',
  });
  await requestToken(provider, 'users', { grant_type: 'canary', client_id: 'web-app' });
  await requestToken(provider, 'users', {
    grant_type: 'password',
    client_id: 'canary',
    username: 'john',
    password: 'x',
  });
  await requestToken(provider, 'users', {
    grant_type: 'password',
    client_id: 'web-app',
    username: 'canary',
    password: 'x',
  });
  const refused = { event: 'token', realm: 'users', remote_address: '127.0.0.1', decision: 'refused' };
  assert.deepEqual(provider.events, [
    {
      ...refused,
      client: 'web-app',
      user: 'john',
      grant: 'password',
      error: 'invalid_grant',
      reason: 'wrong password',
    },
    {
      ...refused,
      client: undefined,
      user: undefined,
      grant: undefined,
      error: 'unsupported_grant_type',
      reason: 'this realm does not offer that grant',
    },
    {
      ...refused,
      client: undefined,
      user: undefined,
      grant: 'password',
      error: 'invalid_client',
      reason: 'unknown client',
    },
    {
      ...refused,
      client: 'web-app',
      user: undefined,
      grant: 'password',
      error: 'invalid_grant',
      reason: 'unknown user',
    },
  ]);
});

test('C-205 the 21st failure within a minute is answered 429, and so is the right secret then', async () => {
  let elapsedMs = 0;
  const clock = { now: () => systemClock.now(), monotonic: () => elapsedMs };
  await using provider = await startIdentityProvider({ realms: ISSUER_REALMS, algorithms: ['ES256'], clock });
  const attempt = (id: string, secret: string) =>
    requestToken(provider, 'services', { grant_type: 'client_credentials', client_id: id, client_secret: secret });
  const statuses = [];
  for (let failure = 0; failure < 20; failure += 1) statuses.push((await attempt('order-service', 'x')).status);
  assert.deepEqual([...new Set(statuses)], [401]);

  elapsedMs = 59_000;
  for (const secret of ['x', ORDER_SECRET]) {
    const response = await attempt('order-service', secret);
    assert.equal(response.status, 429);
    assert.equal(response.headers.get('retry-after'), '1');
    assert.equal(response.headers.get('cache-control'), 'no-store');
  }
  assert.equal((await attempt('api-gateway', 'x')).status, 401, 'another client is not affected');

  elapsedMs = 60_000;
  assert.equal((await attempt('order-service', ORDER_SECRET)).status, 200);
});

test('C-205 of guesses that are under way together none comes through behind 20 wrong ones', async () => {
  const waiting: (() => void)[] = [];
  const stored = { clientId: 'stored', serviceAccountsEnabled: true, defaultClientScopes: ['data-service:read'] };
  await using provider = await startIdentityProvider({
    realms: [servicesRealm(stored)],
    algorithms: ['ES256'],
    clientSecrets: {
      matches: async (_realm, _client, presented) => {
        await new Promise<void>((resolve) => waiting.push(resolve));
        return presented === 'canary-right';
      },
    },
  });
  const attempt = (client_secret: string) =>
    requestToken(provider, 'services', { grant_type: 'client_credentials', client_id: 'stored', client_secret });
  const wrong = Array.from({ length: 20 }, (_, guess) => attempt(`canary-${guess}`));
  await until(() => waiting.length === 20);
  const right = attempt('canary-right');
  await until(() => waiting.length === 21);
  for (const proceed of waiting) proceed();
  assert.equal((await right).status, 429);
  assert.deepEqual([...new Set((await Promise.all(wrong)).map(({ status }) => status))], [401]);
});

test('a failure that is ours counts against nobody', async () => {
  let fails = true;
  const stored = { clientId: 'stored', serviceAccountsEnabled: true, defaultClientScopes: ['data-service:read'] };
  await using provider = await startIdentityProvider({
    realms: [servicesRealm(stored)],
    algorithms: ['ES256'],
    clientSecrets: {
      matches: async () => {
        if (fails) throw new Error('canary: the store is gone');
        return true;
      },
    },
  });
  const form = { grant_type: 'client_credentials', client_id: 'stored', client_secret: 'x' };
  for (let attempt = 0; attempt < 25; attempt += 1) {
    const response = await requestToken(provider, 'services', form);
    assert.equal(response.status, 500);
    assert.doesNotMatch(await response.text(), /canary/);
  }
  fails = false;
  assert.equal((await requestToken(provider, 'services', form)).status, 200);
});

test('C-205 malformed requests run into the same limit', async () => {
  await using provider = await startIdentityProvider({ realms: ISSUER_REALMS, algorithms: ['ES256'] });
  const statuses = [];
  for (let failure = 0; failure < 21; failure += 1) {
    const response = await sendTokenRequest(provider, { title: '', body: '{}', contentType: 'application/json' });
    statuses.push(response.status);
  }
  assert.deepEqual([statuses.lastIndexOf(400), statuses.indexOf(429)], [19, 20]);
});

test('C-205 client ids that no client can have are not remembered one by one', async () => {
  await using provider = await startIdentityProvider({ realms: ISSUER_REALMS, algorithms: ['ES256'] });
  const statuses = [];
  for (let failure = 0; failure < 21; failure += 1) {
    const body = `grant_type=client_credentials&client_secret=x&client_id=${failure}${'x'.repeat(60_000)}`;
    statuses.push((await sendTokenRequest(provider, { title: '', body })).status);
  }
  assert.deepEqual([statuses.lastIndexOf(401), statuses.indexOf(429)], [19, 20]);
});

test('the log names a user only where one logs in', async () => {
  await using provider = await startIdentityProvider({ realms: ISSUER_REALMS, algorithms: ['ES256'] });
  const body = 'grant_type=client_credentials&client_id=batch&client_secret=canary-batch&username=john';
  await sendTokenRequest(provider, { title: '', realm: 'users', body });
  assert.deepEqual(
    provider.events.map(({ client, grant, user }) => [client, grant, user]),
    [['batch', 'client_credentials', undefined]],
  );
});

test('a secret of the store opens as the one of the realm file does, and only to its client', async () => {
  const stored = { clientId: 'stored', serviceAccountsEnabled: true, defaultClientScopes: ['data-service:read'] };
  const asked: string[] = [];
  await using provider = await startIdentityProvider({
    realms: [servicesRealm(stored)],
    algorithms: ['ES256'],
    clientSecrets: {
      matches: async (realm, clientId, presented) => {
        asked.push(clientId);
        return realm === 'services' && clientId === 'stored' && presented === 'canary-rotated';
      },
    },
  });
  const attempt = async (client_id: string, client_secret: string) => {
    const form = { grant_type: 'client_credentials', client_id, client_secret };
    return (await requestToken(provider, 'services', form)).status;
  };
  assert.equal(await attempt('stored', 'canary-other'), 401);
  assert.equal(await attempt('stored', ''), 401);
  assert.equal(await attempt('order-service', 'canary-rotated'), 401);
  assert.equal(await attempt('nobody', 'canary-rotated'), 401);
  assert.equal(await attempt('stored', 'canary-rotated'), 200);
  assert.equal(await attempt('order-service', ORDER_SECRET), 200);
  const refused = ['stored', 'stored', 'order-service', 'nobody'];
  assert.deepEqual(asked, [...refused, 'stored'], 'asked for whatever is refused, so that time tells nothing');
});

describe('S4-075 what a caller may call is listed, each target with its own token', async () => {
  const [read, create] = ['order-service:GET:/orders/:id', 'order-service:POST:/orders'] as const;
  const caller = (clientId: string, targets: readonly string[]) => ({
    clientId,
    serviceAccountsEnabled: true,
    secret: `canary-${clientId}`,
    attributes: { 'sidegate.targets': targets.join('##') },
    optionalClientScopes: ['data-service:read'],
  });
  const provider = await startIdentityProvider({
    algorithms: ['ES256'],
    realms: [servicesRealm(caller('checkout', [read, create]), caller('reports', [read]))],
  });
  after(() => provider.close());
  const ask = async (client_id: string, form: Record<string, string>) => {
    const own = { grant_type: 'client_credentials', client_id, client_secret: `canary-${client_id}` };
    const response = await requestToken(provider, 'services', { ...own, ...form });
    const body = (await response.json()) as Record<string, string>;
    const claims = JSON.parse(Buffer.from(body['access_token']?.split('.')[1] ?? 'e30', 'base64url').toString());
    return body['error'] ?? claims.aud;
  };

  for (const [title, client, form] of [
    ['none is named', 'checkout', {}],
    ['it is the target of another caller', 'reports', { audience: create }],
    ['it is the service of one of its operations', 'checkout', { audience: 'order-service' }],
    ['it is the operation with its id filled in', 'checkout', { audience: 'order-service:GET:/orders/42' }],
    ['two are named', 'checkout', { audience: `${read} ${create}` }],
    ['one is named beside a resource', 'checkout', { audience: read, resource: 'https://inventory.example.com/api' }],
    ['one is named beside itself as a resource', 'checkout', { audience: read, resource: create }],
  ] as const) {
    test(`and none when ${title}`, async () => {
      assert.equal(await ask(client, form), 'invalid_target');
    });
  }

  test('and the token has no other audience, whatever its scopes would add', async () => {
    assert.equal(await ask('checkout', { audience: read }), read);
    assert.equal(await ask('checkout', { audience: create, scope: 'data-service:read' }), create);
    assert.equal(await ask('reports', { audience: read }), read);
  });
});
