import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createSigningKey, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import { Problem } from '../problem.ts';
import type { AccessRecord } from './access-record.ts';
import type { ErrorFormat } from './answer.ts';
import type { Authenticator } from './authenticator.ts';
import { bearer } from './bearer.ts';
import type { PolicyOptions } from './policy.ts';
import type { ReceivedRequest } from './received-request.ts';
import type { RouteRule } from './route-rule.ts';
import { type Admission, serviceAuth } from './service-auth.ts';

const time = manualTime();
const runtime = { clock: time.clock };
const now = time.clock.now() / 1000;
const key = createSigningKey('ES256', 'k1');
const keys = createPushedJwks(keySetBytes(key.jwk()));
const ISSUERS = ['checkout-service', 'fulfillment-service', 'admin-service'];
const tokens = bearer({
  issuers: ISSUERS.map((issuer) => ({ issuer, keys })),
  audience: 'order-service',
  runtime: {
    ...runtime,
    schedule: time.schedule,
    random: () => 0,
    http: () => Promise.reject(new Error('no network')),
  },
});

const token = (claims: object = {}): string =>
  mint(
    {
      iss: 'checkout-service',
      sub: 'checkout-service',
      aud: 'order-service',
      iat: now,
      exp: now + 300,
      scope: ['orders:create'],
      ...claims,
    },
    { key },
  );

const asked = (
  authorization?: string,
  target = '/orders',
  fields: Readonly<Record<string, readonly string[]>> = {},
): ReceivedRequest => ({
  method: 'POST',
  target,
  values: (name) => (name === 'authorization' && authorization !== undefined ? [authorization] : (fields[name] ?? [])),
  clientCertificate: undefined,
  remoteAddress: '127.0.0.1',
  body: () => Promise.resolve(new Uint8Array()),
});

interface Setting {
  readonly errors?: ErrorFormat;
  readonly authenticator?: Authenticator;
  readonly callers?: readonly string[];
  readonly policy?: PolicyOptions;
  readonly audit?: (record: AccessRecord) => void;
  readonly rule?: RouteRule;
}

const ROUTE = { name: 'POST /tenants/:tenantId/orders', params: { tenantId: 't1' } };

function admit(
  request: ReceivedRequest,
  { rule = { service: true, scopes: ['orders:create'] }, ...setting }: Setting = {},
) {
  return serviceAuth({ service: 'order-service', authenticator: tokens, runtime, ...setting })
    .guard(rule)
    .admit(request, ROUTE);
}

async function answered(request: ReceivedRequest, setting: Setting = {}) {
  const admission = await admit(request, setting);
  assert.ok(!admission.ok, 'it was let in');
  const { status, headers, body } = admission.answer;
  return {
    status,
    headers,
    body: headers['content-type']?.includes('json') === true ? (JSON.parse(body) as unknown) : body,
  };
}

describe('what is not built', () => {
  test('S0-60 S0-66 a receiver that verifies nobody, wherever it listens', () => {
    // As JavaScript may call it.
    for (const authenticator of [undefined, null, {}, []] as unknown as Authenticator[]) {
      assert.throws(
        () => serviceAuth({ service: 'orders', authenticator }),
        /orders has no authenticator, so anybody could call it/,
      );
    }
  });

  test('S4-112 a validator without an expected audience', () => {
    for (const audience of [[], '', ['orders', '']]) {
      assert.throws(() => bearer({ issuers: [{ issuer: 'a', keys }], audience }), /name this service in audience/);
    }
  });

  test("a validator of nobody's tokens", () => {
    assert.throws(() => bearer({ issuers: [], audience: 'orders' }), /name whose tokens are accepted/);
  });
});

