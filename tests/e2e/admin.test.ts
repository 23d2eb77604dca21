/** The admin listener: what it refuses, whether the process lives, and whether requests should be sent to it. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { PROBLEMS, type ProblemCode } from '@sidegate/sdk';
import { startHandlerApp } from '../support/handler-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { bytes, startJwksServer } from '../support/jwks-server.ts';
import { startTestSidecar } from '../support/sidecar.ts';
import { createSigningKey, keySetBytes } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendBytes, sendRequest, type WireAnswer, type WireRequest } from '../support/wire.ts';

const ADMIN = 'admin: { addr: "127.0.0.1:0" }';

function ask({ sidecar }: Ingress, request: WireRequest): Promise<WireAnswer> {
  return sendRequest({ port: sidecar.adminPort }, request);
}

const json = ({ body }: WireAnswer): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>;

describe('the admin listener', () => {
  const REFUSALS: readonly (readonly [title: string, code: ProblemCode, request: WireRequest])[] = [
    ['C-131 a path that it does not have', 'route_not_found', { target: '/' }],
    ['a path with a final slash', 'route_not_found', { target: '/live/' }],
    ['a path in capitals', 'route_not_found', { target: '/Live' }],
    ['an inherited property name as a path', 'route_not_found', { target: '/__proto__' }],
    ['a path that can be read in two ways', 'path_ambiguous', { target: '/x/../live' }],
    ['another method', 'method_not_allowed', { method: 'POST', target: '/live' }],
    ['DELETE of the metrics', 'method_not_allowed', { method: 'DELETE', target: '/metrics' }],
    [
      'a name that leads here from elsewhere',
      'misdirected_request',
      { target: '/live', headers: ['Host', 'evil.example'] },
    ],
    ['a body that nobody wants', 'body_too_large', { target: '/live', body: 'x' }],
    ['an upgrade', 'upgrade_not_allowed', { target: '/live', headers: ['Connection', 'upgrade', 'Upgrade', 'h2c'] }],
    ['an expectation', 'expectation_failed', { target: '/live', headers: ['Expect', 'wonders'] }],
    ['17 KB of headers', 'too_many_headers', { target: '/live', headers: ['X-A', 'a'.repeat(17 * 1024)] }],
  ];
  for (const [title, code, request] of REFUSALS) {
    test(`refuses ${title}: ${code}`, async () => {
      await using ingress = await startIngress({ chapters: ADMIN });
      const answer = await ask(ingress, request);
      assert.equal(answer.status, PROBLEMS[code].status, answer.raw);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(json(answer)['code'], code);
      assert.equal(answer.headers['x-sidegate-decision'], json(answer)['request_id']);
      assert.equal(answer.headers['allow'], code === 'method_not_allowed' ? 'GET, HEAD' : undefined);
      assert.equal(ingress.sidecar.audit.length, 0, 'it is no exchange of the data path');
    });
  }

  test('refuses bytes that are no request', async () => {
    await using ingress = await startIngress({ chapters: ADMIN });
    const answer = await sendBytes({ port: ingress.sidecar.adminPort }, Buffer.from('GET /live\r\n\r\n'));
    assert.equal(json(answer)['code'], 'framing_invalid');
  });

  test('C-131 is not there on the data path', async () => {
    await using ingress = await startIngress({
      chapters: ADMIN,
      proxy: '  authz: { enabled: false }\n  routes: [{ path: /orders/** }]',
    });
    for (const target of ['/live', '/ready', '/health', '/metrics', '/v1/authorize']) {
      await ingress.refused('route_not_found', () => ingress.send({ target }));
    }
  });

  test('is not there unless it is configured', async () => {
    await using ingress = await startIngress();
    assert.equal(ingress.sidecar.adminPort, 0);
  });

  test('takes 256 connections, and closes the next one as it comes', async () => {
    await using ingress = await startIngress({ chapters: ADMIN });
    const connect = (): net.Socket => net.connect(ingress.sidecar.adminPort, '127.0.0.1').on('error', () => undefined);
    const sockets = Array.from({ length: 256 }, connect);
    await until(() => sockets.every(({ readyState }) => readyState === 'open'));
    const beyond = connect();
    await until(() => beyond.closed || beyond.destroyed);
    const closed = beyond.destroyed;
    for (const socket of [...sockets, beyond]) socket.destroy();
    assert.ok(closed);
    assert.ok(sockets.length === 256);
  });

  test('goes beyond this machine only for a reason, which the log has', async () => {
    const yaml = (reason: string): string => `service: { name: a }\nadmin: { addr: "0.0.0.0:0"${reason} }`;
    await assert.rejects(startTestSidecar({ yaml: yaml(''), files: {} }), /admin.addr: is not a loopback address/);
    await using open = await startTestSidecar({ yaml: yaml(', remote_reason: scraped from outside'), files: {} });
    const headers = ['Host', 'order-service.zone2.local:9901'];
    assert.equal((await sendRequest({ port: open.adminPort }, { target: '/live', headers })).status, 200);
    assert.match(open.log(), /scraped from outside/);
  });
});

describe('/live, /ready and /health', () => {
  test('C-130 answer whoever asks, probes included', async () => {
    await using ingress = await startIngress({ chapters: ADMIN });
    const headers = ['User-Agent', 'kube-probe/1.33'];
    assert.deepEqual(json(await ask(ingress, { target: '/live', headers })), { status: 'live' });
    assert.deepEqual(json(await ask(ingress, { target: '/ready', headers })), { status: 'ready', reasons: [] });
    const head = await ask(ingress, { method: 'HEAD', target: '/ready' });
    assert.deepEqual([head.status, head.body], [200, '']);
  });

  test('/ready is 503 and says why until the keys of every issuer are there; /live is 200 meanwhile', async () => {
    const { promise: mayAnswer, resolve } = Promise.withResolvers<void>();
    const keys = keySetBytes(createSigningKey('ES256', 'users-1').jwk());
    await using jwks = await startHandlerApp((_request, response) => {
      void mayAnswer.then(() => response.end(keys));
    });
    await using ingress = await startIngress({ chapters: ADMIN, jwksUrl: `http://127.0.0.1:${jwks.port}/certs` });
    const before = await ask(ingress, { target: '/ready' });
    assert.equal(before.status, 503);
    assert.deepEqual(json(before), {
      status: 'not_ready',
      reasons: [{ code: 'keys_missing', issuer: 'default', detail: 'no key set was read yet' }],
    });
    const health = await ask(ingress, { target: '/health' });
    assert.deepEqual([health.status, json(health)['status']], [200, 'not_ready']);
    assert.equal((await ask(ingress, { target: '/live' })).status, 200);
    resolve();
    await ingress.sidecar.ready;
    assert.equal((await ask(ingress, { target: '/ready' })).status, 200);
  });

  test('/ready stays 200 when an issuer that had keys no longer answers, and /health says so', async () => {
    await using jwks = await startJwksServer(bytes(keySetBytes(createSigningKey('ES256', 'users-1').jwk())));
    await using ingress = await startIngress({
      chapters: ADMIN,
      jwksUrl: `${jwks.origin}/certs`,
      jwt: '  jwks_refresh_interval: 1s',
    });
    await ingress.sidecar.ready;
    await jwks[Symbol.asyncDispose]();
    const issuer = async () =>
      (json(await ask(ingress, { target: '/health' }))['issuers'] as { failure?: string }[])[0];
    for (let i = 0; i < 100 && (await issuer())?.failure === undefined; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.match((await issuer())?.failure ?? '', /./);
    assert.equal((await ask(ingress, { target: '/ready' })).status, 200);
  });

  test('/ready is 503 while the last exchanges are finished', async () => {
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
    let asked = false;
    await using app = await startHandlerApp((_request, response) => {
      asked = true;
      void mayAnswer.then(() => response.end('late'));
    });
    await using ingress = await startIngress({ chapters: ADMIN, upstreamPort: app.port });
    const underWay = ingress.send();
    await until(() => asked);
    const stopped = ingress.sidecar.stop(5_000);
    const ready = await ask(ingress, { target: '/ready' });
    assert.equal(ready.status, 503);
    assert.deepEqual(json(ready)['reasons'], [{ code: 'draining', detail: 'the sidecar stops' }]);
    answer();
    assert.equal((await underWay).body, 'late');
    await stopped;
  });
});
