/** Corpus G, 158, 182, 183, 189 and 190: handshakes that are not to be had here. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { createTestAuthority } from '../support/certificates.ts';
import { type ClientHelloOptions, certificateMessage, clientHello } from '../support/client-hello.ts';
import { issueClient, startReloadable } from '../support/reloadable.ts';
import { until } from '../support/until.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

const request = () =>
  `GET /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${order.userToken()}\r\nConnection: close\r\n\r\n`;

interface Connected extends Disposable {
  readonly socket: tls.TLSSocket;
  readonly sessions: Buffer[];
}

/** Rejects when the handshake fails, or the connection ends right behind it. */
async function connect(options: tls.ConnectionOptions): Promise<Connected> {
  const { port, tls: own } = order.wire();
  const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ...own, ...options });
  const sessions: Buffer[] = [];
  socket.on('session', (session) => sessions.push(session));
  await once(socket, 'secureConnect');
  socket.on('error', () => undefined);
  return { socket, sessions, [Symbol.dispose]: () => void socket.destroy() };
}

async function exchange({ socket }: Connected): Promise<string> {
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  socket.write(request());
  await once(socket, 'close');
  return received;
}

/** One deny record, nothing at the app. */
const refusedHandshake = (options: tls.ConnectionOptions) =>
  order.refusedHandshake(async () => {
    using connected = await connect(options);
    await exchange(connected);
    throw new Error('no handshake should have succeeded');
  });

describe('C-183 a protocol that proves too little', () => {
  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    test(`C-183 ${version}`, async () => {
      await refusedHandshake({ minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' });
    });
  }

  const CIPHERS = [
    'NULL',
    'aNULL',
    'eNULL',
    'ADH-AES128-SHA',
    'AECDH-AES128-SHA',
    'AECDH-NULL-SHA',
    'ECDHE-ECDSA-NULL-SHA',
  ];
  for (const ciphers of [...CIPHERS, 'kRSA', 'DHE', 'CAMELLIA', 'ECDHE-ECDSA-AES128-CCM8']) {
    test(`C-183 ${ciphers}`, async () => {
      await refusedHandshake({ maxVersion: 'TLSv1.2', ciphers: `${ciphers}:@SECLEVEL=0` });
    });
  }

  test('C-183 renegotiation, before and behind a request', async () => {
    const seen = order.app.seen.length;
    for (const asks of [false, true]) {
      using connected = await connect({ maxVersion: 'TLSv1.2' });
      const { socket } = connected;
      if (asks) {
        socket.write(request().replace('Connection: close\r\n', ''));
        await once(socket, 'data');
      }
      const failure = await new Promise<Error | null>((resolve) => {
        socket.once('error', resolve);
        socket.renegotiate({ rejectUnauthorized: true }, resolve);
      });
      assert.ok(failure instanceof Error, 'it was refused');
      assert.match(String(failure), /no renegotiation/i);
    }
    assert.equal(order.app.seen.length, seen + 1);
  });
});

describe('C-182 a session of the past', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`C-182 ${version} is shaken hands for anew, with another server name too`, async () => {
      using first = await connect({ minVersion: version, maxVersion: version });
      const session = first.socket.getSession();
      assert.equal(first.socket.isSessionReused(), false);
      assert.match(await exchange(first), /^HTTP\/1\.1 200 /);
      const tickets = [...first.sessions, ...(session === undefined ? [] : [session])];
      for (const old of tickets) {
        for (const servername of ['localhost', 'other.example']) {
          const options = { session: old, servername, checkServerIdentity: () => undefined };
          using again = await connect({ minVersion: version, maxVersion: version, ...options });
          assert.equal(again.socket.isSessionReused(), false);
        }
      }
    });

    test(`C-182 ${version} brings no certificate back that would not be accepted now`, async () => {
      const expiresAt = Date.now() + 2_000;
      const brief = order.zone.issue({
        subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }],
        uris: ['spiffe://example.org/zone1/api-gateway'],
        notAfter: new Date(expiresAt),
      });
      const shown = { cert: brief.certPem, key: brief.keyPem, minVersion: version, maxVersion: version };
      using first = await connect(shown);
      const session = first.socket.getSession();
      assert.match(await exchange(first), /^HTTP\/1\.1 200 /);
      await until(() => Date.now() > expiresAt + 1_000, 5_000);
      await refusedHandshake({ ...shown, ...(session === undefined ? {} : { session }) });
      // With the session and without the certificate that it was made with.
      const { cert: _cert, key: _key, ...bare } = shown;
      await refusedHandshake({ ...bare, cert: '', key: '', ...(session === undefined ? {} : { session }) });
    });
  }
});

