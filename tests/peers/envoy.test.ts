/** The real Envoy asks a sidecar before each request: what it hands on, and what it refuses with. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { type OrderSidecar, startOrderSidecar } from '../security/order-sidecar.ts';
import type { TestCertificate } from '../support/certificates.ts';
import { sendRequest, type WireAnswer, type WireRequest } from '../support/wire.ts';
import { withoutEnvoy } from './envoy-binary.ts';
import { type EnvoyProxy, startEnvoy } from './envoy-proxy.ts';

const GRPC = 'server: { grpc: { enabled: true, addr: "127.0.0.1:0" } }';

describe('the real Envoy', { skip: withoutEnvoy() }, () => {
  let order: OrderSidecar;
  let envoy: EnvoyProxy;
  let other: TestCertificate;
  before(async () => {
    order = await startOrderSidecar({ chapters: GRPC, headers: '    remove: [X-Debug]' });
    other = order.zone.issue({ subject: [{ CN: 'report' }], uris: ['spiffe://example.org/zone2/report'] });
    const server = order.zone.issue({ subject: [{ CN: 'localhost' }], dns: ['localhost'], eku: ['serverAuth'] });
    envoy = await startEnvoy({
      server,
      clientCa: order.zone.certPem,
      app: order.app.port,
      authorization: order.sidecar.grpcPort,
      failureModeAllow: true,
    });
  });
  after(async () => {
    await envoy[Symbol.asyncDispose]();
    await order[Symbol.asyncDispose]();
  });

  const send = (request: WireRequest, { certPem, keyPem } = order.gateway): Promise<WireAnswer> =>
    sendRequest({ port: envoy.port, tls: { ca: order.zone.certPem, cert: certPem, key: keyPem } }, request);
  const bearer = (): readonly string[] => ['Authorization', `Bearer ${order.userToken()}`];

  const ROWS: readonly (readonly [title: string, code: ProblemCode, status: number, ask: () => Promise<WireAnswer>])[] =
    [
      ['without a token', 'token_missing', 401, () => send({ target: '/orders' })],
      ['with two tokens', 'authorization_malformed', 400, () => send({ headers: [...bearer(), ...bearer()] })],
      ['of a client that is not allowed', 'peer_not_allowed', 403, () => send({ headers: bearer() }, other)],
      ['that the policy denies', 'policy_denied', 403, () => send({ target: '/forbidden', headers: bearer() })],
      [
        'with a path that can be read in two ways',
        'path_ambiguous',
        400,
        () => send({ target: '/a;b', headers: bearer() }),
      ],
      [
        'with a look-alike of our headers',
        'header_name_ambiguous',
        400,
        () => send({ headers: [...bearer(), 'X_User_ID', 'a'] }),
      ],
      [
        'with a token that is over',
        'token_expired',
        401,
        () => send({ headers: ['Authorization', `Bearer ${order.userToken({ iat: 1, exp: 2 })}`] }),
      ],
    ];
  for (const [title, code, status, ask] of ROWS) {
    test(`refuses a request ${title} as our own ingress would, although it lets failures pass: ${code}`, async () => {
      const [seen, recorded] = [order.app.seen.length, order.sidecar.audit.length];
      const answer = await ask();
      assert.equal(answer.status, status, answer.raw);
      assert.equal((JSON.parse(answer.body) as { code: string }).code, code);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(order.app.seen.length, seen);
      const records = order.sidecar.audit.slice(recorded);
      assert.deepEqual(
        records.map((record) => [record['direction'], record['decision'], record['code']]),
        [['decision', 'deny', code]],
      );
    });
  }

  test('hands on what is allowed with our headers, without the token and what only we may set', async () => {
    const headers = [...bearer(), 'X-User-ID', 'admin', 'X-Debug', '1', 'X-Correlation-ID', 'req-7', 'X-Own', 'kept'];
    const answer = await send({ method: 'POST', target: '/orders?limit=1', headers, body: '{"a":1}' });
    assert.equal(answer.status, 200, answer.raw);
    const seen = order.app.seen.at(-1);
    assert.deepEqual([seen?.method, seen?.url, seen?.body], ['POST', '/orders?limit=1', '{"a":1}']);
    const raw = seen?.rawHeaders ?? [];
    const valuesOf = (name: string): readonly string[] =>
      raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name);
    assert.deepEqual(valuesOf('x-user-id'), ['user-123']);
    assert.deepEqual(valuesOf('x-correlation-id'), ['req-7']);
    assert.deepEqual(valuesOf('x-own'), ['kept']);
    assert.equal(valuesOf('traceparent').length, 1);
    for (const name of ['authorization', 'x-debug']) assert.deepEqual(valuesOf(name), [], name);
  });
});
