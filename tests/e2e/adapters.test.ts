/** One service in each framework, on real sockets: the same request has the same answer everywhere. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createPushedJwks } from '@sidegate/sdk';
import { type AccessRecord, anyOf, bearer, mutualTls, type ServiceAuth, serviceAuth } from '@sidegate/sdk/server';
import { createTestAuthority } from '../support/certificates.ts';
import { startExpress } from '../support/frameworks/express.ts';
import { startFastify } from '../support/frameworks/fastify.ts';
import {
  type Framework,
  type GuardedServer,
  paymentRoutes,
  type ServiceRoute,
} from '../support/frameworks/guarded-service.ts';
import { startHono } from '../support/frameworks/hono.ts';
import { startKoa } from '../support/frameworks/koa.ts';
import { startNest } from '../support/frameworks/nestjs.ts';
import { startNode } from '../support/frameworks/node.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { sendRequest, type WireRequest } from '../support/wire.ts';

const FRAMEWORKS: Readonly<Record<string, Framework>> = {
  Express: startExpress,
  Fastify: startFastify,
  Hono: startHono,
  Koa: startKoa,
  NestJS: startNest,
  'node:http': startNode,
};

const ISSUER = 'https://idp.example.com/realms/main';
const AUDIENCE = 'payment-service';
const key = createSigningKey('ES256', 'k1');
const otherKey = createSigningKey('ES256', 'k1');
const authority = createTestAuthority('mesh');
const strangers = createTestAuthority('strangers');
const server = authority.issue({ subject: [{ CN: 'localhost' }], dns: ['localhost'], eku: ['serverAuth'] });
const serverTls = { key: server.keyPem, cert: server.certPem, ca: authority.certPem };
const order = authority.issue({ subject: [{ CN: 'order-service' }, { O: 'Acme' }] });
const report = authority.issue({ uris: ['spiffe://acme.com/ns/production/sa/report-service'] });
const forged = strangers.issue({ subject: [{ CN: 'order-service' }, { O: 'Acme' }] });

const seconds = (offset: number): number => Math.floor(Date.now() / 1000) + offset;
const token = (claims: object, signedWith = key): string =>
  mint({ iss: ISSUER, aud: AUDIENCE, exp: seconds(300), iat: seconds(-1), ...claims }, { key: signedWith });

const asService = { sub: 'order-service', client_id: 'order-service' };
const charge = token({ ...asService, scope: 'payment:charge' });
const asUser = (id: string, ...roles: string[]) => ({ sub: id, azp: 'web-app', realm_access: { roles } });
const customer = token(asUser('mary', 'customer'));
const onBehalf = (claims: object): string => token({ ...asService, scope: 'orders:create', ...claims });

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

interface Row {
  readonly title: string;
  readonly ask: string;
  readonly bearer?: string;
  readonly headers?: readonly string[];
  readonly certificate?: typeof order;
  readonly status: number;
  /** Of the problem, where the call is refused. */
  readonly code?: string;
  readonly body?: unknown;
}

