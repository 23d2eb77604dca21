/** Corpus G, 166, 179, 180 and 185: chains that must not hold, keys too weak to prove anything, and what outlives its certificate. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TestCertificate, TestCertificateOptions } from '../support/certificates.ts';
import { until } from '../support/until.ts';
import { openWebSocket } from '../support/websocket.ts';
import { sendRequest } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const GATEWAY = 'spiffe://example.org/zone1/api-gateway';
const LEAF: TestCertificateOptions = { subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }], uris: [GATEWAY] };
const HOUR_MS = 3_600_000;
/** An authority that may do everything but what a row takes away. */
const CA: TestCertificateOptions = { ca: true, eku: null, keyUsage: ['keyCertSign', 'cRLSign'] };

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

/** As a client that itself would take anything. */
function sendAs(client: TestCertificate) {
  const tls = { ca: order.zone.certPem, cert: client.certPem, key: client.keyPem, ciphers: 'DEFAULT@SECLEVEL=0' };
  const headers = ['Authorization', `Bearer ${order.userToken()}`];
  return sendRequest({ port: order.sidecar.ingressPort, tls }, { headers });
}

describe('a chain that does not hold fails the handshake', () => {
  const below = (options: TestCertificateOptions, leaf: TestCertificateOptions = {}) =>
    order.zone.intermediate({ ...CA, ...options }).issue({ ...LEAF, ...leaf });
  const ROWS: readonly (readonly [title: string, client: () => TestCertificate])[] = [
    ['C-179 a URI outside the hosts of the authority', () => below({ permitted: { uriHosts: ['example.net'] } })],
    ['C-179 a URI of a host below the permitted one', () => below({ permitted: { uriHosts: ['zone.example.org'] } })],
    [
      'C-179 a DNS name outside the names of the authority',
      () => below({ permitted: { dns: ['zone1.local'] } }, { dns: ['api.zone2.local'] }),
    ],
    [
      'C-179 a path length of none with an authority below',
      () =>
        order.zone
          .intermediate({ ...CA, pathLength: 0 })
          .intermediate(CA)
          .issue(LEAF),
    ],
    [
      'C-179 a path length of one with two authorities below',
      () =>
        order.zone
          .intermediate({ ...CA, pathLength: 1 })
          .intermediate(CA)
          .intermediate(CA)
          .issue(LEAF),
    ],
    ['C-179 an intermediate of version 1', () => below({ version: 1 })],
    ['C-179 an intermediate that is no authority', () => below({ ca: false })],
    ['C-179 an intermediate that may not sign certificates', () => below({ keyUsage: ['digitalSignature'] })],
    ['C-179 an intermediate that may only sign revocation lists', () => below({ keyUsage: ['cRLSign'] })],
    ['C-179 a client that signs for another', () => order.zone.intermediate({ ...LEAF, ca: false }).issue(LEAF)],
    ['C-179 an intermediate that expired', () => below({ notAfter: new Date(Date.now() - 60_000) })],
    ['C-179 an intermediate of tomorrow', () => below({ notBefore: new Date(Date.now() + HOUR_MS) })],
    ['C-179 an intermediate for servers', () => below({ eku: ['serverAuth'] })],
    [
      'C-179 an intermediate that is left out',
      () => {
        const { certPem, ...rest } = below({});
        return { ...rest, certPem: certPem.slice(0, certPem.indexOf('-----BEGIN', 1)) };
      },
    ],
    ['C-180 RSA with 1024 bits', () => order.zone.issue({ ...LEAF, keyAlgorithm: 'rsa-1024' })],
    ['C-180 the curve P-192', () => order.zone.issue({ ...LEAF, keyAlgorithm: 'p192' })],
    ['C-180 a signature over SHA-1', () => order.zone.issue({ ...LEAF, hash: 'sha1' })],
    ['C-180 an intermediate with RSA of 1024 bits', () => below({ keyAlgorithm: 'rsa-1024' })],
    ['C-180 an intermediate signed over SHA-1', () => below({ hash: 'sha1' })],
    ['C-166 no client among its usages', () => order.zone.issue({ ...LEAF, eku: ['serverAuth'] })],
    ['C-175 a key that is not for signatures', () => order.zone.issue({ ...LEAF, keyUsage: ['keyEncipherment'] })],
    ['C-166 any usage', () => order.zone.issue({ ...LEAF, eku: ['any'] })],
  ];
  for (const [title, client] of ROWS) {
    test(title, async () => {
      const shown = client();
      const record = await order.refusedHandshake(() => sendAs(shown));
      assert.deepEqual([record['code'], record['status']], ['peer_identity_missing', undefined]);
    });
  }

  test('C-179 the same intermediate without a flaw is accepted', async () => {
    for (const client of [
      below({}),
      below({ pathLength: 0 }),
      below({ permitted: { uriHosts: ['example.org'] } }),
      order.zone
        .intermediate({ ...CA, pathLength: 1 })
        .intermediate({ ...CA, pathLength: 0 })
        .issue(LEAF),
    ]) {
      assert.equal((await sendAs(client)).status, 200);
    }
  });
});

