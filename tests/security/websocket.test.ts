/** Upgrades, corpus F: decided before a byte passes, tunnelled only when both sides have agreed, ended with what allowed them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { ProblemCode } from '@sidegate/sdk';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { bytes } from '../support/jwks-server.ts';
import { decidedBy, startFakeOpa } from '../support/opa-answer.ts';
import { createSigningKey, keySetBytes } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import {
  AGREED,
  HANDSHAKE,
  openWebSocket,
  startWebSocketService,
  type WebSocketService,
} from '../support/websocket.ts';
import { sendBytes, type WireAnswer } from '../support/wire.ts';
import { startOrderSidecar } from './order-sidecar.ts';

const POLICY = `package order

import rego.v1

default allow := false

allow if input.request.path != "/denied"
`;
const ROUTES = '  routes: [{ path: /plain }, { path: /**, websocket: true }]';
const AUTHZ = '  authz: { policy_query: data.order.allow }';

interface Setup extends AsyncDisposable {
  readonly ingress: Ingress;
  readonly service: WebSocketService;
}

async function start(
  options: Parameters<typeof startIngress>[0] = {},
  onHead?: Parameters<typeof startWebSocketService>[0],
) {
  const service = await startWebSocketService(onHead);
  const ingress = await startIngress({
    proxy: `${AUTHZ}\n${ROUTES}`,
    files: { '/etc/authz/policies/order.rego': POLICY },
    upstreamPort: service.port,
    // What is tested here is not how fast this machine is.
    env: { AUTHZ_PROXY_UPSTREAM_TIMEOUT: '5s' },
    ...options,
  });
  const setup: Setup = {
    ingress,
    service,
    async [Symbol.asyncDispose]() {
      await ingress[Symbol.asyncDispose]();
      await service[Symbol.asyncDispose]();
    },
  };
  return setup;
}

const request = (target: string, lines: string, rest = '', method = 'GET') =>
  `${method} ${target} HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n${rest}`;
const bearer = (ingress: Ingress, changes: Readonly<Record<string, unknown>> = {}) =>
  `Authorization: Bearer ${ingress.token(changes)}\r\n`;
const send = (ingress: Ingress, text: string): Promise<WireAnswer> =>
  sendBytes(ingress.wire, Buffer.from(text, 'latin1'));
const open = (ingress: Ingress, changes: Readonly<Record<string, unknown>> = {}, more = '') =>
  openWebSocket(ingress.wire, request('/chat?room=1', `${bearer(ingress, changes)}${HANDSHAKE}${more}`));

describe('refused before the service hears of it', () => {
  const KEY = /Sec-WebSocket-Key: .*\r\n/;
  const ROWS: readonly (readonly [title: string, code: ProblemCode, text: (i: Ingress) => string])[] = [
    ['C-151 a route without websocket: true', 'upgrade_not_allowed', (i) => request('/plain', bearer(i) + HANDSHAKE)],
    ['C-152 no token', 'token_missing', () => request('/chat', HANDSHAKE)],
    [
      'C-152 a token for another service',
      'token_aud_mismatch',
      (i) => request('/chat', bearer(i, { aud: 'x' }) + HANDSHAKE),
    ],
    ['C-152 what the policy denies', 'policy_denied', (i) => request('/denied', bearer(i) + HANDSHAKE)],
    [
      'C-077 a token in Sec-WebSocket-Protocol',
      'token_missing',
      (i) => request('/chat', `${HANDSHAKE}Sec-WebSocket-Protocol: bearer, ${i.token()}\r\n`),
    ],
    ['C-072 a token in the query', 'token_missing', (i) => request(`/chat?access_token=${i.token()}`, HANDSHAKE)],
    [
      'C-153 h2c',
      'upgrade_not_allowed',
      (i) =>
        request(
          '/chat',
          `${bearer(i)}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n`,
        ),
    ],
    [
      'C-153 h2c beside websocket',
      'upgrade_not_allowed',
      (i) => request('/chat', bearer(i) + HANDSHAKE.replace('websocket', 'h2c, websocket')),
    ],
    [
      'C-153 two Upgrade headers',
      'upgrade_not_allowed',
      (i) => request('/chat', `${bearer(i)}${HANDSHAKE}Upgrade: h2c\r\n`),
    ],
    [
      'C-154 an upgrade with Content-Length',
      'framing_invalid',
      (i) => request('/chat', `${bearer(i)}${HANDSHAKE}Content-Length: 5\r\n`, 'hello'),
    ],
    [
      'C-154 an upgrade with an empty body',
      'framing_invalid',
      (i) => request('/chat', `${bearer(i)}${HANDSHAKE}Content-Length: 0\r\n`),
    ],
    [
      'C-154 a chunked upgrade',
      'framing_invalid',
      (i) => request('/chat', `${bearer(i)}${HANDSHAKE}Transfer-Encoding: chunked\r\n`, '0\r\n\r\n'),
    ],
    [
      'C-154 a request behind the upgrade',
      'framing_invalid',
      (i) => request('/chat', bearer(i) + HANDSHAKE, 'GET /plain HTTP/1.1\r\nHost: a\r\n\r\n'),
    ],
    ['an upgrade by POST', 'upgrade_not_allowed', (i) => request('/chat', bearer(i) + HANDSHAKE, '', 'POST')],
    [
      'a version that makes the service refuse while the connection stays open',
      'invalid_request',
      (i) => request('/chat', bearer(i) + HANDSHAKE.replace('Version: 13', 'Version: 777')),
    ],
    ['no key', 'invalid_request', (i) => request('/chat', bearer(i) + HANDSHAKE.replace(KEY, ''))],
    [
      'a key that is none',
      'invalid_request',
      (i) => request('/chat', bearer(i) + HANDSHAKE.replace(KEY, 'Sec-WebSocket-Key: abc\r\n')),
    ],
  ];
  for (const [title, code, text] of ROWS) {
    test(`${title} is ${code}, and the connection ends`, async () => {
      await using setup = await start();
      const { ingress, service } = setup;
      await ingress.refused(code, () => send(ingress, text(ingress)));
      assert.deepEqual([service.seen, service.behind()], [[], '']);
    });
  }

  test('C-060 a certificate that does not stand for the client of the token gets no upgrade', async () => {
    await using order = await startOrderSidecar({ routes: '[{ path: /**, websocket: true }]' });
    const token = order.userToken({ azp: 'payment-service' });
    const text = request('/chat', `Authorization: Bearer ${token}\r\n${HANDSHAKE}`);
    await order.refused('identity_token_mismatch', () => sendBytes(order.wire(), Buffer.from(text)));
  });

  test('a page of another origin that uses a cookie gets no upgrade, nor does one without an origin', async () => {
    const proxy = `${AUTHZ}\n  auth: { cookie_name: session }\n${ROUTES}`;
    await using setup = await start({ proxy });
    const { ingress, service } = setup;
    const cookie = `Cookie: session=${ingress.token()}\r\n${HANDSHAKE}`;
    for (const origin of ['', 'Origin: https://evil.example\r\n']) {
      await ingress.refused('cross_site_request', () => send(ingress, request('/chat', cookie + origin)));
    }
    using client = openWebSocket(ingress.wire, request('/chat', `${cookie}Origin: http://localhost\r\n`));
    assert.match(await client.receives('101'), /^HTTP\/1\.1 101 /);
    assert.equal(service.seen.length, 1);
  });
});

describe('agreed to by both', () => {
  test('C-152 bytes pass both ways behind the 101, and the record says so at the end', async () => {
    await using setup = await start();
    const { ingress, service } = setup;
    using client = open(ingress, {}, 'Sec-WebSocket-Protocol: chat\r\nX-User-ID: admin\r\n');
    const head = await client.receives('\r\n\r\n');
    assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
    for (const line of ['Upgrade: websocket', 'Connection: Upgrade', 'X-Correlation-ID: ', 'Sec-WebSocket-Accept: ']) {
      assert.equal(head.split(line).length, 2, `${line} once in ${head}`);
    }
    client.socket.write('hello');
    assert.match(await client.receives('HELLO'), /HELLO$/);
    client.socket.write('again');
    assert.match(await client.receives('AGAIN'), /HELLOAGAIN$/);
    const [asked = ''] = service.seen;
    assert.match(asked, /^GET \/chat\?room=1 HTTP\/1\.1\r\n/);
    for (const line of [
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Key: ',
      'Sec-WebSocket-Protocol: chat',
    ]) {
      assert.equal(asked.split(line).length, 2, `${line} once in ${asked}`);
    }
    assert.ok(!/authorization|x-user-id/i.test(asked), asked);
    assert.equal(ingress.sidecar.audit.length, 0);
    for (const socket of service.sockets) socket.end();
    await client.closed;
    await until(() => ingress.sidecar.audit.length > 0);
    const [{ decision, status, code, aborted } = {}] = ingress.sidecar.audit;
    assert.deepEqual([decision, status, code, aborted], ['allow', 101, undefined, undefined]);
  });

  test('bytes that the service sends together with its 101 arrive', async () => {
    await using setup = await start({}, (socket) => void socket.write(`${AGREED}\r\nwelcome`));
    using client = open(setup.ingress);
    assert.match(await client.receives('welcome'), /\r\n\r\nwelcome$/);
  });

  test('megabytes pass both ways, although both sides are slow at times', async () => {
    await using setup = await start();
    using client = open(setup.ingress);
    await client.receives('\r\n\r\n');
    const head = client.received().length;
    const size = 8 * 1024 * 1024;
    client.socket.pause();
    client.socket.write(Buffer.alloc(size, 'x'));
    await new Promise((resolve) => setTimeout(resolve, 300));
    client.socket.resume();
    await until(() => client.received().length === head + size, 20_000);
    assert.equal(client.received().length, head + size);
    assert.equal(setup.service.behind().length, size);
    assert.match(client.received().slice(head), /^X+$/);
  });

  test('over TLS with a client certificate it works the same', async () => {
    await using service = await startWebSocketService();
    await using order = await startOrderSidecar({
      routes: `[{ path: /**, websocket: true, upstream: "http://127.0.0.1:${service.port}" }]`,
    });
    const lines = `Authorization: Bearer ${order.userToken()}\r\n${HANDSHAKE}`;
    using client = openWebSocket(order.wire(), request('/chat', lines));
    await client.receives('\r\n\r\n');
    client.socket.write('hello');
    assert.match(await client.receives('HELLO'), /HELLO$/);
  });

  test('more of them than an upstream may have connections leave room for requests', async () => {
    await using setup = await start(
      {},
      (socket, head) =>
        void socket.write(head.includes('Upgrade') ? `${AGREED}\r\n` : 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
    );
    const clients = Array.from({ length: 140 }, () => open(setup.ingress));
    await Promise.all(clients.map((client) => client.receives('101')));
    assert.ok(clients.every((client) => client.received().startsWith('HTTP/1.1 101')));
    assert.equal((await setup.ingress.send({ target: '/plain' })).status, 200);
    for (const client of clients) client[Symbol.dispose]();
    await until(() => setup.service.sockets.size <= 1);
    assert.ok(setup.service.sockets.size <= 1, 'their connections to the service have ended');
  });
});

describe('not agreed to', () => {
  test('C-155 200 to an upgrade is a response like any, and no tunnel', async () => {
    await using setup = await start(
      {},
      (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
    );
    const { ingress, service } = setup;
    using client = open(ingress);
    await client.receives('ok');
    client.socket.write('GET /denied HTTP/1.1\r\nHost: a\r\n\r\n');
    await client.closed;
    assert.match(client.received(), /^HTTP\/1\.1 200 OK\r\n[^]*Connection: close\r\n\r\nok$/);
    assert.equal(service.behind(), '');
    assert.equal(ingress.sidecar.audit.length, 1);
  });

  test('C-154 bytes that come before the 101 are never tunnelled: 400', async () => {
    await using setup = await start({}, (socket) => void setTimeout(() => socket.write(`${AGREED}\r\n`), 300));
    const { ingress, service } = setup;
    using client = open(ingress);
    await until(() => service.seen.length > 0);
    client.socket.write('GET /plain HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(await client.receives('framing_invalid'), /^HTTP\/1\.1 400 [^]*framing_invalid/);
    assert.equal(service.behind(), '');
    await until(() => ingress.sidecar.audit.length > 0);
    assert.equal(ingress.sidecar.audit[0]?.['code'], 'framing_invalid');
  });

  const FALSE: readonly (readonly [title: string, head: string])[] = [
    ['the accept value of another key', AGREED.replace(/Accept: .*\r/, 'Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r')],
    ['no accept value', AGREED.replace(/Sec-WebSocket-Accept: .*\r\n/, '')],
    ['another protocol', AGREED.replace('Upgrade: websocket', 'Upgrade: h2c')],
    ['no Connection', AGREED.replace('Connection: Upgrade\r\n', '')],
  ];
  for (const [title, head] of FALSE) {
    test(`C-150 a 101 with ${title} is 502`, async () => {
      await using setup = await start({}, (socket) => void socket.write(`${head}\r\nsecret`));
      const answer = await send(setup.ingress, request('/chat', bearer(setup.ingress) + HANDSHAKE));
      assert.equal(answer.status, 502);
      assert.match(answer.body, /bad_upstream_response/);
      assert.ok(!answer.raw.includes('secret'));
    });
  }

  test('C-150 a 101 to a request that asked for none is 502', async () => {
    await using setup = await start({}, (socket) => void socket.write(`${AGREED}\r\n`));
    const answer = await setup.ingress.send({ target: '/chat' });
    assert.deepEqual([answer.status, /bad_upstream_response/.test(answer.body)], [502, true]);
  });
});

describe('ended', () => {
  test('C-152 when the token expires, and the record says why', async () => {
    await using setup = await start({ jwt: '  validation: { clock_skew: 0s }' });
    const { ingress, service } = setup;
    const now = Math.floor(Date.now() / 1000);
    using client = open(ingress, { iat: now, exp: now + 2 });
    assert.match(await client.receives('\r\n\r\n'), /^HTTP\/1\.1 101 /);
    client.socket.write('hello');
    await client.receives('HELLO');
    await client.closed;
    assert.ok(Date.now() >= (now + 2) * 1000 - 20, 'not before');
    await until(() => service.sockets.size === 0 && ingress.sidecar.audit.length > 0);
    assert.equal(service.sockets.size, 0);
    const [{ decision, status, code } = {}] = ingress.sidecar.audit;
    assert.deepEqual([decision, status, code], ['allow', 101, 'token_expired']);
  });

  test('when the policy would not let it in any more', async () => {
    await using opa = await startFakeOpa(decidedBy(POLICY));
    await using setup = await start({
      proxy: `${AUTHZ}\n${ROUTES}`,
      chapters: 'policy: { engine: opa_sidecar, opa: { url: "${OPA}", timeout: 5s } }',
      env: { OPA: opa.url, AUTHZ_PROXY_UPSTREAM_TIMEOUT: '5s' },
    });
    const { ingress, service } = setup;
    using client = open(ingress);
    assert.match(await client.receives('\r\n\r\n'), /^HTTP\/1\.1 101 /);
    opa.answer = decidedBy('package order\n\ndefault allow := false\n');
    await client.closed;
    await until(() => service.sockets.size === 0 && ingress.sidecar.audit.length > 0);
    const [{ decision, code } = {}, ...more] = ingress.sidecar.audit;
    assert.deepEqual([decision, code, more], ['allow', 'policy_denied', []]);
  });

  test('when the key that signed its token is gone, not while it stays', async () => {
    await using setup = await start({ jwt: '  jwks_refresh_interval: 1s' });
    const { ingress, service } = setup;
    using client = open(ingress);
    assert.match(await client.receives('\r\n\r\n'), /^HTTP\/1\.1 101 /);
    await pause(6_000);
    client.socket.write('hello');
    await client.receives('HELLO');
    ingress.jwks.answer = bytes(keySetBytes(createSigningKey('ES256', 'users-2').jwk()));
    await client.closed;
    await until(() => service.sockets.size === 0 && ingress.sidecar.audit.length > 0);
    assert.equal(ingress.sidecar.audit[0]?.['code'], 'token_key_not_found');
  });

  test('C-185 when the client certificate expires', async () => {
    await using service = await startWebSocketService();
    await using order = await startOrderSidecar({
      routes: `[{ path: /**, websocket: true, upstream: "http://127.0.0.1:${service.port}" }]`,
    });
    const brief = order.zone.issue({
      subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }],
      uris: ['spiffe://example.org/zone1/api-gateway'],
      notAfter: new Date(Date.now() + 3_000),
    });
    const lines = `Authorization: Bearer ${order.userToken()}\r\n${HANDSHAKE}`;
    using client = openWebSocket(order.wire(brief), request('/chat', lines));
    assert.match(await client.receives('\r\n\r\n'), /^HTTP\/1\.1 101 /);
    await client.closed;
    await until(() => service.sockets.size === 0 && order.sidecar.audit.length > 0);
    assert.equal(order.sidecar.audit[0]?.['code'], 'peer_certificate_expired');
  });

  test('when nothing moves for idle_timeout, not while something does', async () => {
    await using setup = await start({ http: 'idle_timeout: 400ms' });
    const { ingress, service } = setup;
    using client = open(ingress);
    await client.receives('\r\n\r\n');
    for (let i = 0; i < 4; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (const socket of service.sockets) socket.write('.');
    }
    assert.match(await client.receives('....'), /\.{4}$/, 'open for longer than the timeout');
    await client.closed;
    await until(() => service.sockets.size === 0);
    assert.equal(service.sockets.size, 0);
  });

  test('when the client goes away, and the service is told', async () => {
    await using setup = await start();
    const { ingress, service } = setup;
    const client = open(ingress);
    await client.receives('\r\n\r\n');
    client.socket.destroy();
    await until(() => service.sockets.size === 0 && ingress.sidecar.audit.length > 0);
    assert.equal(service.sockets.size, 0);
    assert.deepEqual([ingress.sidecar.audit[0]?.['status'], ingress.sidecar.audit[0]?.['aborted']], [101, true]);
  });

  test('when the service breaks off, and the client sees it', async () => {
    await using setup = await start();
    const { ingress, service } = setup;
    using client = open(ingress);
    await client.receives('\r\n\r\n');
    for (const socket of service.sockets) socket.resetAndDestroy();
    await client.closed;
    await until(() => ingress.sidecar.audit.length > 0);
    assert.equal(ingress.sidecar.audit[0]?.['code'], 'bad_upstream_response');
  });
});