describe('answers in the format service-auth', () => {
  const ROWS: readonly (readonly [title: string, authorization: string | undefined, status: number, error: object])[] =
    [
      ['S4-060 no Authorization', undefined, 401, { code: 'MISSING_TOKEN' }],
      ['S4-060 another scheme', 'Basic b3JkZXI6', 401, { code: 'MISSING_TOKEN' }],
      [
        'S4-064 an issuer that is not allowed',
        `Bearer ${token({ iss: 'report-service' })}`,
        401,
        { code: 'UNAUTHORIZED_ISSUER', message: 'Service report-service is not authorized' },
      ],
      [
        'S4-064 another audience',
        `Bearer ${token({ aud: 'inventory-service' })}`,
        401,
        { code: 'AUDIENCE_MISMATCH', message: 'Token was not issued for this service' },
      ],
      [
        'S4-063 an expired token',
        `Bearer ${token({ iat: now - 600, exp: now - 300 })}`,
        401,
        { code: 'TOKEN_EXPIRED', message: 'Service token has expired' },
      ],
      [
        'missing scopes',
        `Bearer ${token({ scope: 'orders:read' })}`,
        403,
        { code: 'INSUFFICIENT_SCOPE', message: 'Missing scopes: orders:create' },
      ],
    ];
  for (const [title, authorization, status, error] of ROWS) {
    test(`${title}: ${status}`, async () => {
      const answer = await answered(asked(authorization), { errors: 'service-auth' });
      assert.equal(answer.status, status);
      assert.deepEqual(answer.body, { error });
      assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer/);
    });
  }

  test('S4-063 every refusal of a token is 401 for callers that expect it, a missing scope too', async () => {
    const answer = await answered(asked(`Bearer ${token({ scope: 'orders:read' })}`), { errors: 'service-auth-401' });
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.body, { error: { code: 'INSUFFICIENT_SCOPE', message: 'Missing scopes: orders:create' } });
  });

  test('a caller that is not listed is refused as its issuer would be', async () => {
    const answer = await answered(asked(`Bearer ${token()}`), { errors: 'service-auth', callers: ['admin-service'] });
    assert.equal(answer.status, 401);
    assert.deepEqual(answer.body, {
      error: { code: 'UNAUTHORIZED_ISSUER', message: 'Service checkout-service is not authorized' },
    });
  });

  test('S4-107 a user who may not', async () => {
    const rule: RouteRule = { service: true, user: () => false };
    const answer = await answered(asked(`Bearer ${token({ user_id: 'john' })}`), { errors: 'service-auth', rule });
    assert.deepEqual([answer.status, answer.body], [403, { error: { code: 'USER_NOT_AUTHORIZED' } }]);
  });
});

describe('answers in the other formats', () => {
  const ROWS: readonly (readonly [
    format: ErrorFormat,
    authorization: string | undefined,
    rule: RouteRule,
    status: number,
    body: unknown,
  ])[] = [
    ['detail', undefined, {}, 401, { detail: 'Invalid token' }],
    ['detail', 'Bearer not.a.token', {}, 401, { detail: 'Invalid token' }],
    ['detail', `Bearer ${token({ aud: 'inventory-service' })}`, {}, 403, { detail: 'Token not for this service' }],
    [
      'detail',
      `Bearer ${token({ sub: 'mary', azp: 'web-app' })}`,
      { service: true },
      403,
      { detail: 'This endpoint is only accessible to internal services' },
    ],
    ['text', `Bearer ${token({ scope: '' })}`, { scopes: ['a', 'b'] }, 403, 'Missing scopes: a, b'],
    [
      'problem',
      `Bearer ${token({ scope: '' })}`,
      { scopes: ['a'] },
      403,
      {
        type: 'about:blank',
        title: 'The token lacks a scope that is required here',
        status: 403,
        detail: 'Missing scopes: a',
        code: 'insufficient_scope',
      },
    ],
  ];
  for (const [errors, authorization, rule, status, body] of ROWS) {
    test(`${errors}: ${status} ${JSON.stringify(body)}`, async () => {
      const answer = await answered(asked(authorization), { errors, rule });
      assert.deepEqual([answer.status, answer.body], [status, body]);
    });
  }
});

