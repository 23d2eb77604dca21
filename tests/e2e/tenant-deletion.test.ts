/** The tenant deletion of examples/tenant-deletion, over its gateway and past it: who gets in, and what is left afterwards. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ask } from '../../examples/tenant-deletion/ask.ts';
import { SERVICES } from '../../examples/tenant-deletion/services/topology.ts';
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

      test(`${id}${direct} S1-032 no ${operation} for a user, not even an admin: 403, twelve times`, async () => {
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
