/** nginx and HAProxy on either side of a sidecar: in front of its ingress, behind its ingress, and where its egress goes. */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { Socket } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { createTestAuthority } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import type { TestSidecar } from '../support/sidecar.ts';
import { withoutProgram } from './foreign-program.ts';
import { BIG, digestOfPieces, type Origin, type Received, type Sent, send, startOrigin } from './origin.ts';
import { createZone, startProxiedSidecar, type Zone } from './proxied-sidecar.ts';
import { type ProxyName, type ProxyOptions, startProxy } from './proxy-program.ts';

/** A client, a sidecar and a proxy in some order, and the origin at the end. */
interface Chain extends AsyncDisposable {
  readonly sidecar: TestSidecar;
  readonly origin: Origin;
  readonly send: (request: Sent) => Promise<Received>;
  /** The port at which the sidecar meets the proxy. */
  readonly meeting: number;
  /** Which of the two comes after the other is stopped for as long as `meanwhile` takes. */
  readonly restart: (meanwhile: () => Promise<void>) => Promise<void>;
  /** What the client is told while that is away. */
  readonly away: readonly number[];
}

type Role = (name: ProxyName, changes?: Partial<ProxyOptions>) => Promise<Chain>;

async function chainOf(
  build: (
    parts: Parts,
  ) => Promise<
    Omit<Chain, 'origin' | 'send' | keyof AsyncDisposable> & { readonly entry: number; readonly prefix?: string }
  >,
): Promise<Chain> {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await startOrigin());
  const agent = new http.Agent({ keepAlive: true });
  stack.defer(() => agent.destroy());
  const { entry, prefix = '', ...rest } = await build({ stack, origin, zone: createZone() });
  const running = stack.move();
  return {
    ...rest,
    origin,
    send: (request) => send(entry, { ...request, path: prefix + request.path }, agent),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface Parts {
  readonly stack: AsyncDisposableStack;
  readonly origin: Origin;
  readonly zone: Zone;
}

/** Something that can be stopped and started again; whatever runs at the end ends with the chain. */
async function restartable<T extends AsyncDisposable>(stack: AsyncDisposableStack, start: () => Promise<T>) {
  const holder = { current: await start() };
  stack.defer(() => holder.current[Symbol.asyncDispose]());
  return {
    holder,
    restart: async (meanwhile: () => Promise<void>): Promise<void> => {
      await holder.current[Symbol.asyncDispose]();
      await meanwhile();
      holder.current = await start();
    },
  };
}

const caller: Role = (name, changes) =>
  chainOf(async ({ stack, origin, zone }) => {
    const [entry, meeting] = [await freePort(), await freePort()];
    const options = { zone, port: meeting, mutualTls: true, app: origin.port, target: origin.port };
    const { holder, restart } = await restartable(stack, () => startProxiedSidecar(options));
    const back = { ca: zone.authority.certPem, own: zone.client };
    stack.use(await startProxy(name, { port: entry, target: meeting, back, ...changes }));
    return { entry, meeting, sidecar: holder.current, restart, away: [502, 503] };
  });

const behindIngress: Role = (name, changes) =>
  chainOf(async ({ stack, origin, zone }) => {
    const meeting = await freePort();
    const { restart } = await restartable(stack, () =>
      startProxy(name, { port: meeting, target: origin.port, ...changes }),
    );
    const options = { zone, mutualTls: false, app: meeting, target: meeting };
    const sidecar = stack.use(await startProxiedSidecar(options));
    return { entry: sidecar.ingressPort, meeting, sidecar, restart, away: [502] };
  });

const behindEgress: Role = (name, changes) =>
  chainOf(async ({ stack, origin, zone }) => {
    const meeting = await freePort();
    const front = { ca: zone.authority.certPem, own: zone.server };
    const { restart } = await restartable(stack, () =>
      startProxy(name, { port: meeting, target: origin.port, front, ...changes }),
    );
    const options = { zone, mutualTls: false, app: origin.port, target: meeting };
    const sidecar = stack.use(await startProxiedSidecar(options));
    return { entry: sidecar.egressPort, prefix: '/data', meeting, sidecar, restart, away: [502] };
  });

const ROLES: readonly (readonly [title: string, role: Role])[] = [
  ['as a caller with a certificate', caller],
  ['behind the ingress', behindIngress],
  ['behind the egress, over mutual TLS', behindEgress],
];

/** How many connections are made to a port of this process or of another. */
function countConnections(port: number) {
  const ports: (number | undefined)[] = [];
  const accepted = (message: unknown): void =>
    void ports.push((message as { readonly socket: Socket }).socket.localPort);
  const connecting = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    socket.once('connect', () => ports.push(socket.remotePort));
  };
  subscribe('net.server.socket', accepted);
  subscribe('net.client.socket', connecting);
  return {
    made: () => ports.filter((each) => each === port).length,
    [Symbol.dispose]: () => {
      unsubscribe('net.server.socket', accepted);
      unsubscribe('net.client.socket', connecting);
    },
  };
}

