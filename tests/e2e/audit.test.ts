/** One order through gateway, order and data sidecar, and refusals at each: what the records say, and what they never say. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startIngress } from '../support/ingress.ts';
import type { AuditLine, TestSidecar } from '../support/sidecar.ts';
import { startThreeSidecars, type ThreeSidecars } from '../support/three-sidecars.ts';
import { until } from '../support/until.ts';
import { sendRequest, type WireAnswer, type WireRequest } from '../support/wire.ts';

let zones: ThreeSidecars;
before(async () => {
  zones = await startThreeSidecars();
});
after(() => zones[Symbol.asyncDispose]());

function send(request: WireRequest): Promise<WireAnswer> {
  const { ca, gateway } = zones;
  const headers = ['Authorization', `Bearer ${zones.userToken()}`, ...(request.headers ?? [])];
  return sendRequest({ port: gateway.ingressPort, tls: { ca } }, { ...request, headers });
}

const REQUESTS = { gateway: 1, order: 2, data: 2 } as const;

/** Places an order and hands back what each sidecar recorded of it. */
async function placeOrder(correlationId: string): Promise<Readonly<Record<string, AuditLine>>> {
  const counts = [zones.gateway, zones.order, zones.data].map(({ audit }) => audit.length);
  const answer = await send({
    method: 'POST',
    target: '/api/v1/orders?dry=1',
    headers: ['X-Correlation-ID', correlationId, 'Content-Type', 'application/json'],
    body: '{"product_id":"PROD-123","quantity":2}',
  });
  assert.equal(answer.status, 200, answer.raw);
  const [gateway = [], order = [], data = []] = await Promise.all(
    [zones.gateway, zones.order, zones.data].map(async ({ audit }, index) => {
      const before = counts[index] ?? 0;
      const expected = Object.values(REQUESTS)[index] ?? 0;
      await until(() => audit.length - before >= expected);
      const records = audit.slice(before);
      assert.equal(records.length, expected, JSON.stringify(records));
      return records;
    }),
  );
  const one = (records: readonly AuditLine[], name: string, value: string): AuditLine => {
    const [record = {}, ...others] = records.filter((candidate) => candidate[name] === value);
    assert.deepEqual(others, []);
    return record;
  };
  return {
    gateway: one(gateway, 'direction', 'ingress'),
    order: one(order, 'direction', 'ingress'),
    egress: one(order, 'direction', 'egress'),
    data: one(data, 'event', 'request'),
    access: one(data, 'event', 'access'),
  };
}

function fields(record: AuditLine | undefined, names: readonly string[]): AuditLine {
  return Object.fromEntries(names.map((name) => [name, record?.[name]]));
}

