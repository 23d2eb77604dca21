/** What a policy gets to see and what its answer does: the contract, read back through the record of each request. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { type OrderSidecar, startOrderSidecar } from '../security/order-sidecar.ts';
import { valuesOf } from '../support/http-app.ts';
import { type Ingress, type IngressOptions, startIngress } from '../support/ingress.ts';
import { until } from '../support/until.ts';

/** Lets everything pass and puts the input into the record. */
const ECHO = `package order

import rego.v1

result := {"allow": true, "reasons": ["echo"], "audit": input}
`;

const EXTRACT = `
    inject_claims: { email: X-Owner }
    extract: [X-User-Context, X-Correlation-ID, X-Tenant, x-lower, X-User-Roles, X-Forwarded-For, X-Owner]`;

interface Input {
  readonly mtls: unknown;
  readonly token?: Readonly<Record<string, unknown>>;
  readonly request: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
}

const withPolicy = (rego: string, options: IngressOptions = {}): Promise<Ingress> =>
  startIngress({ files: { '/etc/authz/policies/order.rego': rego }, ...options });

let echo: Ingress;
before(async () => {
  echo = await withPolicy(ECHO, {
    proxy: `  authz: { policy_query: data.order.result }
  routes:
    - { path: /api/v1/**, strip_prefix: /api/v1 }
    - { path: /open, auth_required: false, rewrite_prefix: /v2 }
    - { path: /** }
  headers:${EXTRACT}`,
  });
});
after(() => echo[Symbol.asyncDispose]());

async function inputOf(
  request: Parameters<Ingress['send']>[0],
  through: Pick<Ingress, 'sidecar' | 'send'> = echo,
): Promise<Input> {
  const { audit } = through.sidecar;
  const before = audit.length;
  const answer = await through.send(request);
  assert.equal(answer.status, 200, answer.raw);
  await until(() => audit.length > before);
  return audit.at(-1)?.['policy_audit'] as Input;
}

describe('input.token', () => {
  test('S3-206 has every verified claim, nested ones as they are', async () => {
    const claims = { email: 'john@example.com', realm_access: { roles: ['customer', 'orders:create'] }, level: 3 };
    const { token } = await inputOf({ headers: ['Authorization', `Bearer ${echo.token(claims)}`] });
    const { iat, exp, ...others } = token ?? {};
    assert.deepEqual([typeof iat, typeof exp], ['number', 'number']);
    assert.deepEqual(others, {
      iss: 'https://keycloak.example.com/realms/users',
      aud: 'order-service',
      sub: 'user-123',
      azp: 'web-app',
      ...claims,
    });
  });

  test('is absent where no token is required and none was sent', async () => {
    assert.ok(!('token' in (await inputOf({ target: '/open', headers: ['Authorization', 'Basic x'] }))));
  });
});

describe('input.request', () => {
  const ROWS: readonly (readonly [title: string, target: string, path: string, upstream: string, query: string])[] = [
    [
      'S3-094 S3-207 the path as received beside the one that is forwarded',
      '/api/v1/orders',
      '/api/v1/orders',
      '/orders',
      '',
    ],
    ['C-094 S3-207 a query is never part of the path', '/private?p=/status', '/private', '/private', 'p=/status'],
    ['a path that strips to nothing', '/api/v1', '/api/v1', '/', ''],
    ['a rewritten path', '/open?a', '/open', '/v2/open', 'a'],
    ['a percent-encoding, untouched', '/a%20b', '/a%20b', '/a%20b', ''],
  ];
  for (const [title, target, path, upstream, query] of ROWS) {
    test(`has ${title}`, async () => {
      const { request } = await inputOf({ target, headers: ['Host', 'Example.COM:8443'] });
      assert.deepEqual(request, { method: 'GET', path, upstream_path: upstream, query, host: 'example.com' });
      assert.equal(echo.app.seen.at(-1)?.url, query === '' ? upstream : `${upstream}?${query}`);
    });
  }

  test('S3-207 has the method of the request line', async () => {
    const { request } = await inputOf({ method: 'PATCH', headers: ['X-HTTP-Method-Override', 'GET'] });
    assert.equal(request['method'], 'PATCH');
  });
});

describe('input.headers', () => {
  test('S3-209 SD-06 S3-170 has the configured spellings whatever the wire case, and null for what is absent', async () => {
    const { headers } = await inputOf({ headers: ['x-TENANT', 'acme', 'X-LOWER', 'v', 'x-correlation-id', 'req-abc'] });
    assert.deepEqual(headers, {
      'X-User-Context': 'user-123',
      'X-Correlation-ID': 'req-abc',
      'X-Tenant': 'acme',
      'x-lower': 'v',
      'X-User-Roles': null,
      'X-Forwarded-For': null,
      'X-Owner': null,
    });
    const { headers: none } = await inputOf({ target: '/open', headers: ['Authorization', 'Basic x'] });
    assert.deepEqual([none['X-User-Context'], none['X-Tenant'], none['x-lower']], [null, null, null]);
  });

  test('C-132 has an array for a header that was sent twice', async () => {
    const { headers } = await inputOf({ headers: ['X-Tenant', 'acme', 'x-tenant', 'evil'] });
    assert.deepEqual(headers['X-Tenant'], ['acme', 'evil']);
  });

  for (const name of ['X-User-Roles', 'X-Forwarded-For', 'X-Owner']) {
    test(`S3-012 ${name} from the client is not there, as it is not there for the app`, async () => {
      assert.equal((await inputOf({ headers: [name, 'admin'] })).headers[name], null);
      assert.deepEqual(valuesOf(echo.app.seen.at(-1)?.rawHeaders ?? [], name), []);
    });
  }

  test('a header that Connection ends at this hop is not there, as it is not there for the app', async () => {
    const { headers } = await inputOf({ headers: ['X-Tenant', 'acme', 'Connection', 'close, X-Tenant'] });
    assert.equal(headers['X-Tenant'], null);
    assert.deepEqual(valuesOf(echo.app.seen.at(-1)?.rawHeaders ?? [], 'x-tenant'), []);
  });

  test('a header that is not configured is not there', async () => {
    assert.ok(!('X-Other' in (await inputOf({ headers: ['X-Other', 'a'] })).headers));
  });
});

