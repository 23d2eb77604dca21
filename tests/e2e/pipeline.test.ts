/** The switches of `proxy`, each both ways: who needs a token, whom the policy is asked about, what the app gets. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { valuesOf } from '../support/http-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { createSigningKey } from '../support/tokens.ts';
import type { WireRequest } from '../support/wire.ts';

const OPEN = '  authz: { enabled: false }';
const DENY_ALL = { '/etc/authz/policies/order.rego': 'package order\n\nimport rego.v1\n\ndefault allow := false\n' };
const NO_TOKEN = ['Authorization', 'Basic x'];

/** What the app got from one request that passed. */
async function passed(ingress: Ingress, request: WireRequest = {}) {
  const answer = await ingress.send(request);
  assert.equal(answer.status, 200, answer.raw);
  const seen = ingress.app.seen.at(-1);
  assert.ok(seen !== undefined);
  return { ...seen, values: (name: string) => valuesOf(seen.rawHeaders, name) };
}

describe('a token over the wire', () => {
  const now = Math.floor(Date.now() / 1000);
  const ROWS: readonly (readonly [title: string, code: ProblemCode, token: (ingress: Ingress) => string])[] = [
    ['S3-034 without exp', 'token_exp_missing', (i) => i.token({ exp: undefined })],
    ['S3-090 that has expired', 'token_expired', (i) => i.token({ iat: now - 600, exp: now - 300 })],
    [
      'S3-091 S3-147 of another realm',
      'token_issuer_mismatch',
      (i) => i.token({ iss: 'https://keycloak.example.com/realms/services' }),
    ],
    [
      'S3-091 of a realm with a final slash',
      'token_issuer_mismatch',
      (i) => i.token({ iss: 'https://keycloak.example.com/realms/users/' }),
    ],
    ['S3-092 S3-148 for another audience', 'token_aud_mismatch', (i) => i.token({ aud: 'payment-service' })],
    [
      'S3-092 for several other audiences',
      'token_aud_mismatch',
      (i) => i.token({ aud: ['api-gateway', 'order-service2'] }),
    ],
    [
      'S3-089 signed by a key that the issuer never had',
      'token_key_not_found',
      (i) => i.token({}, { key: createSigningKey('ES256', 'users-9') }),
    ],
    [
      'S3-089 signed by another key of that name',
      'token_signature_invalid',
      (i) => i.token({}, { key: createSigningKey('ES256', 'users-1') }),
    ],
  ];
  for (const [title, code, token] of ROWS) {
    test(`${title} is 401 ${code}`, async () => {
      await using ingress = await startIngress();
      const text = token(ingress);
      await ingress.refused(code, () => ingress.send({ headers: ['Authorization', `Bearer ${text}`] }), [text]);
    });
  }

  test('S3-093 for several audiences, one of them ours, is accepted', async () => {
    await using ingress = await startIngress();
    const token = ingress.token({ aud: ['api-gateway', 'order-service', 'payment-service'] });
    await passed(ingress, { headers: ['Authorization', `Bearer ${token}`] });
  });
});

describe('who needs a token', () => {
  const ROUTES = `${OPEN}
  routes:
    - { path: /public, auth_required: false }
    - { path: /private, auth_required: true }
    - { path: /default }`;

  test('S3-162 auth_required: true, and absent, refuse a request without token; false lets it pass', async () => {
    await using ingress = await startIngress({ proxy: ROUTES });
    for (const target of ['/private', '/default']) {
      await ingress.refused('token_missing', () => ingress.send({ target, headers: NO_TOKEN }));
    }
    await passed(ingress, { target: '/public', headers: NO_TOKEN });
    assert.equal(ingress.sidecar.audit.at(-1)?.['user_id'], undefined);
  });

  test('S3-162 a wrong token is refused even where none is needed, and a good one is believed', async () => {
    await using ingress = await startIngress({ proxy: ROUTES });
    const wrong = ingress.token({ aud: 'other' });
    await ingress.refused('token_aud_mismatch', () =>
      ingress.send({ target: '/public', headers: ['Authorization', `Bearer ${wrong}`] }),
    );
    await passed(ingress, { target: '/public' });
    assert.equal(ingress.sidecar.audit.at(-1)?.['user_id'], 'user-123');
  });

  test('S3-153 auth.enabled: false needs no token anywhere', async () => {
    await using ingress = await startIngress({ proxy: `${OPEN}\n  auth: { enabled: false }` });
    await passed(ingress, { headers: NO_TOKEN });
  });

  test('S3-154 S3-155 the token is read from the configured header and scheme only, and removed there', async () => {
    await using ingress = await startIngress({ proxy: `${OPEN}\n  auth: { header: X-Token, scheme: Internal }` });
    await ingress.refused('token_missing', () => ingress.send());
    await ingress.refused('token_missing', () => ingress.send({ headers: ['X-Token', `Bearer ${ingress.token()}`] }));
    const { values } = await passed(ingress, { headers: ['X-Token', `internal ${ingress.token()}`] });
    assert.deepEqual(values('x-token'), []);
  });
});