describe('C-158 protocols', () => {
  for (const protocols of [
    ['h2'],
    ['h2', 'h2c'],
    ['http/1.0'],
    ['spdy/3'],
    ['HTTP/1.1'],
    ['junk'],
    ['\0'],
    ['a'.repeat(255)],
  ]) {
    test(`C-158 C-189 ${JSON.stringify(protocols).slice(0, 40)} alone has no protocol in common`, async () => {
      await refusedHandshake({ ALPNProtocols: protocols });
    });
  }

  test('C-158 beside http/1.1, http/1.1 is chosen', async () => {
    using connected = await connect({ ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(connected.socket.alpnProtocol, 'http/1.1');
    assert.match(await exchange(connected), /^HTTP\/1\.1 200 /);
  });
});

test('C-182 a session is worth nothing once its authority was taken away', async () => {
  await using reloadable = await startReloadable();
  const { certPem: cert, keyPem: key } = issueClient(reloadable.authority);
  const shown = { port: reloadable.port, ca: reloadable.authority.certPem, cert, key };
  const sessions: Buffer[] = [];
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    using first = await connect({ ...shown, minVersion: version, maxVersion: version });
    const session = first.socket.getSession();
    sessions.push(...first.sessions, ...(session === undefined ? [] : [session]));
  }
  assert.ok(sessions.length > 0);
  reloadable.write('ca.crt', createTestAuthority('another-CA').certPem);
  reloadable.sidecar.signal('SIGHUP');
  await until(() => reloadable.generation() === 2, 20_000);
  for (const session of sessions) {
    let received = '';
    await connect({ ...shown, session }).then(
      async (connected) => {
        assert.equal(connected.socket.isSessionReused(), false);
        received = await exchange(connected);
      },
      () => undefined,
    );
    assert.equal(received, '');
  }
  assert.deepEqual(reloadable.app.seen, []);
});

/** Sends, and resolves with what came back once the other side or we have ended. */
async function speak(first: Buffer, then?: Buffer): Promise<Buffer> {
  const socket = net.connect(order.sidecar.ingressPort, '127.0.0.1');
  const received: Buffer[] = [];
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    if (received.push(chunk) > 1) return;
    if (then === undefined) socket.destroy();
    else socket.write(then);
  });
  socket.write(first);
  await once(socket, 'close');
  return Buffer.concat(received);
}

const HANDSHAKE = 22;
const ALERT = 21;