const ROWS: readonly Row[] = [
  {
    title: 'S0-03 S4-002 nobody is let in for where the call comes from',
    ask: 'POST /charge',
    status: 401,
    code: 'token_missing',
  },
  {
    title: 'S0-49 without a token nothing is charged',
    ask: 'POST /commands',
    status: 401,
    code: 'token_missing',
  },
  {
    title: "a header that says who calls is nobody's proof",
    ask: 'POST /commands',
    headers: ['X-User-Roles', 'system', 'X-Service-Name', 'order-service'],
    status: 401,
    code: 'token_missing',
  },
  {
    title: 'S1-115 a token in another header is none',
    ask: 'POST /charge',
    headers: ['Token', charge],
    status: 401,
    code: 'token_missing',
  },
  {
    title: 'another scheme is no bearer token',
    ask: 'POST /charge',
    headers: ['Authorization', 'Basic b3JkZXI6'],
    status: 401,
    code: 'token_missing',
  },
  {
    title: 'two Authorization headers are refused',
    ask: 'POST /charge',
    headers: ['Authorization', `Bearer ${charge}`, 'Authorization', `Bearer ${charge}`],
    status: 400,
    code: 'duplicate_header',
  },
  {
    title: 'S0-50 a signature of another key is refused before any role is read',
    ask: 'POST /commands',
    bearer: token({ ...asService, scope: 'payment:charge' }, otherKey),
    status: 401,
    code: 'token_signature_invalid',
  },
  {
    title: 'S0-50 an expired token is refused before any role is read',
    ask: 'POST /commands',
    bearer: token({ ...asService, scope: 'payment:charge', exp: seconds(-60), iat: seconds(-120) }),
    status: 401,
    code: 'token_expired',
  },
  {
    title: 'S0-50 a token of another issuer is refused before any role is read',
    ask: 'POST /commands',
    bearer: token({ ...asService, iss: 'https://elsewhere.example.com', scope: 'payment:charge' }),
    status: 401,
    code: 'token_issuer_mismatch',
  },
  {
    title: 'S0-50 a token for another audience is refused before any role is read',
    ask: 'POST /commands',
    bearer: token({ ...asService, aud: 'order-service', scope: 'payment:charge' }),
    status: 401,
    code: 'token_aud_mismatch',
  },
  {
    title: 'a bad token is not made up for by a good certificate',
    ask: 'POST /commands',
    bearer: 'not.a.token',
    certificate: order,
    status: 401,
    code: 'token_malformed',
  },
  {
    title: 'S0-07 a token for charging does not refund',
    ask: 'POST /refund',
    bearer: charge,
    status: 403,
    code: 'insufficient_scope',
  },
  {
    title: 'S0-07 a token for charging does not reserve',
    ask: 'GET /inventory',
    bearer: charge,
    status: 403,
    code: 'insufficient_scope',
  },
  {
    title: 'S0-52 a longer scope is another scope',
    ask: 'POST /commands',
    bearer: token({ ...asService, scope: 'payment:charge-all' }),
    status: 403,
    code: 'role_required',
  },
  {
    title: 'S0-49 a user without the role charges nothing',
    ask: 'POST /commands',
    bearer: customer,
    status: 403,
    code: 'role_required',
  },
  {
    title: "S0-04 a role in a header is nobody's",
    ask: 'POST /commands',
    bearer: customer,
    headers: ['X-User-Roles', 'system', 'X-User-Role', 'system', 'X-Service-Name', 'order-service'],
    status: 403,
    code: 'role_required',
  },
  {
    title: 'S0-53 without scope and roles nobody has a role',
    ask: 'POST /orders',
    bearer: token({ sub: 'mary', azp: 'web-app' }),
    status: 403,
    code: 'role_required',
  },
  {
    title: 'roles that are no list are none',
    ask: 'POST /orders',
    bearer: token({ sub: 'mary', azp: 'web-app', realm_access: { roles: 'admin' } }),
    status: 403,
    code: 'role_required',
  },
  {
    title: 'S0-55 whoever is only system does not order',
    ask: 'POST /orders',
    bearer: charge,
    status: 403,
    code: 'role_required',
  },
  {
    title: 'S0-67 a user does not see what belongs to another',
    ask: 'GET /orders/43',
    bearer: customer,
    status: 403,
    code: 'not_owner',
  },
  {
    title: "S0-67 what belongs to nobody is no user's",
    ask: 'GET /orders/44',
    bearer: customer,
    status: 403,
    code: 'not_owner',
  },
  {
    title: 'a user does not delete tenants, whatever the role',
    ask: 'DELETE /tenants/t1',
    bearer: token(asUser('root', 'admin')),
    status: 403,
    code: 'service_required',
  },
  {
    title: 'S4-107 nobody orders for a user who may not',
    ask: 'POST /orders/on-behalf',
    bearer: onBehalf({ user_id: 'john' }),
    status: 403,
    code: 'user_not_authorized',
  },
  {
    title: 'S4-107 nobody orders for no user',
    ask: 'POST /orders/on-behalf',
    bearer: onBehalf({}),
    status: 403,
    code: 'user_not_authorized',
  },
  {
    title: 'a user context that is no user is refused',
    ask: 'POST /orders/on-behalf',
    bearer: onBehalf({ user_id: { id: 'mary' } }),
    status: 401,
    code: 'token_claim_type',
  },
  {
    title: 'S4-109 a user context does nothing for a service that may not order',
    ask: 'POST /orders/on-behalf',
    bearer: token({ ...asService, scope: 'orders:read', user_id: 'mary' }),
    status: 403,
    code: 'insufficient_scope',
  },
  {
    title: 'S4-109 a user may not speak for another user',
    ask: 'GET /orders/42',
    bearer: token({ ...asUser('john', 'customer'), user_id: 'mary' }),
    status: 403,
    code: 'not_owner',
  },
  {
    title: 'a certificate of another authority is none',
    ask: 'POST /commands',
    certificate: forged,
    status: 401,
    code: 'token_missing',
  },
  {
    title: 'a certificate that is not listed is refused',
    ask: 'POST /commands',
    certificate: report,
    status: 403,
    code: 'peer_not_allowed',
  },
  {
    title: 'a certificate alone has no scope',
    ask: 'POST /charge',
    certificate: order,
    status: 403,
    code: 'insufficient_scope',
  },
  {
    title: 'a token that is bound to a certificate is nothing without it',
    ask: 'POST /charge',
    bearer: token({ ...asService, scope: 'payment:charge', cnf: { 'x5t#S256': order.thumbprint } }),
    status: 401,
    code: 'token_binding_mismatch',
  },
  {
    title: 'a token that is bound to another certificate is refused',
    ask: 'POST /charge',
    bearer: token({ ...asService, scope: 'payment:charge', cnf: { 'x5t#S256': order.thumbprint } }),
    certificate: report,
    status: 401,
    code: 'token_binding_mismatch',
  },
  {
    title: 'S4-074 a token for one operation does nothing elsewhere',
    ask: 'GET /orders/43',
    bearer: token({ ...asService, aud: `${AUDIENCE}:POST:/orders/:id`, scope: 'payment:charge' }),
    status: 401,
    code: 'token_aud_mismatch',
  },
  { title: 'S4-061 an error of the handler stays what it is', ask: 'GET /broken', bearer: charge, status: 500 },
  {
    title: 'S0-18 S0-49 S0-54 S4-062 a service charges, over a bare socket, and the handler knows which one',
    ask: 'POST /charge',
    bearer: charge,
    status: 200,
    body: { service: 'order-service', user: null },
  },
  {
    title: 'S0-48 S0-51 a scope of services makes a caller system',
    ask: 'POST /commands',
    bearer: charge,
    status: 200,
    body: { service: 'order-service', user: null },
  },
  {
    title: 'a bound token comes with its certificate',
    ask: 'POST /charge',
    bearer: token({ ...asService, scope: 'payment:charge', cnf: { 'x5t#S256': order.thumbprint } }),
    certificate: order,
    status: 200,
    body: { service: 'order-service', user: null },
  },
  {
    title: 'S0-13 S4-024 a certificate says who calls',
    ask: 'POST /commands',
    certificate: order,
    status: 200,
    body: { service: 'order-service', user: null },
  },
  {
    title: 'S0-55 a customer orders',
    ask: 'POST /orders',
    bearer: customer,
    status: 201,
    body: { service: null, user: 'mary' },
  },
  {
    title: 'S0-55 an administrator orders',
    ask: 'POST /orders',
    bearer: token(asUser('root', 'admin')),
    status: 201,
    body: { service: null, user: 'root' },
  },
  {
    title: 'S0-67 a user sees an order of its own',
    ask: 'GET /orders/42',
    bearer: customer,
    status: 200,
    body: { service: null, user: 'mary' },
  },
  {
    title: 'S0-67 a system call sees every order',
    ask: 'GET /orders/43',
    bearer: charge,
    status: 200,
    body: { service: 'order-service', user: null },
  },
  {
    title: 'S4-073 a token for one operation does that operation',
    ask: 'GET /orders/43?full=1',
    bearer: token({ ...asService, aud: `${AUDIENCE}:GET:/orders/:id`, scope: 'payment:charge' }),
    status: 200,
    body: { service: 'order-service', user: null },
  },
  {
    title: 'a service deletes a tenant',
    ask: 'DELETE /tenants/t1',
    bearer: token(asService),
    status: 200,
    body: { service: 'order-service', tenant: 't1' },
  },
  {
    title: 'S4-105 S4-106 a service orders for a user who may',
    ask: 'POST /orders/on-behalf',
    bearer: onBehalf({ user_id: 'mary', user_roles: ['customer'] }),
    status: 201,
    body: { service: 'order-service', user: 'mary' },
  },
  {
    title:
      'calls of a handler are made for whom it was called, in the same trace, and know the token that they must not hand on',
    ask: 'GET /onward',
    bearer: customer,
    headers: ['traceparent', TRACEPARENT, 'tracestate', 'a=1', 'tracestate', 'b=2', 'x-user-context', 'john'],
    status: 200,
    body: { userId: 'mary', traceparent: TRACEPARENT, tracestate: 'a=1,b=2', subjectToken: customer },
  },
  {
    title: 'calls of a handler that a service called for itself are made for nobody',
    ask: 'GET /onward',
    bearer: charge,
    headers: ['x-user-context', 'john'],
    status: 200,
    body: { subjectToken: charge },
  },
  {
    title: 'calls of a handler behind a certificate alone know no token',
    ask: 'GET /onward',
    certificate: order,
    status: 200,
    body: {},
  },
  { title: 'everybody sees a public route', ask: 'GET /health', status: 200, body: { service: null, user: null } },
  {
    title: 'a public route does not look at what is sent',
    ask: 'GET /health',
    bearer: 'not.a.token',
    status: 200,
    body: { service: null, user: null },
  },
];