describe('whom the policy is asked about', () => {
  test('S3-156 authz.enabled: true asks, and a policy that allows nothing denies', async () => {
    await using ingress = await startIngress({ proxy: '  authz: { policy_query: data.order.allow }', files: DENY_ALL });
    await ingress.refused('policy_denied', () => ingress.send());
  });

  test('S3-156 authz.enabled: false needs no policy at all, and the record says why it allowed', async () => {
    await using ingress = await startIngress({ proxy: OPEN });
    await passed(ingress);
    assert.deepEqual(ingress.sidecar.audit.at(-1)?.['reasons'], ['authorization is switched off']);
  });

  test('authz_required: false asks about the other routes only', async () => {
    const routes = '  routes: [{ path: /health, authz_required: false }, { path: /** }]';
    const proxy = `  authz: { policy_query: data.order.allow }\n${routes}`;
    await using ingress = await startIngress({ proxy, files: DENY_ALL });
    await ingress.refused('policy_denied', () => ingress.send({ target: '/orders' }));
    await ingress.refused('token_missing', () => ingress.send({ target: '/health', headers: NO_TOKEN }));
    await passed(ingress, { target: '/health' });
    assert.match(String(ingress.sidecar.audit.at(-1)?.['reasons']), /route \/health needs no authorization/);
  });
});

describe('routes', () => {
  const ROUTES = `${OPEN}
  routes:
    - { path: /api/v1/orders/**, strip_prefix: /api/v1 }
    - { path: /api/v1/payments/*, methods: [GET], strip_prefix: /api/v1/payments, rewrite_prefix: /v2 }
    - { path: /exact }`;

  const MISSED: readonly (readonly [title: string, code: ProblemCode, request: WireRequest])[] = [
    ['S3-058 a path that no route has', 'route_not_found', { target: '/api/v1/users' }],
    ['S3-055 a segment that begins like a route', 'route_not_found', { target: '/api/v1/orders-admin' }],
    ['S3-158 a segment below an exact route', 'route_not_found', { target: '/exact/x' }],
    ['S3-158 two segments where * is one', 'route_not_found', { target: '/api/v1/payments/1/2' }],
    ['a method that the route does not take', 'method_not_allowed', { method: 'POST', target: '/api/v1/payments/1' }],
  ];
  for (const [title, code, request] of MISSED) {
    test(`${title} is ${code}, and nothing is forwarded`, async () => {
      await using ingress = await startIngress({ proxy: ROUTES });
      await ingress.refused(code, () => ingress.send(request));
    });
  }

  for (const [method, target, allow] of [
    ['POST', '/api/v1/payments/1', 'GET'],
    ['TRACE', '/exact', ''],
  ] as const) {
    test(`a 405 for ${method} says in Allow what the path takes: "${allow}"`, async () => {
      await using ingress = await startIngress({ proxy: ROUTES });
      const answer = await ingress.send({ method, target });
      assert.deepEqual([answer.status, answer.headers['allow']], [405, allow]);
    });
  }

  const MATCHED: readonly (readonly [title: string, target: string, url: string])[] = [
    ['S3-055 S3-057 S3-158 the path itself', '/api/v1/orders', '/orders'],
    ['S3-055 S3-158 what is below it', '/api/v1/orders/42/items?a=b', '/orders/42/items?a=b'],
    ['a stripped and rewritten path', '/api/v1/payments/7', '/v2/7'],
    ['an exact path', '/exact', '/exact'],
  ];
  for (const [title, target, url] of MATCHED) {
    test(`${title}: ${target} is forwarded as ${url}`, async () => {
      await using ingress = await startIngress({ proxy: ROUTES });
      assert.equal((await passed(ingress, { target })).url, url);
    });
  }
});