describe('input.mtls', () => {
  test('S3-208 without a client certificate: verified is false, the subject is empty', async () => {
    assert.deepEqual((await inputOf({})).mtls, { verified: false, subject: {} });
  });

  test('S3-020 S3-208 with one: verified is true, with CN, O and SPIFFE ID from the certificate alone', async () => {
    await using order: OrderSidecar = await startOrderSidecar({ policy: `${ECHO}\nallow := result` });
    const { mtls } = await inputOf(
      {
        headers: [
          'Authorization',
          `Bearer ${order.userToken()}`,
          'X-Client-CN',
          'admin',
          'X-Forwarded-Client-Cert',
          'x',
        ],
      },
      order,
    );
    assert.deepEqual(mtls, {
      verified: true,
      subject: { CN: 'api-gateway-client', O: 'MyOrg' },
      spiffe_id: 'spiffe://example.org/zone1/api-gateway',
    });
  });
});

describe('an answer that is none denies', { concurrency: true }, () => {
  const query = 'data.order.result';
  const ROWS: readonly (readonly [title: string, code: ProblemCode, rego: string])[] = [
    ['C-225 S3-009 an undefined rule', 'policy_undefined', 'result if input.request.path == "/never"'],
    ['C-225 the string "true"', 'policy_undefined', 'result := "true"'],
    ['C-225 the number 1', 'policy_undefined', 'result := 1'],
    ['C-225 null', 'policy_undefined', 'result := null'],
    ['C-225 a set with true', 'policy_undefined', 'result contains true'],
    ['C-225 an object without allow', 'policy_undefined', 'result := {"reasons": ["a"]}'],
    ['C-225 an object whose allow is "true"', 'policy_undefined', 'result := {"allow": "true"}'],
    [
      'C-225 two values at once',
      'policy_error',
      'result := true if input.request.method == "GET"\n\nresult := false if input.request.path == "/"',
    ],
    [
      'C-225 a comprehension without end',
      'policy_timeout',
      'result if count([1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a == b]) > 0',
    ],
    ['a missing claim', 'policy_undefined', 'result := input.token.nothing'],
    ['S3-009 false', 'policy_denied', 'result := false'],
  ];
  for (const [title, code, rego] of ROWS) {
    test(`${title} is ${code}`, async () => {
      const proxy = `  authz: { policy_query: ${query} }`;
      await using ingress = await withPolicy(`package order\n\nimport rego.v1\n\n${rego}\n`, { proxy });
      const record = await ingress.refused(code, () => ingress.send());
      assert.ok(Array.isArray(record['reasons']) && record['reasons'].length > 0);
    });
  }

  const REFUSED: readonly (readonly [title: string, rego: string, message: RegExp])[] = [
    ['http.send', 'result if http.send({"method": "GET", "url": "http://evil/"}).status_code == 200', /http\.send/],
    ['a rule that calls itself', 'result if result', /recursion|recursive/i],
    ['broken Rego', 'result if {', /rego_parse_error/],
  ];
  for (const [title, rego, message] of REFUSED) {
    test(`C-225 S3-037 ${title} stops the start`, async () => {
      await assert.rejects(
        withPolicy(`package order\n\nimport rego.v1\n\n${rego}\n`, { proxy: `  authz: { policy_query: ${query} }` }),
        message,
      );
    });
  }
});

describe('an answer with reasons', () => {
  const REASONED = `package order

import rego.v1

default allow := false

allow if input.request.method == "GET"

reasons contains "reading is allowed" if allow

reasons contains "only reading is allowed" if not allow

result := {"allow": allow, "reasons": reasons, "audit": {"action": input.request.method}}
`;

  test('S3-157 S3-203 its reasons and its audit object reach the record, when it allows and when it denies', async () => {
    await using ingress = await withPolicy(REASONED, { proxy: '  authz: { policy_query: data.order.result }' });
    assert.equal((await ingress.send()).status, 200);
    await ingress.refused('policy_denied', () => ingress.send({ method: 'DELETE' }));
    const [allowed, denied] = ingress.sidecar.audit;
    assert.deepEqual([allowed?.['reasons'], allowed?.['policy_audit']], [['reading is allowed'], { action: 'GET' }]);
    assert.match(String(denied?.['reasons']), /^only reading is allowed/);
    assert.deepEqual(denied?.['policy_audit'], { action: 'DELETE' });
  });

  test('S3-157 a rule that is true or false answers as well, and the record names it', async () => {
    await using ingress = await withPolicy(REASONED, { proxy: '  authz: { policy_query: data.order.allow }' });
    assert.equal((await ingress.send()).status, 200);
    await ingress.refused('policy_denied', () => ingress.send({ method: 'DELETE' }));
    assert.deepEqual(
      ingress.sidecar.audit.map(({ rule }) => rule),
      ['order.rego:7', 'order.rego:5'],
    );
  });
});
