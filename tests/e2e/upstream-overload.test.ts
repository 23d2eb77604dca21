/** A service that takes its time, and more requests at once than may wait for a connection to it. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { startHandlerApp } from '../support/handler-app.ts';
import { startIngress } from '../support/ingress.ts';
import { until } from '../support/until.ts';

/** Connections to an upstream, and requests that may wait for one. */
const [CONNECTIONS, WAITING] = [128, 2_048];
const BEYOND = 20;

test('who would wait behind all of them gets 503 upstream_overloaded at once, everybody else the answer', async () => {
  const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>();
  let asked = 0;
  await using app = await startHandlerApp((_request, response) => {
    asked += 1;
    void mayAnswer.then(() => response.end('ok'));
  });
  const env = { AUTHZ_PROXY_UPSTREAM_TIMEOUT: '30s' };
  await using ingress = await startIngress({ upstreamPort: app.port, env });
  const head = `GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ingress.token()}\r\nConnection: close\r\n\r\n`;
  const answers: string[] = [];
  const ask = (): void => {
    let received = '';
    const socket = net.connect(ingress.wire.port, '127.0.0.1', () => socket.write(head));
    socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => answers.push(received));
  };
  for (let sent = 0; sent < CONNECTIONS + WAITING; sent += 1) ask();
  await until(() => asked === CONNECTIONS, 20_000);
  assert.deepEqual([asked, answers], [CONNECTIONS, []], 'nobody is refused as long as there is room');
  for (let sent = 0; sent < BEYOND; sent += 1) ask();
  await until(() => answers.length >= BEYOND, 20_000);
  assert.equal(answers.length, BEYOND);
  for (const text of answers) {
    assert.match(text, /^HTTP\/1\.1 503 [^]*\r\nRetry-After: 1\r\n[^]*"code":"upstream_overloaded"/);
  }
  const records = ingress.sidecar.audit.map(({ decision, code }) => [decision, code]);
  assert.deepEqual(
    records,
    Array.from({ length: BEYOND }, () => ['deny', 'upstream_overloaded']),
  );
  answer();
  await until(() => answers.length === CONNECTIONS + WAITING + BEYOND, 30_000);
  assert.equal(answers.filter((text) => text.startsWith('HTTP/1.1 200 ')).length, CONNECTIONS + WAITING);
});