describe('C-166 a leaf whose usages the handshake lets pass', () => {
  const ROWS: readonly (readonly [title: string, leaf: TestCertificateOptions])[] = [
    ['C-166 no extended key usage', { eku: null }],
    ['C-166 no extended key usage below an intermediate for clients', { eku: null, keyUsage: null }],
    ['C-166 any usage beside the right one', { eku: ['clientAuth', 'any'] }],
    ['C-175 an authority below an authority', { ca: true, keyUsage: ['digitalSignature', 'keyCertSign'] }],
  ];
  for (const [title, leaf] of ROWS) {
    test(`${title} is peer_identity_invalid`, async () => {
      const direct = order.zone.issue({ ...LEAF, ...leaf });
      const lower = order.zone.intermediate({ ...CA, eku: ['clientAuth'] }).issue({ ...LEAF, ...leaf });
      for (const client of [direct, lower]) await order.refused('peer_identity_invalid', () => sendAs(client));
    });
  }
});

describe('a connection that outlives its certificate', () => {
  const brief = (seconds: number) => order.zone.issue({ ...LEAF, notAfter: new Date(Date.now() + seconds * 1_000) });
  const get = (connection = '') =>
    `GET /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${order.userToken()}\r\n${connection}\r\n`;

  test('C-185 is closed while it is idle, and serves nothing more', async () => {
    const client = brief(3);
    const expiresAt = Date.now() + 3_000;
    const { seen } = order.app;
    const before = seen.length;
    using connection = openWebSocket(order.wire(client), get());
    assert.match(await connection.receives('{"ok":true}'), /^HTTP\/1\.1 200 /);
    await connection.closed;
    assert.ok(Date.now() < expiresAt + 3_000, 'soon after it expired');
    connection.socket.write(get());
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(seen.length, before + 1);
  });

  test('C-185 serves no request that comes once it has expired', async () => {
    let offsetMs = 0;
    const clock = { now: () => Date.now() + offsetMs, monotonic: () => performance.now() };
    await using timed = await startOrderSidecar({ clock });
    const client = timed.zone.issue({ ...LEAF, notAfter: new Date(Date.now() + 60_000) });
    const ask = () => `GET /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${timed.userToken()}\r\n\r\n`;
    using connection = openWebSocket(timed.wire(client), ask());
    await connection.receives('{"ok":true}');
    offsetMs = 61_000;
    connection.socket.write(ask());
    await until(() => connection.received().includes('HTTP/1.1 403') || connection.socket.destroyed);
    assert.equal(timed.app.seen.length, 1);
    for (const record of timed.sidecar.audit.slice(1)) assert.equal(record['code'], 'peer_certificate_expired');
  });
});