const authenticator = () =>
  anyOf(
    bearer({
      issuers: [{ issuer: ISSUER, keys: createPushedJwks(keySetBytes(key.jwk())) }],
      audience: AUDIENCE,
      systemScopes: ['payment:charge'],
    }),
    mutualTls({ allowedClients: ['CN=order-service,O=Acme'] }),
  );

for (const [name, start] of Object.entries(FRAMEWORKS)) {
  describe(name, () => {
    const ran: string[] = [];
    const records: AccessRecord[] = [];
    let auth: ServiceAuth;
    let served: GuardedServer;
    before(async () => {
      auth = serviceAuth({
        service: AUDIENCE,
        authenticator: authenticator(),
        audit: (record) => records.push(record),
      });
      served = await start({ auth, routes: paymentRoutes((route) => ran.push(route)), tls: serverTls });
    });
    after(async () => {
      await served[Symbol.asyncDispose]();
      auth.close();
    });

    for (const row of ROWS) {
      test(`${row.title} (${row.ask}: ${row.status})`, async () => {
        ran.length = 0;
        records.length = 0;
        const answer = await ask(served.port, row);
        assert.equal(answer.status, row.status, answer.raw);
        if (row.body !== undefined) assert.deepEqual(JSON.parse(answer.body), row.body);
        if (row.code !== undefined) assertRefused(row, answer);
        assert.equal(ran.length, row.code === undefined ? 1 : 0, 'the handler runs exactly when the call is accepted');
        assertRecorded(row, records);
      });
    }
  });
}

