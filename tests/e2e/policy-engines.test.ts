/** The policy engines behind one port: equal answers to equal requests, and a denial whenever one cannot answer. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { StartRefused } from '../../packages/sidegate/src/cli/start-finding.ts';
import { askEngine, assertEngineRow, ENGINE_ROWS, REGO, ROLES } from '../support/engine-table.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { decidedBy, type FakeOpa, startFakeOpa } from '../support/opa-answer.ts';

const QUERY = '  authz: { policy_query: data.order.allow }';
const FILES = { '/roles.yaml': ROLES, '/policies/order.rego': REGO };

describe('equal answers to equal requests', () => {
  const ENGINES: readonly (readonly [name: string, policy: string, proxy: string])[] = [
    ['builtin', 'policy: { engine: builtin, path: /roles.yaml }', '  authz: { enabled: true }'],
    ['opa_embedded', 'policy: { engine: opa_embedded, path: /policies }', QUERY],
    [
      'opa_embedded by policy.query',
      'policy: { path: /policies, query: data.order.allow }',
      '  authz: { enabled: true }',
    ],
    ['opa_sidecar', 'policy: { engine: opa_sidecar, opa: { url: "${OPA}", timeout: 5s } }', QUERY],
    [
      'opa_sidecar by policy_path',
      'policy: { engine: opa_sidecar, opa: { url: "${OPA}", policy_path: order/allow, timeout: 5s } }',
      '  authz: { enabled: true }',
    ],
  ];
  for (const [name, policy, proxy] of ENGINES) {
    describe(name, () => {
      let opa: FakeOpa;
      let ingress: Ingress;
      before(async () => {
        opa = await startFakeOpa(decidedBy(REGO));
        ingress = await startIngress({ proxy, chapters: policy, files: FILES, env: { OPA: opa.url } });
      });
      after(async () => {
        await ingress[Symbol.asyncDispose]();
        await opa[Symbol.asyncDispose]();
      });
      for (const row of ENGINE_ROWS) {
        test(`${row.title} is ${row.allowed ? 'allowed' : 'policy_denied'}`, () => assertEngineRow(ingress, row));
      }
    });
  }
});

describe('C-225 opa_sidecar denies when OPA', () => {
  let opa: FakeOpa;
  let ingress: Ingress;
  before(async () => {
    opa = await startFakeOpa(() => undefined);
    const chapters = 'policy: { engine: opa_sidecar, opa: { url: "${OPA}", timeout: 300ms, retry: 0 } }';
    ingress = await startIngress({ proxy: QUERY, chapters, env: { OPA: opa.url } });
  });
  after(async () => {
    await ingress[Symbol.asyncDispose]();
    await opa[Symbol.asyncDispose]();
  });

  const body =
    (text: string, status = 200): FakeOpa['answer'] =>
    (_question, response) =>
      void response
        .writeHead(status, { 'content-type': 'application/json', location: 'http://127.0.0.1:1/' })
        .end(text);
  const ROWS: readonly (readonly [title: string, code: ProblemCode, answer: FakeOpa['answer']])[] = [
    ['says false', 'policy_denied', body('{"result":false}')],
    ['says that allow is false', 'policy_denied', body('{"result":{"allow":false}}')],
    ['finds the rule undefined', 'policy_undefined', body('{}')],
    ['says "true"', 'policy_undefined', body('{"result":"true"}')],
    ['says 1', 'policy_undefined', body('{"result":1}')],
    ['says null', 'policy_undefined', body('{"result":null}')],
    ['says [true]', 'policy_undefined', body('{"result":[true]}')],
    ['says that allow is "yes"', 'policy_undefined', body('{"result":{"allow":"yes"}}')],
    ['answers a list', 'policy_error', body('[{"result":true}]')],
    ['answers true and no object', 'policy_error', body('true')],
    ['answers nothing', 'policy_error', body('')],
    ['answers HTML', 'policy_error', body('<html>')],
    ['answers twice', 'policy_error', body('{"result":true}{"result":true}')],
    ['says false and true', 'policy_error', body('{"result":false,"result":true}')],
    ['answers 201', 'policy_error', body('{"result":true}', 201)],
    ['answers 302', 'policy_error', body('{"result":true}', 302)],
    ['answers 404', 'policy_error', body('{"result":true}', 404)],
    ['answers 500', 'policy_error', body('{"result":true}', 500)],
    ['answers more than 1 MiB', 'policy_error', body(`{"result":true,"x":"${'x'.repeat(1024 * 1024)}"}`)],
    ['breaks the connection', 'policy_error', (_, response) => void response.socket?.resetAndDestroy()],
    ['says nothing in time', 'policy_timeout', () => undefined],
    ['says half of it in time', 'policy_timeout', (_, response) => void response.write('{"result":')],
  ];
  for (const [title, code, answer] of ROWS) {
    test(`${title}: ${code}`, async () => {
      opa.answer = answer;
      await ingress.refused(code, () => ingress.send({ target: '/orders' }));
    });
  }

  test('is not there: policy_error', async () => {
    const gone = 'policy: { engine: opa_sidecar, opa: { url: "http://127.0.0.1:1" } }';
    await using alone = await startIngress({ proxy: QUERY, chapters: gone });
    await alone.refused('policy_error', () => alone.send({ target: '/orders' }));
  });

  test('and lets pass what it allows, with the input of the contract', async () => {
    opa.answer = body('{"result":{"allow":true,"reasons":["fine"]}}');
    assert.equal((await ingress.send({ target: '/orders?a=1' })).status, 200);
    const { url, method, body: asked = '' } = opa.asked.at(-1) ?? {};
    assert.deepEqual([method, url], ['POST', '/v1/data/order/allow']);
    const { input } = JSON.parse(asked) as { input: { request: object; token: { sub: string } } };
    assert.deepEqual(input.request, {
      method: 'GET',
      path: '/orders',
      upstream_path: '/orders',
      query: 'a=1',
      host: 'localhost',
    });
    assert.equal(input.token.sub, 'user-123');
    assert.deepEqual(ingress.sidecar.audit.at(-1)?.['reasons'], ['fine']);
  });
});

describe('policy.opa.retry', () => {
  for (const [retry, status, times] of [
    [0, 403, 1],
    [2, 200, 3],
  ] as const) {
    test(`${retry}: a connection that breaks twice ends in ${status}`, async () => {
      await using opa = await startFakeOpa((_, response) => {
        if (opa.asked.length < 3) response.socket?.resetAndDestroy();
        else response.end('{"result":true}');
      });
      const chapters = `policy: { engine: opa_sidecar, opa: { url: "\${OPA}", timeout: 5s, retry: ${retry} } }`;
      await using ingress = await startIngress({ proxy: QUERY, chapters, env: { OPA: opa.url } });
      assert.equal((await ingress.send({ target: '/orders' })).status, status);
      assert.equal(opa.asked.length, times);
    });
  }
});

describe('policy.fallback', () => {
  const chapters = (fallback: string): string =>
    `policy: { engine: opa_sidecar, opa: { url: "\${OPA}", timeout: 300ms, retry: 0 }, fallback: ${fallback} }`;
  const customer = { method: 'GET', path: '/orders', access: { roles: ['customer'] } };
  const stranger = { ...customer, access: { roles: ['stranger'] } };
  for (const [name, fallback] of [
    ['builtin', '{ engine: builtin, path: /roles.yaml }'],
    ['opa_embedded', '{ engine: opa_embedded, path: /policies }'],
  ] as const) {
    test(`${name} decides while OPA is away, and only then`, async () => {
      await using opa = await startFakeOpa((_, response) => void response.socket?.resetAndDestroy());
      const options = { proxy: QUERY, chapters: chapters(fallback), files: FILES, env: { OPA: opa.url } };
      await using ingress = await startIngress(options);
      await ingress.refused('policy_denied', () => askEngine(ingress, stranger));
      assert.equal((await askEngine(ingress, customer)).status, 200);
      assert.match(
        String(ingress.sidecar.audit.at(-1)?.['reasons']),
        /decided by policy\.fallback: OPA cannot be reached/,
      );
      opa.answer = (_, response) => void response.writeHead(503).end();
      assert.equal((await askEngine(ingress, customer)).status, 200);
      opa.answer = () => undefined;
      assert.equal((await askEngine(ingress, customer)).status, 200);
      for (const [code, text, answered] of [
        ['policy_denied', '{"result":false}', 200],
        ['policy_undefined', '{}', 200],
        ['policy_error', 'nonsense', 200],
        ['policy_error', '{"code":"internal_error"}', 500],
      ] as const) {
        opa.answer = (_, response) => void response.writeHead(answered).end(text);
        await ingress.refused(code, () => askEngine(ingress, customer));
      }
    });
  }
});

describe('roles that are refused', () => {
  const ROWS: readonly (readonly [title: string, roles: string, reason: RegExp])[] = [
    [
      'an unknown key',
      'roles: { a: { permissions: [{ pathe: /a }] } }',
      /roles\.yaml:1:\d+: error: .*pathe: is an unknown key/,
    ],
    ['a method in lower case', 'roles: { a: { permissions: [{ methods: [get], path: /a }] } }', /is not a method/],
    ['a path with dots', 'roles: { a: { permissions: [{ path: /a/../b }] } }', /is not a path pattern/],
    ['a role without permissions', 'roles: { a: { permissions: [] } }', /must not be empty/],
    ['nothing', '', /is required/],
  ];
  for (const [title, roles, reason] of ROWS) {
    test(`${title}: the start is refused with file and line`, async () => {
      const chapters = 'policy: { engine: builtin, path: /roles.yaml }';
      const start = startIngress({ proxy: '  authz: { enabled: true }', chapters, files: { '/roles.yaml': roles } });
      await assert.rejects(start, (error) => {
        assert.ok(error instanceof StartRefused);
        assert.match(error.message, reason);
        return true;
      });
    });
  }
});
