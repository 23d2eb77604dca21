/** Several requests on one connection: each judged for itself, answered in order, and the connection left in a known state. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { startHandlerApp } from '../support/handler-app.ts';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { until } from '../support/until.ts';
import { sendBytes, sendRequest } from '../support/wire.ts';

const POLICY = `package order

import rego.v1

default allow := false

allow if input.request.path != "/forbidden"
`;

let ingress: Ingress;
before(async () => {
  ingress = await startIngress({
    proxy: '  authz: { policy_query: data.order.allow }',
    files: { '/etc/authz/policies/order.rego': POLICY },
  });
});
after(() => ingress[Symbol.asyncDispose]());

const head = (target: string, token: string | undefined, fields = '', method = 'GET') =>
  `${method} ${target} HTTP/1.1\r\nHost: a\r\n${token === undefined ? '' : `Authorization: Bearer ${token}\r\n`}${fields}\r\n`;

const CLOSE = 'Connection: close\r\n';

function statuses(raw: string): number[] {
  return [...raw.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

/** A connection that sends what it is told, when it is told, and collects what comes back. */
function open(port: number) {
  const socket = net.connect(port, '127.0.0.1');
  const received = { raw: '', ended: false };
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    received.raw += chunk.toString('latin1');
  });
  socket.on('end', () => {
    received.ended = true;
  });
  return { socket, received, [Symbol.dispose]: () => void socket.destroy() };
}

describe('C-146 requests on one connection are judged separately', () => {
  test('one after the other, with keep-alive', async () => {
    const before = { seen: ingress.app.seen.length, audit: ingress.sidecar.audit.length };
    using connection = open(ingress.wire.port);
    const requests: readonly (readonly [text: string, status: number])[] = [
      [head('/a', ingress.token()), 200],
      [head('/forbidden', ingress.token()), 403],
      [head('/b', undefined), 401],
      [head('/c', ingress.token({ sub: 'user-456' })), 200],
      [head('/d', ingress.token({ aud: 'other' })), 401],
    ];
    for (const [index, [text]] of requests.entries()) {
      connection.socket.write(text);
      await until(() => statuses(connection.received.raw).length > index);
    }
    assert.deepEqual(
      statuses(connection.received.raw),
      requests.map(([, status]) => status),
    );
    assert.equal(connection.received.ended, false, 'the connection stays open');
    await until(() => ingress.sidecar.audit.length - before.audit === 5);
    assert.deepEqual(
      ingress.sidecar.audit.slice(before.audit).map(({ path, user_id, code }) => [path, user_id, code]),
      [
        ['/a', 'user-123', undefined],
        ['/forbidden', 'user-123', 'policy_denied'],
        ['/b', undefined, 'token_missing'],
        ['/c', 'user-456', undefined],
        ['/d', undefined, 'token_aud_mismatch'],
      ],
    );
    assert.deepEqual(
      ingress.app.seen.slice(before.seen).map(({ url }) => url),
      ['/a', '/c'],
    );
  });

  const PIPELINES: readonly (readonly [
    title: string,
    order: readonly ['ok' | 'denied', 'ok' | 'denied', 'ok' | 'denied'],
  ])[] = [
    ['denied before allowed', ['denied', 'ok', 'ok']],
    ['denied after allowed', ['ok', 'ok', 'denied']],
    ['denied between allowed', ['ok', 'denied', 'ok']],
  ];
  for (const [title, order] of PIPELINES) {
    test(`pipelined, ${title}`, async () => {
      const before = ingress.app.seen.length;
      const texts = order.map((kind, index) =>
        head(kind === 'ok' ? `/${index}` : '/forbidden', ingress.token(), index === 2 ? CLOSE : ''),
      );
      const { raw } = await sendBytes(ingress.wire, Buffer.from(texts.join('')));
      assert.deepEqual(
        statuses(raw),
        order.map((kind) => (kind === 'ok' ? 200 : 403)),
      );
      assert.equal(ingress.app.seen.length - before, order.filter((kind) => kind === 'ok').length);
    });
  }

  test('what follows a message of doubtful framing is not read', async () => {
    const before = ingress.app.seen.length;
    const smuggled = head('/smuggled', ingress.token());
    const first = head('/a', ingress.token(), 'Transfer-Encoding: gzip, chunked\r\n', 'POST');
    const { raw } = await sendBytes(ingress.wire, Buffer.from(`${first}0\r\n\r\n${smuggled}`));
    assert.deepEqual([statuses(raw).at(0), ingress.app.seen.length], [501, before]);
  });
});

