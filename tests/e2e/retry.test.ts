/** `proxy.retry` and `egress.defaults`: what is asked twice, what never is, and where it ends. */
import assert from 'node:assert/strict';
import net, { type AddressInfo, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { startTestSidecar } from '../support/sidecar.ts';
import { until } from '../support/until.ts';
import { sendRequest, type WireRequest } from '../support/wire.ts';

/** What is tested here is not how fast this machine is. */
const PATIENT = { AUTHZ_PROXY_UPSTREAM_TIMEOUT: '5s' };
const OPEN = '  authz: { enabled: false }';
const RETRY = `${OPEN}\n  retry: { enabled: true, attempts: 3, delay: 10ms }`;

/** What the service does with its first request, its second, …; the last one stands for all that follow. */
type Deed = (socket: Socket) => void;

interface Service extends AsyncDisposable {
  readonly port: number;
  /** Request lines, oldest first. */
  readonly asked: readonly string[];
}

const answer =
  (status: number, body = '{}'): Deed =>
  (socket) =>
    void socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
const reset: Deed = (socket) => void socket.resetAndDestroy();
const end: Deed = (socket) => void socket.end();
const half: Deed = (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
const halfHead: Deed = (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Le');

async function startService(...deeds: readonly Deed[]): Promise<Service> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (!text.includes('\r\n\r\n')) return;
      asked.push(text.slice(0, text.indexOf('\r\n')));
      text = '';
      deeds[Math.min(asked.length, deeds.length) - 1]?.(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Row {
  readonly title: string;
  readonly deeds: readonly Deed[];
  readonly proxy?: string;
  readonly request?: WireRequest;
  /** Status, and how often the service was asked. */
  readonly expected: readonly [status: number, asked: number];
  /** What the client gets to read. */
  readonly text?: string;
}

const conditions = (list: string) => RETRY.replace('delay: 10ms', `delay: 10ms, conditions: [${list}]`);

const ROWS: readonly Row[] = [
  { title: 'without the key, a 503 is passed on', deeds: [answer(503)], proxy: OPEN, expected: [503, 1] },
  {
    title: 'with enabled: false, a reset is 502',
    deeds: [reset],
    proxy: RETRY.replace('true', 'false'),
    expected: [502, 1],
  },
  { title: 'POST is never asked twice', deeds: [answer(503)], request: { method: 'POST' }, expected: [503, 1] },
  { title: 'PATCH is never asked twice', deeds: [reset], request: { method: 'PATCH' }, expected: [502, 1] },
  { title: 'a PUT with a body is not', deeds: [reset], request: { method: 'PUT', body: 'x' }, expected: [502, 1] },
  { title: 'a 4xx is an answer', deeds: [answer(429)], expected: [429, 1] },
  { title: 'an answer that breaks off was begun', deeds: [half], expected: [200, 1] },
  { title: 'a message that cannot be read is no reset', deeds: [answer(99)], expected: [502, 1] },
  {
    title: 'the attempts end, and the last 5xx is passed on',
    deeds: [answer(503, 'why')],
    expected: [503, 3],
    text: 'why',
  },
  { title: 'the attempts end in a reset', deeds: [reset], expected: [502, 3] },
  { title: 'attempts: 2 asks twice', deeds: [reset], proxy: RETRY.replace('3', '2'), expected: [502, 2] },
  { title: 'without 5xx in conditions', deeds: [answer(500)], proxy: conditions('reset'), expected: [500, 1] },
  { title: 'without reset in conditions', deeds: [reset], proxy: conditions('5xx'), expected: [502, 1] },
  { title: 'a 500, then an answer', deeds: [answer(500), answer(200)], expected: [200, 2] },
  { title: 'a 599, then an answer', deeds: [answer(599), answer(204, '')], expected: [204, 2] },
  { title: 'a reset, then an answer', deeds: [reset, answer(200)], expected: [200, 2] },
  { title: 'an end without an answer', deeds: [end, answer(200)], expected: [200, 2] },
  { title: 'half a head is no answer', deeds: [halfHead, answer(200)], expected: [200, 2] },
  { title: 'a reset, a 503, an answer', deeds: [reset, answer(503), answer(200)], expected: [200, 3] },
  {
    title: 'a PUT without a body',
    deeds: [answer(503), answer(200)],
    request: { method: 'PUT' },
    expected: [200, 2],
  },
  { title: 'HEAD', deeds: [answer(503, ''), answer(200, '')], request: { method: 'HEAD' }, expected: [200, 2] },
  { title: 'an endless 500', deeds: [answer(500, 'x'.repeat(300_000)), answer(200)], expected: [200, 2] },
];

describe('proxy.retry', { concurrency: true }, () => {
  for (const { title, deeds, proxy = RETRY, request = {}, expected, text } of ROWS) {
    test(`${title}: ${expected[0]} after ${expected[1]}`, async () => {
      await using service = await startService(...deeds);
      await using ingress = await startIngress({ proxy, upstreamPort: service.port, env: PATIENT });
      const { status, body } = await ingress.send(request);
      assert.deepEqual([status, service.asked.length], expected);
      if (text !== undefined) assert.equal(body, text);
      assert.ok(!/x{64}/.test(body), 'nothing of what was withheld is seen');
      await until(() => ingress.sidecar.audit.length > 0);
      assert.equal(ingress.sidecar.audit.length, 1, 'one record, however often it was asked');
    });
  }

  test('a connection that is not made is tried again, until somebody listens', async () => {
    const port = await freePort();
    await using ingress = await startIngress({
      proxy: RETRY.replace('delay: 10ms', 'delay: 300ms'),
      upstreamPort: port,
    });
    const answered = ingress.send();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => answer(200)(socket));
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    assert.equal((await answered).status, 200);
    await ingress[Symbol.asyncDispose]();
    await new Promise((resolve) => server.close(resolve));
  });

  test('without connect_failure in conditions it is 502 at once', async () => {
    const proxy = conditions('5xx, reset').replace('10ms', '5s');
    await using ingress = await startIngress({ proxy, upstreamPort: await freePort() });
    const before = performance.now();
    assert.equal((await ingress.send()).status, 502);
    assert.ok(performance.now() - before < 2_000);
  });

  test('the delay is kept between the attempts', async () => {
    await using service = await startService(reset, answer(200));
    await using ingress = await startIngress({
      proxy: RETRY.replace('10ms', '250ms'),
      upstreamPort: service.port,
      env: PATIENT,
    });
    const before = performance.now();
    assert.equal((await ingress.send()).status, 200);
    assert.ok(performance.now() - before >= 245);
  });

  test('a client that goes away between two attempts ends them', async () => {
    await using service = await startService(reset);
    await using ingress = await startIngress({
      proxy: RETRY.replace('10ms', '400ms'),
      upstreamPort: service.port,
      env: PATIENT,
    });
    await goAway(ingress, service);
    await until(() => ingress.sidecar.audit.length > 0);
    assert.equal(ingress.sidecar.audit[0]?.['aborted'], true);
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(service.asked.length, 1);
  });
});

async function goAway(ingress: Ingress, service: Service): Promise<void> {
  const socket = net.connect(ingress.sidecar.ingressPort, '127.0.0.1');
  socket.write(`GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${ingress.token()}\r\n\r\n`);
  await until(() => service.asked.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.destroy();
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('egress.defaults', { concurrency: true }, () => {
  const configuration = (defaults: string, target: string): string => `
service: { name: order-service }
egress:
  enabled: true
  addr: 127.0.0.1:0
${defaults}
  targets: { data: { url: "\${TARGET}"${target} } }
  routes: [{ path_prefix: /, target: data }]
`;
  const start = (service: Service, defaults = '', target = '') =>
    startTestSidecar({
      yaml: configuration(defaults, target),
      files: {},
      env: { TARGET: `http://127.0.0.1:${service.port}` },
    });
  const silent: Deed = () => undefined;

  for (const [title, defaults, target, status] of [
    ['timeout holds for a target that has none', '  defaults: { timeout: 100ms }', '', 504],
    ['timeout gives way to that of a target', '  defaults: { timeout: 100ms }', ', timeout: 3s', 200],
  ] as const) {
    test(`${title}: ${status}`, async () => {
      await using service = await startService((socket) => void setTimeout(() => answer(200)(socket), 600));
      await using sidecar = await start(service, defaults, target);
      assert.equal((await sendRequest({ port: sidecar.egressPort })).status, status);
    });
  }

  test('without them a target may take its time', async () => {
    await using service = await startService(silent);
    await using sidecar = await start(service);
    const answered = sendRequest({ port: sidecar.egressPort }).catch(() => undefined);
    const first = await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 500, 'waiting'))]);
    assert.equal(first, 'waiting');
  });

  for (const [enabled, expected] of [
    ['true', [200, 2]],
    ['false', [503, 1]],
  ] as const) {
    test(`retry.enabled: ${enabled} gives ${expected[0]} after ${expected[1]}`, async () => {
      await using service = await startService(answer(503), answer(200));
      await using sidecar = await start(service, `  defaults: { retry: { enabled: ${enabled}, delay: 10ms } }`);
      const { status } = await sendRequest({ port: sidecar.egressPort });
      assert.deepEqual([status, service.asked.length], expected);
    });
  }
});