describe('an order that is allowed', () => {
  let lines: Readonly<Record<string, AuditLine>>;
  before(async () => {
    lines = await placeOrder('req-abc-123');
  });

  const ROWS: readonly (readonly [title: string, line: string, expected: AuditLine])[] = [
    [
      'S3-228 the gateway names user, method, path and downstream',
      'gateway',
      {
        level: 'info',
        service: 'api-gateway',
        event: 'request',
        decision: 'allow',
        status: 200,
        user_id: 'user-123',
        method: 'POST',
        path: '/api/v1/orders',
        upstream_path: '/orders',
        downstream: 'order-service',
        correlation_id: 'req-abc-123',
      },
    ],
    [
      'S3-229 the order service names the client certificate and the user',
      'order',
      {
        level: 'info',
        service: 'order-service',
        event: 'request',
        decision: 'allow',
        mtls_client: 'api-gateway-client',
        calling_service: 'api-gateway',
        user_context: 'user-123',
        method: 'POST',
        path: '/orders',
        correlation_id: 'req-abc-123',
      },
    ],
    [
      'S3-042 S3-043 its egress names the target',
      'egress',
      {
        service: 'order-service',
        downstream: 'data-service',
        path: '/data/orders',
        upstream_path: '/orders',
        status: 200,
      },
    ],
    [
      'S3-080 S3-230 the data service names calling service, user, decision and reasons',
      'data',
      {
        level: 'info',
        service: 'data-service',
        event: 'request',
        mtls_client: 'order-service-client',
        calling_service: 'order-service',
        user_context: 'user-123',
        context_verified: true,
        user_id: undefined,
        decision: 'allow',
        method: 'POST',
        path: '/orders',
        correlation_id: 'req-abc-123',
      },
    ],
    [
      'S3-106 S3-233 and adds the line of the access',
      'access',
      {
        service: 'data-service',
        event: 'access',
        calling_service: 'order-service',
        user_context: 'user-123',
        action: 'write',
        resource: 'orders',
        decision: 'allow',
        correlation_id: 'req-abc-123',
      },
    ],
  ];
  for (const [title, line, expected] of ROWS) {
    test(title, () => assert.deepEqual(fields(lines[line], Object.keys(expected)), expected));
  }

  test('S3-204 S3-230 the reasons are those of the policy', () => {
    assert.deepEqual(lines['data']?.['reasons'], [
      'service order-service has permission write-orders',
      'valid mTLS client',
      'valid service token',
    ]);
  });

  test('S3-218 SD-13 service is who writes, user is sub and name apart', () => {
    assert.deepEqual(lines['gateway']?.['user'], { sub: 'user-123', name: 'john' });
    assert.equal(lines['data']?.['user'], undefined);
  });

  test('S3-232 the three records of one trace are linked', () => {
    const traces = ['gateway', 'order', 'egress', 'data'].map((line) => lines[line]?.['trace_id']);
    assert.equal(new Set(traces).size, 2, 'the order app hands no trace on, so its call begins a new one');
    assert.equal(traces[0], traces[1]);
    assert.equal(traces[2], traces[3]);
  });

  test('S3-232 a correlation id that is absent is made once and runs through all of them', async () => {
    const made = await placeOrder('not usable {}');
    const ids = new Set(Object.values(made).map((record) => record['correlation_id']));
    assert.equal(ids.size, 1);
    assert.match(String([...ids][0]), /^req-[0-9a-f]{24}$/);
  });
});

describe('S3-010 S3-231 a denial is one record as well', () => {
  const COMMON = ['level', 'service', 'event', 'decision', 'code'];

  test('at the gateway: a token of another realm', async () => {
    const before = zones.gateway.audit.length;
    const token = zones.userToken({ iss: 'https://keycloak.example.com/realms/services' });
    const wire = { port: zones.gateway.ingressPort, tls: { ca: zones.ca } };
    await sendRequest(wire, { target: '/api/v1/orders', headers: ['Authorization', `Bearer ${token}`] });
    await until(() => zones.gateway.audit.length > before);
    const [record, ...others] = zones.gateway.audit.slice(before);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [...COMMON, 'method', 'path', 'user_id'].map((name) => record?.[name]),
      ['warn', 'api-gateway', 'request', 'deny', 'token_issuer_mismatch', 'GET', '/api/v1/orders', undefined],
    );
    assert.match(String(record?.['reasons']), /realms\/services|issuer/);
  });

  test('at the order service: a user without the role, refused behind the gateway', async () => {
    const before = zones.order.audit.length;
    const token = zones.userToken({ realm_access: { roles: ['customer'] } });
    const wire = { port: zones.gateway.ingressPort, tls: { ca: zones.ca } };
    const headers = ['Authorization', `Bearer ${token}`, 'X-Correlation-ID', 'req-denied'];
    const answer = await sendRequest(wire, { method: 'POST', target: '/api/v1/orders', headers, body: '{}' });
    assert.equal(answer.status, 403);
    await until(() => zones.order.audit.length > before && zones.gateway.audit.at(-1)?.['status'] === 403);
    const [record, ...others] = zones.order.audit.slice(before);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [...COMMON, 'user_id', 'mtls_client', 'correlation_id'].map((name) => record?.[name]),
      ['warn', 'order-service', 'request', 'deny', 'policy_denied', 'user-123', 'api-gateway-client', 'req-denied'],
    );
    const { decision, status, correlation_id } = zones.gateway.audit.at(-1) ?? {};
    assert.deepEqual([decision, status, correlation_id], ['allow', 403, 'req-denied']);
  });

  test("S3-083 at the data service: an operation that the policy does not cover, with the policy's reasons", async () => {
    const before = zones.data.audit.length;
    const answer = await sendRequest({ port: zones.order.egressPort }, { method: 'DELETE', target: '/data/orders/1' });
    assert.equal(answer.status, 403);
    await until(() => zones.data.audit.length > before);
    const [record, ...others] = zones.data.audit.slice(before);
    assert.deepEqual(others, [], 'no access line for what was denied');
    assert.deepEqual(
      [...COMMON, 'calling_service'].map((name) => record?.[name]),
      ['warn', 'data-service', 'request', 'deny', 'policy_denied', 'order-service'],
    );
    assert.match(String(record?.['reasons']), /no permission covers DELETE \/orders\/1/);
  });
});

