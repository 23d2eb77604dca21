/** Tokens of a registration: asked for once, for each audience and set of scopes, and never where nobody may see them. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { startCalledService } from '../../../../tests/support/called-service.ts';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { startTokenEndpoint } from '../../../../tests/support/token-endpoint.ts';
import { until } from '../../../../tests/support/until.ts';
import { Problem } from '../problem.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { identityFromPem, type OAuthClientOptions, oauthClient, runWithContext, serviceClient } from './index.ts';

const SECRET = 'canary-client-secret';
const authentication = { method: 'client_secret_post', secret: { reveal: () => SECRET } } as const;
const request = { method: 'GET', url: new URL('https://payment.internal/'), headers: {}, body: undefined } as const;

async function scene() {
  let issued = 0;
  const endpoint = await startTokenEndpoint(({ form }) => ({
    body: {
      access_token: `t${(issued += 1)}-${form.get('audience') ?? ''}`,
      token_type: 'Bearer',
      expires_in: 3600,
      scope: form.get('scope'),
    },
  }));
  const time = manualTime();
  const runtime = { ...systemRuntime(), clock: time.clock, schedule: time.schedule };
  const registration = oauthClient({ tokenUrl: endpoint.url, clientId: 'order-service-prod', authentication, runtime });
  return { endpoint, time, runtime, registration, [Symbol.asyncDispose]: () => endpoint[Symbol.asyncDispose]() };
}

const tokenOf = async (credentials: { authorize(each: typeof request): Promise<Readonly<Record<string, string>>> }) =>
  (await credentials.authorize(request))['authorization'];

describe('a registration is not made', () => {
  for (const [title, changed, reason] of [
    [
      'for a token endpoint without TLS',
      { tokenUrl: 'http://idp.internal/token' },
      /neither https nor http on a loopback host/,
    ],
    [
      'for a token endpoint with credentials',
      { tokenUrl: 'https://a:b@idp.internal/token' },
      /must not hold credentials/,
    ],
    ['for no URL', { tokenUrl: 'idp' }, /is not a URL/],
    ['with tls_client_auth and no certificate', { authentication: { method: 'tls_client_auth' } }, /needs an identity/],
  ] as const) {
    test(title, () => {
      const options = { tokenUrl: 'https://idp.internal/token', clientId: 'a', authentication, ...changed };
      assert.throws(() => oauthClient(options as OAuthClientOptions), { name: 'TypeError', message: reason });
    });
  }
});

test('S0-21 S4-005 asks for the scopes and the audience that are needed, and for no others', async () => {
  await using at = await scene();
  await tokenOf(at.registration.clientCredentials({ scopes: ['payment:charge'], audience: 'payment-service' }));
  assert.deepEqual(Object.fromEntries(at.endpoint.requests[0]?.form ?? []), {
    grant_type: 'client_credentials',
    client_id: 'order-service-prod',
    client_secret: SECRET,
    scope: 'payment:charge',
    audience: 'payment-service',
  });
});

describe('a token is cached', () => {
  test('S0-25 S0-27 for each audience and set of scopes, in any order, and asked for once however many wait', async () => {
    await using at = await scene();
    const { registration } = at;
    const rows = [
      { scopes: ['a', 'b'], audience: 'x' },
      { scopes: ['b', 'a', 'b'], audience: 'x' },
      { scopes: ['a', 'b'], audience: 'y' },
      { scopes: ['a'], audience: 'x' },
    ] as const;
    const credentials = rows.map((row) => registration.clientCredentials<string>(row));
    const first = await Promise.all([...credentials, ...credentials].map(tokenOf));
    assert.equal(at.endpoint.requests.length, 3);
    assert.equal(first[0], first[1]);
    assert.equal(new Set(first).size, 3);
    assert.deepEqual(rows[1].scopes, ['b', 'a', 'b']);
    assert.deepEqual(await Promise.all(credentials.map(tokenOf)), first.slice(0, 4));
    assert.equal(at.endpoint.requests.length, 3);
  });

  test('S0-26 until shortly before it ends: it is replaced before a call, and nobody waits', async () => {
    await using at = await scene();
    const credentials = at.registration.clientCredentials({ scopes: ['a'] });
    const first = await tokenOf(credentials);
    at.time.advance(3_500_000);
    assert.equal(await tokenOf(credentials), first);
    assert.equal(at.endpoint.requests.length, 1);
    at.time.advance(60_000);
    await tokenOf(credentials);
    await until(() => at.endpoint.requests.length === 2);
    at.time.advance(40_000);
    const next = await tokenOf(credentials);
    assert.notEqual(next, first);
    assert.equal(at.endpoint.requests.length, 2);
  });

  test('and asked for anew when a target refuses it, once however many were refused', async () => {
    await using at = await scene();
    await using service = await startCalledService({
      answer: ({ headers }) => ({ status: headers.authorization === 'Bearer t1-' ? 401 : 200 }),
    });
    const credentials = at.registration.clientCredentials({ scopes: ['a'] });
    const client = serviceClient({ target: service.url, credentials, development: true });
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.fetch('/')));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal(at.endpoint.requests.length, 2);
    await client.close();
  });

  test('while a target refuses every token, the issuer is spared', async () => {
    await using at = await scene();
    await using service = await startCalledService({ answer: () => ({ status: 401 }) });
    const credentials = at.registration.clientCredentials({ scopes: ['a'] });
    const client = serviceClient({ target: service.url, credentials, development: true });
    for (let call = 0; call < 5; call += 1) assert.equal((await client.fetch('/')).status, 401);
    assert.equal(at.endpoint.requests.length, 2);
    at.time.advance(5_000);
    await client.fetch('/');
    assert.equal(at.endpoint.requests.length, 3);
    await client.close();
  });

  test('by nobody after close()', async () => {
    await using at = await scene();
    const credentials = at.registration.clientCredentials({ scopes: ['a'] });
    const others = at.registration.clientCredentials({ scopes: ['a'] });
    await tokenOf(credentials);
    credentials.close();
    await assert.rejects(tokenOf(credentials), { code: 'not_ready' });
    await tokenOf(others);
    await at.registration.close();
    await assert.rejects(tokenOf(others), { code: 'not_ready' });
  });
});

test('S0-22 S0-28 an issuer that is down, refuses, answers nonsense or grants less: a typed error, and nothing is sent', async () => {
  await using service = await startCalledService();
  for (const [answer, code, reason] of [
    ['reset', 'idp_unavailable', /did not answer/],
    [{ status: 503, body: {} }, 'idp_unavailable', /answered 503/],
    [{ status: 401, body: { error: 'invalid_client', error_description: SECRET } }, 'idp_bad_response', /answered 401/],
    [{ body: 'nonsense' }, 'idp_bad_response', /not a JSON object/],
    [{ body: { access_token: 7, token_type: 'Bearer', expires_in: 3600 } }, 'idp_bad_response', /without access_token/],
    [
      { body: { access_token: 'a', token_type: 'Bearer', expires_in: 60, scope: 'other' } },
      'idp_bad_response',
      /did not grant payment:charge/,
    ],
  ] as const) {
    await using at = await scene();
    at.endpoint.answer = () => answer;
    const credentials = at.registration.clientCredentials({ scopes: ['payment:charge'] });
    const client = serviceClient({ target: service.url, credentials, development: true });
    await assert.rejects(client.json('/charge', { method: 'POST' }), (error: unknown) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.code, code);
      assert.match(error.message, reason);
      assert.ok(!error.message.includes(SECRET));
      return true;
    });
    await client.close();
  }
  assert.equal(service.calls.length, 0);
});

describe('token exchange', () => {
  test('S0-24 each user gets a token of its own, and the token that was received reaches the issuer alone', async () => {
    await using at = await scene();
    at.endpoint.answer = ({ form }) => ({
      body: {
        access_token: `for-${form.get('subject_token')?.slice(-4)}`,
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 300,
      },
    });
    await using service = await startCalledService();
    const credentials = at.registration.tokenExchange({ scopes: ['payment:charge'], audience: 'payment-service' });
    const client = serviceClient({ target: service.url, credentials, development: true });
    await assert.rejects(client.fetch('/'), { code: 'token_missing' });
    const as = (user: string) => runWithContext({ subjectToken: `token-of-${user}` }, () => client.fetch(`/${user}`));
    await Promise.all([as('anna'), as('bert'), as('anna')]);
    assert.equal(at.endpoint.requests.length, 2);
    for (const { target, headers } of service.calls)
      assert.equal(headers.authorization, `Bearer for-${target.slice(1)}`);
    assert.equal(service.calls.length, 3);
    await client.close();
  });
});

test('a signed assertion proves the client, and no secret is there', async () => {
  await using at = await scene();
  const { privateKey: key } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const registration = oauthClient({
    tokenUrl: at.endpoint.url,
    clientId: 'signer',
    authentication: {
      method: 'private_key_jwt',
      key,
      algorithm: 'ES256',
      keyId: 'k1',
      audience: 'https://idp',
      newId: () => crypto.randomUUID(),
    },
    runtime: at.runtime,
  });
  await tokenOf(registration.clientCredentials({ scopes: ['a'] }));
  const form = at.endpoint.requests[0]?.form;
  assert.equal(form?.get('client_secret'), null);
  assert.equal(form?.get('client_assertion')?.split('.').length, 3);
});

test('S0-01 tls_client_auth shows the certificate to the issuer, and the next certificate gets its own token', async () => {
  const ca = createTestAuthority('internal-CA');
  const server = ca.issue({ eku: ['serverAuth'], dns: ['localhost'] });
  const pem = ['first', 'second'].map((CN) => {
    const { certPem: cert, keyPem: key } = ca.issue({ subject: [{ CN }] });
    return { cert, key, ca: ca.certPem };
  });
  let shown = 0;
  const identity = { current: () => Promise.resolve(pem[shown] ?? assert.fail()) };
  await using issuer = await startCalledService({
    tls: { cert: server.certPem, key: server.keyPem, ca: ca.certPem, requestCert: true, rejectUnauthorized: true },
    answer: ({ caller }) => ({ body: { access_token: `bound-to-${caller}`, token_type: 'Bearer', expires_in: 300 } }),
  });
  const registration = oauthClient({
    tokenUrl: `${issuer.url}/token`,
    clientId: 'order-service',
    authentication: { method: 'tls_client_auth' },
    identity,
  });
  const credentials = registration.clientCredentials({ scopes: ['a'] });
  assert.equal(await tokenOf(credentials), 'Bearer bound-to-first');
  assert.equal(await tokenOf(credentials), 'Bearer bound-to-first');
  shown = 1;
  assert.equal(await tokenOf(credentials), 'Bearer bound-to-second');
  assert.equal(issuer.calls.length, 2);
  assert.equal(issuer.calls[0]?.body.includes('client_secret'), false);
  await registration.close();
  assert.doesNotThrow(() => identityFromPem(pem[0] ?? assert.fail()));
});