describe('names that no server has', () => {
  const NAMES: readonly (readonly [title: string, options: ClientHelloOptions])[] = [
    ['300 characters', { serverNames: ['a'.repeat(300)] }],
    ['255 characters', { serverNames: ['a'.repeat(255)] }],
    ['15,000 characters', { serverNames: ['a'.repeat(15_000)] }],
    ['NUL inside', { serverNames: ['localhost\0.evil'] }],
    ['NUL alone', { serverNames: ['\0'] }],
    ['an IPv4 address', { serverNames: ['127.0.0.1'] }],
    ['an IPv6 address', { serverNames: ['::1'] }],
    ['upper case', { serverNames: ['LOCALHOST'] }],
    ['nothing', { serverNames: [''] }],
    ['a list of nothing', { serverNames: [] }],
    ['two names', { serverNames: ['localhost', 'evil.example'] }],
    ['dots', { serverNames: ['...'] }],
    ['a wildcard', { serverNames: ['*.example'] }],
    ['bytes above ASCII', { serverNames: [Buffer.from([0xff, 0xfe, 0x80])] }],
    ['a line end and a record', { serverNames: ['\r\n{"decision":"allow"}'] }],
    ['a path', { serverNames: ['../../etc/passwd'] }],
    ['__proto__', { serverNames: ['__proto__'] }],
    ['no name at all', {}],
    ['a protocol of no length', { protocols: [''] }],
  ];
  for (const [title, options] of NAMES) {
    test(`C-190 ${title}: an answer of TLS, one record, and the next client is served`, async () => {
      const before = order.sidecar.audit.length;
      const received = await speak(clientHello(options));
      assert.ok(received[0] === HANDSHAKE || received[0] === ALERT, received.toString('hex'));
      await until(() => order.sidecar.audit.length > before);
      const records = order.sidecar.audit.slice(before);
      assert.deepEqual(
        records.map(({ decision, code }) => [decision, code]),
        [['deny', 'peer_identity_missing']],
      );
      assert.ok(order.sidecar.lines.slice(before).every((line) => /^[\x20-\x7e]{1,8192}$/.test(line)));
      assert.equal((await order.send()).status, 200);
    });
  }
});

describe('certificates that are none', () => {
  /** Of each kind; 10,000 in all. */
  const COUNT = 1_000;
  const AT_ONCE = 50;
  const KINDS: Readonly<Record<string, (index: number) => Buffer[]>> = {
    'of no length': () => [Buffer.alloc(0)],
    'of one byte': (index) => [Buffer.from([index & 0xff])],
    'of one byte again and again': (index) => [Buffer.alloc(index * 4, index)],
    'that stop behind their length': () => [Buffer.from('30820000', 'hex')],
    'of 4 GB, as they say': () => [Buffer.from('3084ffffffff', 'hex')],
    'that are cut off': (index) => [order.gateway.der.subarray(0, index % order.gateway.der.length)],
    'with a byte behind them': (index) => [Buffer.concat([order.gateway.der, Buffer.from([index & 0xff])])],
    'with a byte that is another': (index) => {
      const changed = Buffer.from(order.gateway.der);
      const at = index % changed.length;
      changed[at] = (changed[at] ?? 0) ^ 0x55;
      return [changed];
    },
    'in a list of twenty': () => Array.from({ length: 20 }, () => order.gateway.der),
    'in a list of none': () => [],
  };
  const descriptors = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0);

  for (const [kind, junk] of Object.entries(KINDS)) {
    test(`C-189 ${COUNT} of them ${kind}: no crash, one record each, no descriptor left`, async () => {
      const hello = clientHello({ serverNames: ['localhost'] });
      const before = { audit: order.sidecar.audit.length, seen: order.app.seen.length, descriptors: descriptors() };
      let next = 0;
      const speakOn = async (): Promise<void> => {
        while (next < COUNT) {
          const index = next;
          next += 1;
          const received = await speak(hello, certificateMessage(junk(index)));
          assert.equal(received[0], HANDSHAKE);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, speakOn));
      await until(() => order.sidecar.audit.length - before.audit === COUNT);
      const records = order.sidecar.audit.slice(before.audit);
      assert.equal(records.length, COUNT);
      assert.ok(records.every(({ decision }) => decision === 'deny'));
      assert.equal(order.app.seen.length, before.seen);
      await until(() => descriptors() <= before.descriptors);
      assert.ok(descriptors() <= before.descriptors, `${descriptors()} descriptors, ${before.descriptors} before`);
      assert.equal((await order.send()).status, 200);
    });
  }
});