describe('rubbish behind a request', () => {
  test('is answered after the request before it, whose answer stays whole', async () => {
    let finish = (): void => {};
    await using app = await startHandlerApp((_request, response) => {
      response.writeHead(200, { 'Content-Length': 10 }).write('hello');
      finish = () => response.end('world');
    });
    await using slow = await startIngress({ upstreamPort: app.port });
    using connection = open(slow.wire.port);
    connection.socket.write(`${head('/', slow.token())}rubbish\r\n\r\nmore rubbish\r\n\r\n`);
    await until(() => connection.received.raw.endsWith('hello'));
    finish();
    await until(() => connection.received.ended);
    const [, first = '', second = ''] = connection.received.raw.split('HTTP/1.1 ');
    assert.match(first, /^200 .*\r\n\r\nhelloworld$/s);
    assert.match(second, /^400 .*"code":"framing_invalid"/s);
    await until(() => slow.sidecar.audit.length === 2);
    const records = slow.sidecar.audit.map(({ status, decision, code }) => JSON.stringify([status, decision, code]));
    assert.deepEqual(records.sort(), ['[200,"allow",null]', '[400,"deny","framing_invalid"]']);
  });
});

describe('requests that are sent ahead', () => {
  test('wait for their turn, however many they are', async () => {
    const flood = head('/flood', ingress.token()).repeat(200);
    const before = ingress.app.seen.length;
    const { raw } = await sendBytes(ingress.wire, Buffer.from(`${flood}${head('/last', ingress.token(), CLOSE)}`));
    assert.deepEqual(
      statuses(raw),
      Array.from({ length: 201 }, () => 200),
    );
    assert.equal(ingress.app.seen.length - before, 201);
    assert.equal(ingress.app.seen.at(-1)?.url, '/last');
  });

  test('an upgrade behind a request is refused after its answer', async () => {
    const upgrade = head('/b', ingress.token(), 'Connection: Upgrade\r\nUpgrade: websocket\r\n');
    const { raw } = await sendBytes(ingress.wire, Buffer.from(`${head('/a', ingress.token())}${upgrade}`));
    assert.deepEqual(statuses(raw), [200, 400]);
  });

  test('a broken body behind a request is refused after its answer, and does not reach the app', async () => {
    const before = ingress.app.seen.length;
    const second = head('/b', ingress.token(), 'Transfer-Encoding: chunked\r\n', 'POST');
    const { raw } = await sendBytes(ingress.wire, Buffer.from(`${head('/a', ingress.token())}${second}zz\r\n`));
    assert.deepEqual([statuses(raw), ingress.app.seen.length - before], [[200, 400], 1]);
  });
});