const GET: Sent = { method: 'GET', path: '/orders' };

for (const name of ['nginx', 'haproxy'] as const) {
  const skip = withoutProgram(name, '-v');

  for (const [title, role] of ROLES) {
    describe(`${name} ${title}`, { skip }, () => {
      test('requests without a body, with one of known length, and in chunks', async () => {
        await using chain = await role(name);
        for (const [upload, framing] of [
          [undefined, 'none'],
          [{ bytes: 5_000, framing: 'length' }, '5000'],
          [{ bytes: 200_000, framing: 'chunked' }, 'chunked'],
        ] as const) {
          const request = upload === undefined ? GET : { method: 'POST', path: '/orders', upload };
          const { status, body } = await chain.send(request);
          const bytes = upload?.bytes ?? 0;
          assert.deepEqual([status, body], [200, { bytes, sha256: digestOfPieces(bytes), framing }]);
        }
      });

      test('S3-041 100 MiB in each direction arrive as they left', async () => {
        await using chain = await role(name);
        const whole = digestOfPieces(BIG);
        const down = await chain.send({ method: 'GET', path: '/big' });
        assert.deepEqual([down.status, down.bytes, down.sha256], [200, BIG, whole]);
        for (const framing of ['length', 'chunked'] as const) {
          const up = await chain.send({ method: 'PUT', path: '/orders', upload: { bytes: BIG, framing } });
          assert.deepEqual([up.status, up.body['bytes'], up.body['sha256']], [200, BIG, whole]);
        }
      });

      test('one connection between the two serves one request after the other', async () => {
        await using chain = await role(name);
        using connections = countConnections(chain.meeting);
        for (let i = 0; i < 20; i += 1) assert.equal((await chain.send(GET)).status, 200);
        assert.equal(connections.made(), 1);
      });

      test('whoever is called goes away and comes back: nothing is sent into a connection that has ended', async () => {
        await using chain = await role(name);
        for (let i = 0; i < 3; i += 1) assert.equal((await chain.send(GET)).status, 200);
        await chain.restart(async () => {
          const { status } = await chain.send(GET);
          assert.ok(chain.away.includes(status), String(status));
        });
        for (let i = 0; i < 10; i += 1) assert.equal((await chain.send(GET)).status, 200);
        assert.equal(chain.origin.seen.length, 13);
      });
    });
  }

  describe(`${name} that is not who it should be`, { skip }, () => {
    const stranger = createTestAuthority('zone2-CA');
    const foreign = stranger.issue({
      subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }],
      uris: ['spiffe://example.org/zone1/api-gateway'],
    });
    const pretender = stranger.issue({ subject: [{ CN: 'localhost' }], dns: ['localhost'], eku: ['serverAuth'] });

    test('S3-131 without a certificate, or with one of another authority, no request of its own gets in', async () => {
      for (const own of [undefined, foreign]) {
        await using chain = await caller(name);
        const { sidecar, origin } = chain;
        const entry = await freePort();
        const ca = readFileSync(path.join(sidecar.root, 'certs/ca.crt'), 'utf8');
        await using _proxy = await startProxy(name, {
          port: entry,
          target: chain.meeting,
          back: { ca, ...(own === undefined ? {} : { own }) },
        });
        const { status } = await send(entry, GET, new http.Agent());
        assert.ok([502, 503].includes(status), String(status));
        assert.equal(origin.seen.length, 0);
        assert.equal((await chain.send(GET)).status, 200, 'as itself it gets in');
      }
    });

    test('S0-12 as the target of the egress with a certificate of another authority it hears nothing: 502', async () => {
      await using chain = await behindEgress(name, { front: { ca: createZone().authority.certPem, own: pretender } });
      const { status, body } = await chain.send(GET);
      assert.deepEqual([status, body['code']], [502, 'upstream_tls']);
      assert.equal(chain.origin.seen.length, 0);
    });
  });
}
