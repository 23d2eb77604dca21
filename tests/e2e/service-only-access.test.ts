/** Routes for services alone, with tokens of a platform, in every framework: one guard protects a route, and nothing else has to be done. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { serviceAuth } from '@sidegate/sdk/server';
import { platformTokens } from '@sidegate/sdk/service-tokens';
import { startExpress } from '../support/frameworks/express.ts';
import { startFastify } from '../support/frameworks/fastify.ts';
import type { Framework, GuardedServer, ServiceRoute } from '../support/frameworks/guarded-service.ts';
import { startHono } from '../support/frameworks/hono.ts';
import { keyPairTokens, ORCHESTRATOR, sharedSecretTokens, USER_CLAIMS } from '../support/platform-tokens.ts';

const ONLY_SERVICES = 'This endpoint is only accessible to internal services';
const FRAMEWORKS: readonly (readonly [name: string, start: Framework])[] = [
  ['Express', startExpress],
  ['Fastify', startFastify],
  ['Hono', startHono],
];
const MAKERS = [
  ['key pairs', keyPairTokens()],
  ['a shared secret', sharedSecretTokens()],
] as const;

interface Deletion {
  readonly tenant: string;
  readonly by: string | undefined;
}

for (const [framework, start] of FRAMEWORKS) {
  for (const [keys, { handler, sign }] of MAKERS) {
    describe(`${framework}, tokens by ${keys}:`, () => {
      const deletions: Deletion[] = [];
      const records: Readonly<Record<string, unknown>>[] = [];
      const routes: readonly ServiceRoute[] = [
        {
          method: 'DELETE',
          path: '/tenant/:tenantId',
          rule: (guards) => guards.serviceOnly({ name: 'delete_tenant_data', operation: 'tenant:delete' }),
          handle: (principal, { tenantId }) => {
            deletions.push({ tenant: String(tenantId), by: principal?.service?.name });
            return { status: 200, body: { deleted: tenantId } };
          },
        },
      ];
      let server: GuardedServer;
      before(async () => {
        const auth = serviceAuth({
          service: 'orders-service',
          authenticator: platformTokens({ tokens: handler }),
          errors: 'detail',
          audit: (record) => void records.push({ ...record }),
        });
        server = await start({ auth, routes });
      });
      after(() => server[Symbol.asyncDispose]());

      const ask = async (headers: Readonly<Record<string, string>>, tenant = 't-1') => {
        const response = await fetch(`http://127.0.0.1:${server.port}/tenant/${tenant}`, { method: 'DELETE', headers });
        return { status: response.status, body: await response.text() };
      };
      const askWith = async (token: string | Promise<string>, tenant?: string) =>
        ask({ authorization: `Bearer ${await token}` }, tenant);

      for (const [title, token, status, words] of [
        ['S1-031 S1-032 a user, even an admin', () => sign(USER_CLAIMS), 403, ONLY_SERVICES],
        [
          'S1-030 a service that nobody knows',
          () => sign({ service: 'mallory', sub: 'mallory', user_id: 'mallory' }),
          403,
          ONLY_SERVICES,
        ],
        [
          'a user who says that is_service is "true"',
          () => sign({ ...USER_CLAIMS, is_service: 'true' }),
          403,
          ONLY_SERVICES,
        ],
        [
          'S1-119 a token without any mark of a service',
          () => sign({ type: undefined, is_service: undefined }),
          401,
          'Invalid token',
        ],
        ['a refresh token', () => sign({ ...USER_CLAIMS, type: 'refresh' }), 401, 'Invalid token'],
        ['a service without a name', () => sign({ service: undefined }), 401, 'Invalid token'],
        [
          'a token for other tenants',
          () => handler.createServiceToken(ORCHESTRATOR, 60, { tenants: ['t-2'] }),
          403,
          'The token is not for this tenant',
        ],
        [
          'a token for other operations',
          () => handler.createServiceToken(ORCHESTRATOR, 60, { operations: ['tenant:preview'] }),
          403,
          'The token is not for this operation',
        ],
        ['limits that are a text', () => sign({ tenants: 't-1' }), 401, 'Invalid token'],
      ] as const) {
        test(`S1-036 S1-114 ${title}: ${status}, the handler does not run, and the refusal is logged`, async () => {
          const before = records.length;
          const made = await token();
          const answer = await askWith(made);
          assert.deepEqual([answer.status, JSON.parse(answer.body)], [status, { detail: words }]);
          assert.deepEqual(deletions, []);
          assert.equal(records.length, before + 1);
          const { event, decision, reason } = records.at(-1) ?? {};
          assert.deepEqual([event, decision, typeof reason], ['service_only_access', 'deny', 'string']);
          assert.ok(!JSON.stringify(records).includes(made.slice(-20)), 'a token is in the log');
        });
      }

      test('S1-033 S1-115 nobody, and a token in another header: 401', async () => {
        assert.equal((await ask({})).status, 401);
        assert.equal((await ask({ token: handler.createServiceToken(ORCHESTRATOR, 60) })).status, 401);
        assert.deepEqual(deletions, []);
      });

      test('S1-048 headers that call a user a service change nothing', async () => {
        const forged = { 'x-user-type': 'service', 'x-service-name': ORCHESTRATOR, 'x-user-role': 'admin' };
        assert.equal((await ask(forged)).status, 401);
        assert.equal((await ask({ ...forged, authorization: `Bearer ${await sign(USER_CLAIMS)}` })).status, 403);
        assert.deepEqual(deletions, []);
      });

      for (const [title, token] of [
        ['S1-011 S1-028 type service', () => sign({ is_service: undefined })],
        ['S1-029 is_service true, without a type', () => sign({ type: undefined })],
        ['S1-106 no limits', () => handler.createServiceToken(ORCHESTRATOR, 60)],
        [
          'limits within which it stays',
          () => handler.createServiceToken(ORCHESTRATOR, 60, { tenants: ['t-1'], operations: ['tenant:delete'] }),
        ],
      ] as const) {
        test(`S1-026 S1-027 S1-034 S1-035 a service, with ${title}: the handler has tenant and caller, and the log its name`, async () => {
          deletions.length = 0;
          assert.equal((await askWith(token())).status, 200);
          assert.deepEqual(deletions, [{ tenant: 't-1', by: ORCHESTRATOR }]);
          const { message, service, endpoint, tenant_id: tenant } = records.at(-1) ?? {};
          assert.deepEqual(
            [message, service, endpoint, tenant],
            ['Service-only access granted', ORCHESTRATOR, 'delete_tenant_data', 't-1'],
          );
        });
      }
    });
  }
}