describe('Expect: 100-continue', () => {
  const EXPECTING = `Content-Length: 5\r\nExpect: 100-continue\r\n`;

  for (const [title, token, target, status] of [
    ['without a token', () => undefined, '/a', 401],
    ['of a wrong token', () => ingress.token({ aud: 'other' }), '/a', 401],
    ['that the policy denies', () => ingress.token(), '/forbidden', 403],
  ] as const) {
    test(`C-147 ${title} gets ${status} and no 100`, async () => {
      const before = ingress.app.seen.length;
      const { raw } = await sendBytes(ingress.wire, Buffer.from(head(target, token(), EXPECTING, 'POST')));
      assert.deepEqual([statuses(raw), ingress.app.seen.length], [[status], before]);
    });
  }

  test('that is allowed gets 100, and the body sent after it arrives', async () => {
    using connection = open(ingress.wire.port);
    connection.socket.write(head('/a', ingress.token(), `${EXPECTING}${CLOSE}`, 'POST'));
    await until(() => connection.received.raw.includes('100 Continue\r\n\r\n'));
    connection.socket.write('hello');
    await until(() => connection.received.ended);
    assert.deepEqual([statuses(connection.received.raw), ingress.app.seen.at(-1)?.body], [[100, 200], 'hello']);
  });
});

describe('an answer before the body has arrived', () => {
  const BODY = 'x'.repeat(8 * 1024 * 1024);

  test('a refusal reaches a client that is still sending', async () => {
    const answer = await sendRequest(ingress.wire, { method: 'POST', body: BODY });
    assert.deepEqual([answer.status, (JSON.parse(answer.body) as { code: string }).code], [401, 'token_missing']);
  });

  test("the app's refusal reaches a client that is still sending", async () => {
    await using app = await startHandlerApp((_request, response) => {
      response.writeHead(413).end('too large');
    });
    await using early = await startIngress({ upstreamPort: app.port });
    const answer = await early.send({ method: 'POST', body: BODY });
    assert.equal(answer.status, 413);
  });
});

describe('write_timeout', () => {
  const http = 'write_timeout: 200ms';
  const proxy = '  authz: { enabled: false }\n  routes: [{ path: /**, timeout: 30s }]';

  test('does not cut a client that waits for a service which may take longer', async () => {
    await using app = await startHandlerApp((_request, response) => {
      setTimeout(() => response.write('hel'), 500);
      setTimeout(() => response.end('lo'), 1_000);
    });
    await using ingress = await startIngress({ upstreamPort: app.port, http, proxy });
    const { status, body } = await ingress.send();
    assert.deepEqual([status, body.replaceAll(/[\r\n0-9]/g, '')], [200, 'hello']);
  });

  test('cuts a client that takes nothing of its answer', async () => {
    await using app = await startHandlerApp((_request, response) => void response.end(Buffer.alloc(64 * 1024 * 1024)));
    await using ingress = await startIngress({ upstreamPort: app.port, http, proxy });
    using connection = open(ingress.wire.port);
    connection.socket.pause();
    connection.socket.write(head('/', ingress.token()));
    await until(() => ingress.sidecar.audit.length > 0);
    assert.equal(ingress.sidecar.audit[0]?.['aborted'], true);
  });

  test('cuts a client that does not go on with its body', async () => {
    await using app = await startHandlerApp((request) => void request.resume());
    await using ingress = await startIngress({ upstreamPort: app.port, http, proxy });
    using connection = open(ingress.wire.port);
    connection.socket.write(`${head('/', ingress.token(), 'Content-Length: 10\r\n', 'POST')}hello`);
    await until(() => ingress.sidecar.audit.length > 0);
    assert.equal(ingress.sidecar.audit[0]?.['aborted'], true);
  });
});

describe('idle_timeout', () => {
  test('closes a connection on which no request follows', async () => {
    await using ingress = await startIngress({ http: 'idle_timeout: 100ms' });
    using connection = open(ingress.wire.port);
    connection.socket.write(head('/', ingress.token()));
    await until(() => connection.received.ended);
    assert.deepEqual([statuses(connection.received.raw), connection.received.ended], [[200], true]);
  });
});

describe('a request head that does not arrive', () => {
  test('408 request_timeout, and the connection is closed', async () => {
    await using patient = await startIngress({ http: 'read_timeout: 100ms' });
    await patient.refused('request_timeout', () =>
      sendBytes(patient.wire, Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n')),
    );
  });
});