describe('the record of a call', () => {
  const recorded = async (request: ReceivedRequest, setting: Setting = {}): Promise<AccessRecord | undefined> => {
    const records: AccessRecord[] = [];
    await admit(request, { ...setting, audit: (record) => records.push(record) });
    assert.equal(records.length, 1);
    return records[0];
  };

  test('S1-114 a refusal is recorded with its reason, and without the token', async () => {
    const text = token({ iat: now - 600, exp: now - 300 });
    const record = await recorded(asked(`Bearer ${text}`));
    assert.equal(record?.event, 'service_only_access');
    assert.deepEqual([record?.decision, record?.code, record?.reason], ['deny', 'token_expired', 'expired 300 s ago']);
    for (const part of text.split('.')) assert.ok(!JSON.stringify(record).includes(part));
  });

  test('S0-68 S1-034 S1-109 S1-110 S1-111 S1-112 S1-113 S4-007 S4-026 an accepted call of a service says who, where, for which tenant and when', async () => {
    const record = await recorded(asked(`Bearer ${token({ user_id: 'mary' })}`));
    assert.deepEqual(record, {
      event: 'service_only_access',
      message: 'Service-only access granted',
      decision: 'allow',
      service: 'checkout-service',
      endpoint: 'POST /tenants/:tenantId/orders',
      tenant_id: 't1',
      user_id: 'mary',
      proofs: ['bearer'],
      timestamp: new Date(time.clock.now()).toISOString(),
    });
  });

  test('a rule may name its route', async () => {
    assert.equal(
      (await recorded(asked(`Bearer ${token()}`), { rule: { name: 'create_order' } }))?.endpoint,
      'create_order',
    );
  });

  test('nothing happens unrecorded: a call whose record cannot be kept is refused', async () => {
    const audit = (): void => {
      throw new Error('disk full');
    };
    const answer = await answered(asked(`Bearer ${token()}`), { audit });
    assert.equal(answer.status, 503);
    assert.equal((answer.body as { code: string }).code, 'audit_unavailable');
  });

  test('S4-061 an error that is no refusal is passed on, and recorded as a call that was not let in', async () => {
    const broken: Authenticator = {
      authenticate: () => {
        throw new TypeError('a mistake of ours');
      },
      close() {},
    };
    const records: AccessRecord[] = [];
    assert.throws(
      () => admit(asked(), { authenticator: broken, audit: (record) => records.push(record) }),
      (error) => error instanceof TypeError,
    );
    assert.deepEqual(
      records.map(({ decision, code }) => [decision, code]),
      [['deny', 'internal']],
    );
  });
});

describe('the policy', () => {
  const decided = (decide: PolicyOptions['decide'], request = asked(`Bearer ${token()}`)) =>
    answered(request, { policy: { decide } }).then(({ status, body }) => [status, (body as { code: string }).code]);

  for (const [title, decide, code] of [
    ['undefined', () => undefined, 'policy_undefined'],
    ['a word', () => 'true', 'policy_undefined'],
    ['one', () => 1, 'policy_undefined'],
    ['an object without a boolean', () => ({ allow: 'true' }), 'policy_undefined'],
    ['no', () => false, 'policy_denied'],
    ['an object that says no', () => Promise.resolve({ allow: false }), 'policy_denied'],
    ['an error', () => assert.fail('conflict'), 'policy_error'],
    ['a rejection', () => Promise.reject(new Error('conflict')), 'policy_error'],
  ] as const satisfies readonly (readonly [string, PolicyOptions['decide'], string])[]) {
    test(`an answer that is ${title} refuses`, async () => assert.deepEqual(await decided(decide), [403, code]));
  }

  for (const target of [
    '/orders/../admin',
    '/orders//1',
    '/orders/%2e%2e/admin',
    '/orders%2f1',
    '/orders\\1',
    '/a;b',
    'http://x/orders',
  ]) {
    test(`a path of several readings is refused before the policy: ${target}`, async () => {
      assert.deepEqual(await decided(() => true, asked(`Bearer ${token()}`, target)), [400, 'path_ambiguous']);
    });
  }

  test('S4-003 S4-025 decides by caller, method and path, and its refusal names the caller', async () => {
    const policy: PolicyOptions = {
      decide: ({ request: { method, path } }, { service }) =>
        service?.name === 'checkout-service' && method === 'POST' && path === '/orders',
    };
    assert.ok((await admit(asked(`Bearer ${token()}`), { policy })).ok);
    const answer = await answered(asked(`Bearer ${token()}`, '/refunds'), { policy, errors: 'text' });
    assert.deepEqual([answer.status, answer.body], [403, 'Service checkout-service not authorized for this endpoint']);
  });
});

test('a refusal that a handler throws has the same format, and no other error has an answer', () => {
  const auth = serviceAuth({ service: 'orders', authenticator: tokens, errors: 'service-auth' });
  assert.equal(auth.refusal(new Error('the database is away')), undefined);
  assert.deepEqual(
    auth.refusal(new Problem('user_not_authorized', 'reason'))?.body,
    '{"error":{"code":"USER_NOT_AUTHORIZED"}}',
  );
});

test('a token that was seen before costs no promise', () => {
  const text = `Bearer ${token()}`;
  const first: Admission | Promise<Admission> = admit(asked(text));
  assert.ok(!(first instanceof Promise) && first.ok);
});