test('S4-006 with every credential of one service an attacker reaches what that service may, and nothing else', async () => {
  const reached: string[] = [];
  const routes = paymentRoutes((route) => reached.push(route));
  const auth = serviceAuth({ service: AUDIENCE, authenticator: authenticator() });
  await using served = await startExpress({ auth, routes, tls: serverTls });
  for (const { method, path } of routes) {
    for (const stolen of [{ bearer: charge }, { certificate: order }, { bearer: charge, certificate: order }]) {
      await ask(served.port, { title: '', status: 0, ask: `${method} ${path.replace(/:\w+/, '43')}`, ...stolen });
    }
  }
  assert.deepEqual(
    [...new Set(reached)],
    [
      'POST /charge',
      'POST /commands',
      'GET /orders/:id',
      'DELETE /tenants/:tenantId',
      'GET /onward',
      'GET /health',
      'GET /broken',
    ],
  );
});

test('S0-12 each side refuses a certificate that is not of its authority', async () => {
  const auth = serviceAuth({
    service: AUDIENCE,
    authenticator: mutualTls({ allowedClients: ['CN=order-service,O=Acme'] }),
  });
  await using served = await startExpress({ auth, routes: paymentRoutes(() => {}), tls: serverTls });
  const tls = { ca: strangers.certPem, cert: order.certPem, key: order.keyPem };
  await assert.rejects(sendRequest({ port: served.port, tls }, { method: 'POST', target: '/commands' }), /certificate/);
  const row = { title: '', ask: 'POST /commands', status: 0 };
  assert.equal((await ask(served.port, { ...row, certificate: forged })).status, 401);
  assert.equal((await ask(served.port, { ...row, certificate: order })).status, 200);
});