describe('the headers that the app gets', () => {
  for (const [value, expected] of [
    ['true', 1],
    ['false', 0],
  ] as const) {
    test(`S3-165 pass_token: ${value} ${expected === 1 ? 'forwards the token unchanged' : 'removes it'}`, async () => {
      await using ingress = await startIngress({ proxy: `${OPEN}\n  headers: { pass_token: ${value} }` });
      const credential = `Bearer ${ingress.token()}`;
      const { values } = await passed(ingress, { headers: ['Authorization', credential] });
      assert.deepEqual(values('authorization'), expected === 1 ? [credential] : []);
    });
  }

  for (const [value, host] of [
    ['true', /^Example\.com:8443$/],
    ['false', /^127\.0\.0\.1:\d+$/],
  ] as const) {
    test(`preserve_host: ${value} forwards ${value === 'true' ? 'the Host as sent' : "the upstream's Host"}`, async () => {
      await using ingress = await startIngress({ proxy: `${OPEN}\n  headers: { preserve_host: ${value} }` });
      const [sent, ...others] = (await passed(ingress, { headers: ['Host', 'Example.com:8443'] })).values('host');
      assert.match(sent ?? '', host);
      assert.deepEqual(others, []);
    });
  }

  test('add replaces what the client sent, remove takes it away, in any case', async () => {
    const headers = '  headers: { add: { X-Zone: zone2 }, remove: [X-Debug] }';
    await using ingress = await startIngress({ proxy: `${OPEN}\n${headers}` });
    const { values } = await passed(ingress, { headers: ['x-zone', 'evil', 'x-DEBUG', '1', 'X-Kept', 'a'] });
    assert.deepEqual([values('x-zone'), values('x-debug'), values('x-kept')], [['zone2'], [], ['a']]);
  });

  test('S3-032 S3-054 S3-166 S3-167 S3-168 claims become headers, nested ones and lists too', async () => {
    const claims =
      '{ email: X-User-Email, realm_access.roles: X-User-Roles, sub: X-Original-User, phone: X-User-Phone }';
    await using ingress = await startIngress({
      proxy: `${OPEN}\n  headers: { inject_user_id: X-User-ID, inject_claims: ${claims} }`,
    });
    const token = ingress.token({ email: 'john@example.com', realm_access: { roles: ['customer', 'orders:create'] } });
    const { values } = await passed(ingress, {
      headers: ['Authorization', `Bearer ${token}`, 'X-User-Phone', 'forged'],
    });
    assert.deepEqual(['x-user-id', 'x-original-user', 'x-user-email', 'x-user-roles', 'x-user-phone'].map(values), [
      ['user-123'],
      ['user-123'],
      ['john@example.com'],
      ['customer,orders:create'],
      [],
    ]);
  });
});

describe('on whose behalf', () => {
  test('C-120 without a client certificate and a token, X-User-Context is stripped and recorded as not verified', async () => {
    await using ingress = await startIngress({ proxy: `${OPEN}\n  auth: { enabled: false }` });
    const { values } = await passed(ingress, { headers: [...NO_TOKEN, 'X-User-Context', 'mallory'] });
    assert.deepEqual(values('x-user-context'), []);
    const record = ingress.sidecar.audit.at(-1);
    assert.equal(record?.['context_verified'], false);
    assert.ok(!JSON.stringify(record).includes('mallory'));
  });

  for (const [title, azp] of [
    ['a client', 'web-app'],
    ['no client', undefined],
  ] as const) {
    test(`S3-218 a user's token that names ${title} speaks for its subject, whatever the header says`, async () => {
      await using ingress = await startIngress();
      const token = ingress.token({ azp, preferred_username: 'john' });
      const { values } = await passed(ingress, {
        headers: ['Authorization', `Bearer ${token}`, 'X-User-Context', 'mallory'],
      });
      assert.deepEqual(values('x-user-context'), ['user-123']);
      const { user_id, user, user_context, context_verified } = ingress.sidecar.audit.at(-1) ?? {};
      assert.deepEqual(
        [user_id, user, user_context, context_verified],
        ['user-123', { sub: 'user-123', name: 'john' }, 'user-123', true],
      );
    });
  }
});