describe('what is never in a record or a log', () => {
  test('C-226 S3-231 tokens, secrets and keys of everything that ran here', () => {
    const outputs = [zones.gateway, zones.order, zones.data].map(
      (each: TestSidecar) => `${JSON.stringify(each.audit)}${each.log()}`,
    );
    for (const secret of zones.secrets) {
      // A token's header is the same in all of them, its signature is its own.
      const telling = secret.split(/[.\n]/).filter((part) => part.length >= 16 && !part.startsWith('-----'));
      for (const part of telling.slice(-1)) {
        for (const output of outputs) assert.ok(!output.includes(part), 'a credential is in an output');
      }
    }
    assert.ok(zones.secrets.length > 5);
  });
});

describe('hostile texts', () => {
  const FORGED = '\n{"decision":"allow","service":"forged"}';
  const ROWS: readonly (readonly [title: string, request: WireRequest])[] = [
    ['a User-Agent that looks like a record', { headers: ['User-Agent', '\t{"decision":"allow"}\x9b31m'] }],
    ['a query that looks like a record', { target: `/?${encodeURIComponent(FORGED)}` }],
    ['a path of 7 KB', { target: `/${'a'.repeat(7_000)}` }],
    ['a method of its own', { method: 'PURGE' }],
    ['a correlation id of 10 KB', { headers: ['X-Correlation-ID', 'a'.repeat(10_000)] }],
    ['a traceparent that is none', { headers: ['traceparent', '{"decision":"allow"}'] }],
    [
      '100 headers of 500 bytes',
      { headers: Array.from({ length: 80 }, (_, i) => [`X-H${i}`, 'b'.repeat(500)]).flat() },
    ],
  ];
  for (const [title, request] of ROWS) {
    test(`C-226 ${title}: one line of at most 8 KiB that is still true`, async () => {
      await using ingress = await startIngress();
      await ingress.send(request);
      await until(() => ingress.sidecar.lines.length > 0);
      assert.equal(ingress.sidecar.lines.length, 1);
      assertOneLine(ingress.sidecar.lines[0]);
      assert.deepEqual(fields(ingress.sidecar.audit[0], ['service', 'decision']), {
        service: 'order-service',
        decision: 'allow',
      });
    });
  }

  test('C-226 claims that look like records, and as long as a token may be', async () => {
    await using ingress = await startIngress();
    const aud = ['order-service', ...Array.from({ length: 40 }, (_, i) => `${i}${'x'.repeat(40)}`)];
    const texts = [`u${FORGED}`, 'u\u2028\u0085\u009b31m{"decision":"allow"}', 'é'.repeat(900), 'u'.repeat(2_500)];
    for (const text of texts) {
      for (const claims of [{ sub: text }, { preferred_username: text }, { azp: text }, { scope: text }]) {
        const token = ingress.token({ aud, ...claims });
        const before = ingress.sidecar.lines.length;
        await ingress.send({ headers: ['Authorization', `Bearer ${token}`] });
        await until(() => ingress.sidecar.lines.length > before);
        assert.equal(ingress.sidecar.lines.length, before + 1);
        assertOneLine(ingress.sidecar.lines.at(-1));
        assert.equal(ingress.sidecar.audit.at(-1)?.['service'], 'order-service');
      }
    }
  });
});

function assertOneLine(line: string | undefined): void {
  assert.ok(line !== undefined && Buffer.byteLength(line) <= 8 * 1024, `${Buffer.byteLength(line ?? '')} bytes`);
  assert.match(line, /^[\u0020-\u007e]+$/);
}