describe('S0-05 a route whose rule was forgotten', () => {
  const forgotten: ServiceRoute = {
    method: 'POST',
    path: '/admin/payouts',
    rule: undefined,
    handle: () => assert.fail('the handler ran'),
  };
  const payments = () => serviceAuth({ service: AUDIENCE, authenticator: authenticator() });

  for (const [name, start] of Object.entries(FRAMEWORKS)) {
    if (name === 'NestJS') continue;
    test(`stops the start in ${name}, by its name`, async () => {
      const routes = [...paymentRoutes(() => {}), forgotten];
      await assert.rejects(
        start({ auth: payments(), routes }),
        /^Error: payment-service: POST \/admin\/payouts: nobody said who may call/,
      );
    });
  }

  test('refuses everybody in NestJS', async () => {
    const routes = [...paymentRoutes(() => {}), forgotten];
    await using served = await startNest({ auth: payments(), routes });
    for (const headers of [[], ['Authorization', `Bearer ${charge}`]]) {
      const { status, body } = await sendRequest(
        { port: served.port },
        { method: 'POST', target: '/admin/payouts', headers },
      );
      assert.deepEqual([status, JSON.parse(body).code], [403, 'route_undeclared']);
    }
    assert.equal((await sendRequest({ port: served.port }, { target: '/health' })).status, 200);
  });
});

describe('S1-104 a route that is for services alone and lets users in', () => {
  /** A rule, and the wrong one: whoever is an administrator deletes tenants. */
  const open: ServiceRoute = {
    method: 'DELETE',
    path: '/admin/tenants/:tenantId',
    rule: (guards) => guards.requireRoles('admin'),
    handle: () => assert.fail('the handler ran'),
  };
  const payments = (serviceOnlyRoutes: RegExp) =>
    serviceAuth({ service: AUDIENCE, authenticator: authenticator(), serviceOnlyRoutes });

  for (const [name, start] of Object.entries(FRAMEWORKS)) {
    if (name === 'NestJS') continue;
    test(`stops the start in ${name}, by its name, and a guarded one does not`, async () => {
      const routes = paymentRoutes(() => {});
      await assert.rejects(
        start({ auth: payments(/^DELETE .*\/tenants\//), routes: [...routes, open] }),
        /^Error: payment-service: DELETE \/admin\/tenants\/:tenantId: users could call it; put serviceOnly/,
      );
      await using _ = await start({ auth: payments(/^DELETE .*\/tenants\//), routes });
    });
  }

  test('refuses everybody in NestJS', async () => {
    await using served = await startNest({ auth: payments(/\./), routes: [open] });
    for (const bearer of [charge, token(asUser('root', 'admin'))]) {
      const { status, body } = await sendRequest(
        { port: served.port },
        { method: 'DELETE', target: '/admin/tenants/t1', headers: ['Authorization', `Bearer ${bearer}`] },
      );
      assert.deepEqual([status, JSON.parse(body).code], [403, 'route_undeclared']);
    }
  });
});

function ask(port: number, { ask: asked, bearer: text, headers = [], certificate }: Row) {
  const [method = '', target = ''] = asked.split(' ');
  const authorization = text === undefined ? [] : ['Authorization', `Bearer ${text}`];
  const request: WireRequest = { method, target, headers: [...headers, ...authorization] };
  const shown = certificate === undefined ? {} : { cert: certificate.certPem, key: certificate.keyPem };
  return sendRequest({ port, tls: { ca: authority.certPem, ...shown } }, request);
}

function assertRefused({ code, status }: Row, { headers, body }: Awaited<ReturnType<typeof ask>>): void {
  // Some frameworks add the charset that JSON has anyway.
  assert.match(headers['content-type'] ?? '', /^application\/problem\+json(?:; charset=utf-8)?$/);
  assert.equal(JSON.parse(body).code, code);
  if (status === 401 || code === 'insufficient_scope') assert.match(headers['www-authenticate'] ?? '', /^Bearer/);
}

/** S4-007: each call of a route that is not public has one record, and no record has a token. */
function assertRecorded(row: Row, records: readonly AccessRecord[]): void {
  if (row.ask === 'GET /health') {
    assert.deepEqual(records, []);
    return;
  }
  const [record, ...others] = records;
  assert.deepEqual(others, []);
  assert.deepEqual([record?.decision, record?.code], [row.code === undefined ? 'allow' : 'deny', row.code]);
  assert.doesNotMatch(JSON.stringify(record), /eyJ/);
}
