/** The tenant deletion of examples/tenant-deletion, over its gateway and past it: who gets in, and what is left afterwards. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { expressGuards } from '@sidegate/sdk/express';
import { serviceAuth } from '@sidegate/sdk/server';
import { platformTokens } from '@sidegate/sdk/service-tokens';
import express, { type RequestHandler } from 'express';
import { ask } from '../../examples/tenant-deletion/ask.ts';
import { createPlatformKeys, signingHandler, verifyingHandler } from '../../examples/tenant-deletion/auth-service.ts';
import { TENANT_DATA } from '../../examples/tenant-deletion/services/running-service.ts';
import { ORCHESTRATOR, SERVICES } from '../../examples/tenant-deletion/services/topology.ts';
import { bearer, startTestPlatform, type TestPlatform } from '../support/tenant-platform.ts';

const TENANT = 'dbc2128a-7539-470c-94b9-c1e37031bd77';
const ONLY_SERVICES = 'This endpoint is only accessible to internal services';

let started: TestPlatform;
before(async () => {
  started = await startTestPlatform([TENANT]);
});
after(() => started[Symbol.asyncDispose]());

const WAYS = {
  'through the gateway': (name: string) => `${started.platform.gateway}/api/v1/${name}`,
  'directly on the port of the service': (name: string) => started.platform.directUrl(name),
} as const;

const OPERATIONS = [
  ['S1-081', 'preview', 'GET', `/tenant/${TENANT}/deletion-preview`],
  ['S1-082', 'deletion', 'DELETE', `/tenant/${TENANT}`],
] as const;

test('S1-084 the services are the twelve of the smoke test', () => {
  assert.equal(
    started.platform.names.join(' '),
    'orders inventory recipes sales production suppliers pos external forecasting training alert-processor notification',
  );
});

for (const [way, urlOf] of Object.entries(WAYS)) {
  const direct = way.startsWith('directly') ? ' S1-083 S1-108' : '';
  const asked = (
    name: string,
    method: 'GET' | 'DELETE',
    path: string,
    headers: Readonly<Record<string, string>> = {},
  ) => ask({ method, url: `${urlOf(name)}${path}`, headers, ca: started.ca });

  describe(way, () => {
    for (const [id, operation, method, path] of OPERATIONS) {
      test(`${id}${direct} no ${operation} without a token: 401, twelve times`, async () => {
        for (const { name } of SERVICES) assert.equal((await asked(name, method, path)).status, 401, name);
      });

      test(`${id}${direct} S1-006 S1-031 S1-032 no ${operation} for a user, not even an admin: 403, twelve times`, async () => {
        for (const { name } of SERVICES) {
          const { status, body } = await asked(name, method, path, bearer(started.userToken));
          assert.equal(status, 403, name);
          assert.ok(body.includes(ONLY_SERVICES), body);
        }
      });

      test(`${direct.trim()} S1-048 S1-049 no ${operation} for a user who claims to be a service: 403`, async () => {
        const forged = {
          'x-user-type': 'service',
          'x-service-name': 'tenant-deletion-orchestrator',
          'x-user-role': 'admin',
        };
        assert.equal((await asked('orders', method, path, { ...forged, ...bearer(started.userToken) })).status, 403);
        assert.equal((await asked('orders', method, path, forged)).status, 401);
      });
    }

    test(`S1-081${direct} a preview is 200 for a service and deletes nothing, twice the same`, async () => {
      for (const { name, rows } of SERVICES) {
        for (const _ of ['first', 'second']) {
          const { status, body } = await asked(
            name,
            'GET',
            `/tenant/${TENANT}/deletion-preview`,
            bearer(started.serviceToken),
          );
          assert.equal(status, 200, body);
          assert.deepEqual(JSON.parse(body), { service: name, tenant_id: TENANT, rows });
        }
      }
    });
  });
}

test('S1-104 S1-105 a service does not start with a destructive route that nobody guards, or that lets users in; each is named', () => {
  const authenticator = platformTokens({ tokens: verifyingHandler(started.keys) });
  const auth = serviceAuth({ service: 'orders-service', authenticator, serviceOnlyRoutes: TENANT_DATA });
  const guards = expressGuards(auth);
  const deleteTenant: RequestHandler = (_request, response) => void response.json({});
  const authenticate: RequestHandler = (_request, _response, next) => next();
  const starting = (app: express.Express) => () => guards.requireRules(app);
  const app = () => express().get('/health', guards.publicRoute(), deleteTenant);
  const path = '/api/v1/orders/tenant/:tenantId';

  const unguarded = app().delete(path, authenticate, deleteTenant);
  unguarded.use('/internal', express.Router().post('/tenant/:tenantId/purge', deleteTenant));
  assert.throws(
    starting(unguarded),
    /^Error: orders-service: DELETE \/api\/v1\/orders\/tenant\/:tenantId, POST .*\/tenant\/:tenantId\/purge: nobody said who may call/,
  );
  for (const open of [guards.requireRoles('admin'), guards.publicRoute()]) {
    assert.throws(
      starting(app().delete(path, open, deleteTenant)),
      /^Error: orders-service: DELETE \/api\/v1\/orders\/tenant\/:tenantId: users could call it; put serviceOnly/,
    );
  }
  assert.doesNotThrow(starting(app().delete(path, guards.serviceOnly(), deleteTenant)));
});

test('S1-107 a token that is not good gets no further than the gateway', async () => {
  const [head = '', claims = '', signature = ''] = started.serviceToken.split('.');
  const stranger = signingHandler(createPlatformKeys()).createServiceToken(ORCHESTRATOR);
  const before = started.audit.read().length;
  for (const token of [
    `${head}.${claims}.${signature.slice(0, -4)}AAAA`,
    `${head}.${claims}.`,
    stranger,
    'abc',
    'a.b.c',
  ]) {
    for (const { name } of SERVICES) {
      const url = `${started.platform.gateway}/api/v1/${name}/tenant/${TENANT}`;
      assert.equal((await ask({ method: 'DELETE', url, headers: bearer(token), ca: started.ca })).status, 401, name);
    }
  }
  assert.equal(started.audit.read().length, before, 'no service has seen any of them');
});

test('S1-050 S1-051 the gateway hands Authorization on, which the service verifies itself, and logs Service authentication with the name', async () => {
  const lines = started.gatewayLog.length;
  const url = `${started.platform.gateway}/api/v1/orders/tenant/${TENANT}/deletion-preview`;
  assert.equal((await ask({ method: 'GET', url, headers: bearer(started.serviceToken), ca: started.ca })).status, 200);
  const logged = started.gatewayLog.slice(lines);
  assert.equal(logged.length, 1);
  assert.match(logged[0] ?? '', /Service authentication.*tenant-deletion-orchestrator/);
});

test('S1-106 a service token reaches every tenant, and the guide says how to protect it', async () => {
  for (const tenant of [TENANT, 'another-tenant', 'a-third_one']) {
    const url = `${started.platform.directUrl('orders')}/tenant/${tenant}/deletion-preview`;
    assert.equal((await ask({ method: 'GET', url, headers: bearer(started.serviceToken) })).status, 200);
  }
  const guide = readFileSync(new URL('../../examples/tenant-deletion/README.md', import.meta.url), 'utf8');
  assert.match(guide, /^## What the token can do\n\nA service token may reach every tenant and delete/m);
});

test('a token for one tenant and one operation is good for nothing else, through the gateway and past it', async () => {
  const limits = { tenants: [TENANT], operations: ['tenant:preview'] };
  const token = signingHandler(started.keys).createServiceToken(ORCHESTRATOR, 60, limits);
  for (const urlOf of Object.values(WAYS)) {
    for (const [method, target, status] of [
      ['GET', `/tenant/${TENANT}/deletion-preview`, 200],
      ['GET', '/tenant/another-tenant/deletion-preview', 403],
      ['DELETE', `/tenant/${TENANT}`, 403],
    ] as const) {
      const url = `${urlOf('pos')}${target}`;
      const answer = await ask({ method, url, headers: bearer(token), ca: started.ca });
      assert.equal(answer.status, status, `${method} ${url}`);
      if (status === 403) assert.match(answer.body, /"code":"insufficient_scope"/);
    }
  }
});

test('what is no id of a tenant is 400 for a service, and still 401 and 403 for others', async () => {
  for (const [token, status] of [
    [started.serviceToken, 400],
    [started.userToken, 403],
    [undefined, 401],
  ] as const) {
    const url = `${started.platform.directUrl('orders')}/tenant/${'x'.repeat(65)}`;
    const headers = token === undefined ? {} : bearer(token);
    assert.equal((await ask({ method: 'DELETE', url, headers })).status, status);
  }
});
