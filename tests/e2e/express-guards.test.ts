/** What Express alone has: routers inside routers, parsers of bodies, and what a handler finds on its request. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPushedJwks, Problem } from '@sidegate/sdk';
import { type ExpressGuards, expressGuards } from '@sidegate/sdk/express';
import {
  type Authenticator,
  bearer,
  createIdempotency,
  memoryIdempotencyStore,
  serviceAuth,
} from '@sidegate/sdk/server';
import express, { type Express, type RequestHandler, Router } from 'express';
import { createGuardedServer, serving } from '../support/frameworks/serving.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { sendRequest, type WireRequest } from '../support/wire.ts';

const key = createSigningKey('ES256', 'k1');
const now = Math.floor(Date.now() / 1000);
const tokens = () =>
  bearer({
    issuers: [{ issuer: 'checkout-service', keys: createPushedJwks(keySetBytes(key.jwk())) }],
    audience: 'order-service',
  });
const bearing = (claims: object = {}): readonly string[] => {
  const standard = { iss: 'checkout-service', sub: 'checkout-service', aud: 'order-service', iat: now, exp: now + 300 };
  return ['Authorization', `Bearer ${mint({ ...standard, scope: ['orders:create'], ...claims }, { key })}`];
};

const guardsWith = (authenticator: Authenticator = tokens()): ExpressGuards =>
  expressGuards(serviceAuth({ service: 'order-service', authenticator, errors: 'service-auth' }));

async function asked(app: Express, request: WireRequest) {
  app.set('env', 'test');
  await using served = await serving(createGuardedServer(app, undefined));
  return await sendRequest({ port: served.port }, request);
}

describe('routes that have no rule stop the start', () => {
  const handler: RequestHandler = (_request, response) => void response.json({});
  const missing = (build: (app: Express, guards: ExpressGuards) => void): string => {
    const app = express();
    const guards = guardsWith();
    build(app, guards);
    try {
      guards.requireRules(app);
      return '';
    } catch (error) {
      return String(error).replace(/^Error: order-service: (.*): nobody said who may call.*$/, '$1');
    }
  };

  for (const [title, build, expected] of [
    ['one beside others', (app, guards) => app.get('/a', guards.serviceOnly(), handler).post('/b', handler), 'POST /b'],
    [
      'a second method of a path',
      (app, guards) => app.route('/a').get(guards.serviceOnly(), handler).post(handler),
      'POST /a',
    ],
    ['one of a router', (app) => app.use('/api', Router().delete('/c', handler)), 'DELETE /c'],
    [
      'one of a router in a router',
      (app) => app.use('/api', Router().use('/v1', Router().put('/d', handler))),
      'PUT /d',
    ],
    [
      'one whose guard comes behind the handler',
      (app, guards) => app.get('/j', handler, guards.serviceOnly()),
      'GET /j',
    ],
    [
      'one with a guard for another path',
      (app, guards) => app.use('/admin', guards.serviceOnly()).get('/e', handler),
      'GET /e',
    ],
    ['one that comes before the guard', (app, guards) => app.get('/f', handler).use(guards.serviceOnly()), 'GET /f'],
    ['one with middleware that is no guard', (app) => app.get('/g', express.json(), handler), 'GET /g'],
    ['two of them', (app) => app.get('/h', handler).get('/i', handler), 'GET /h, GET /i'],
  ] as const satisfies readonly (readonly [string, (app: Express, guards: ExpressGuards) => unknown, string])[]) {
    test(`S0-05 ${title}: ${expected}`, () => assert.equal(missing(build), expected));
  }

  test('a guard of the route, or of the whole router above it, is a rule', () => {
    const none = missing((app, guards) => {
      app.get('/a', guards.publicRoute(), handler);
      app.use('/api', Router().use(guards.serviceOnly()).get('/b', handler).use('/v1', Router().post('/c', handler)));
      app.route('/d').all(guards.serviceOnly()).get(handler).post(handler);
    });
    assert.equal(none, '');
  });
});

describe('what a handler finds on its request', () => {
  const app = (seen: unknown[]): Express => {
    const guards = guardsWith();
    return express().post('/orders', guards.requireServiceAuth(['orders:create']), (request, response) => {
      const { callerService, callerScopes, principal } = request;
      // As services of the fourth kind log it.
      if (request.propagatedUserId !== undefined)
        seen.push({ userId: request.propagatedUserId, callerService, message: 'Creating order on behalf of user' });
      response
        .status(201)
        .json({ callerService, callerScopes, has: 'propagatedUserId' in request, roles: principal?.user?.roles });
    });
  };
  const post = (headers: readonly string[]): WireRequest => ({ method: 'POST', target: '/orders', headers });

  test('S4-060 without a token nothing at all', async () => {
    const { status, body } = await asked(app([]), post([]));
    assert.deepEqual([status, JSON.parse(body)], [401, { error: { code: 'MISSING_TOKEN' } }]);
  });

  test('S4-026 S4-065 S4-066 S4-067 the service and its scopes, and no user where none is named', async () => {
    const { status, body } = await asked(app([]), post(bearing({ scope: ['orders:create', 'orders:read'] })));
    const caller = { callerService: 'checkout-service', callerScopes: ['orders:create', 'orders:read'], has: false };
    assert.deepEqual([status, JSON.parse(body)], [201, caller]);
  });

  test('S4-067 S4-105 S4-108 the user for whom the service calls, for the line that the service logs', async () => {
    const seen: unknown[] = [];
    const { body } = await asked(app(seen), post(bearing({ user_id: 'user-9', user_roles: ['customer'] })));
    assert.deepEqual(JSON.parse(body).roles, ['customer']);
    assert.deepEqual(seen, [
      { userId: 'user-9', callerService: 'checkout-service', message: 'Creating order on behalf of user' },
    ]);
  });
});

describe('a verifier that reads the body', () => {
  const reading: Authenticator = {
    async authenticate(request) {
      const body = Buffer.from(await request.body()).toString();
      if (!body.includes('signed')) throw new Problem('signature_invalid', 'not signed');
      return {
        proofs: ['signature'],
        service: { name: 'order-service', spiffeId: undefined },
        user: undefined,
        scopes: [],
        roles: [],
        claims: undefined,
      };
    },
    close() {},
  };
  const app = (before: readonly RequestHandler[] = []): Express => {
    const guards = guardsWith(reading);
    const one = express();
    for (const each of before) one.use(each);
    return one.post('/', guards.serviceOnly(), express.json({ limit: '4mb' }), (request, response) => {
      response.json({ signed: request.body?.signed });
    });
  };
  const chunked = (text: string): WireRequest => ({
    method: 'POST',
    headers: ['Content-Type', 'application/json', 'Transfer-Encoding', 'chunked'],
    body: `${text
      .split('')
      .map((each) => `1\r\n${each}\r\n`)
      .join('')}0\r\n\r\n`,
  });
  const whole = (body: string): WireRequest => ({
    method: 'POST',
    headers: ['Content-Type', 'application/json'],
    body,
  });

  for (const [title, request, status] of [
    ['none', { method: 'POST' }, 401],
    ['an empty one', whole(''), 401],
    ['one that is not signed', whole('{}'), 401],
    ['one that is too large', whole(JSON.stringify({ signed: 'x'.repeat(1_100_000) })), 413],
  ] as const) {
    test(`refuses ${title}: ${status}`, async () => assert.equal((await asked(app(), request)).status, status));
  }

  for (const [title, request] of [
    ['in one piece', whole('{"signed":"abc"}')],
    ['in many', chunked('{"signed":"abc"}')],
  ] as const) {
    test(`leaves the same bytes to the parser, ${title}`, async () => {
      const { status, body } = await asked(app(), request);
      assert.deepEqual([status, JSON.parse(body)], [200, { signed: 'abc' }]);
    });
  }

  test('needs the bytes of a parser that came first, and finds them', async () => {
    const request = whole('{"signed":"abc"}');
    assert.equal((await asked(app([express.json()]), request)).status, 500, 'nobody kept them, so nobody is let in');
    const keeping = express.json({
      verify: (message, _response, bytes) => void Object.assign(message, { rawBody: bytes }),
    });
    assert.equal((await asked(app([keeping]), request)).status, 200);
  });
});

test('S0-69 a charge that is sent twice with one Idempotency-Key is made once', async () => {
  const guards = guardsWith();
  const once = createIdempotency({ store: memoryIdempotencyStore({ maxEntries: 10 }) });
  const charged: unknown[] = [];
  const app = express();
  app.post('/charge', guards.requireServiceAuth(['orders:create']), express.json(), async (request, response) => {
    const { principal, body: payload } = request;
    assert.ok(principal !== undefined);
    const receipt = await once(
      { principal, key: request.get('Idempotency-Key'), operation: 'charge', payload },
      async () => {
        charged.push(payload);
        return { receipt: charged.length };
      },
    );
    response.json(receipt);
  });
  app.use(guards.refusals);
  const post = async (idempotencyKey: string, cents: number) => {
    const fields = idempotencyKey === '' ? [] : ['Idempotency-Key', idempotencyKey];
    const headers = [...bearing(), ...fields, 'Content-Type', 'application/json'];
    const { status, body } = await asked(app, {
      method: 'POST',
      target: '/charge',
      headers,
      body: JSON.stringify({ cents }),
    });
    return [status, JSON.parse(body).receipt ?? JSON.parse(body).error.code];
  };
  assert.deepEqual(await post('', 500), [400, 'IDEMPOTENCY_KEY_MISSING']);
  assert.deepEqual(await post('k1', 500), [200, 1]);
  assert.deepEqual(await post('k1', 500), [200, 1]);
  assert.deepEqual(await post('k1', 900), [422, 'IDEMPOTENCY_KEY_REUSED']);
  assert.deepEqual(await post('k2', 500), [200, 2]);
  assert.deepEqual(charged, [{ cents: 500 }, { cents: 500 }]);
});
