/** Corpus D and H, the way out: an application that asks for what it may not have, and names that lead where they must not. */
import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { sendBytes, type WireRequest } from '../support/wire.ts';
import { type EgressSidecar, SECRET, startEgress, TOKEN } from './egress-sidecar.ts';

const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  'metadata.example': ['169.254.169.254'],
  'link-local6.example': ['fe80::1'],
  'loopback.example': ['127.0.0.1'],
  'loopback-net.example': ['127.8.8.8'],
  'loopback6.example': ['::1'],
  'unspecified.example': ['0.0.0.0'],
  'unspecified6.example': ['::'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'mapped-hex.example': ['::ffff:a9fe:a9fe'],
  'compatible.example': ['::127.0.0.1'],
  'nat64.example': ['64:ff9b::7f00:1'],
  'sixtofour.example': ['2002:7f00:1::1'],
  'multicast.example': ['224.0.0.1'],
  'broadcast.example': ['255.255.255.255'],
  'rebound.example': ['192.0.2.1', '127.0.0.1'],
  'rebound6.example': ['::1', '192.0.2.1'],
  'localhost.example': ['127.0.0.1'],
  'localhost.localdomain': ['127.0.0.1'],
};
const LITERALS = [
  '169.254.169.254',
  '0.0.0.0',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[fe80::1]',
  '[::127.0.0.1]',
  '224.0.0.1',
];

let egress: EgressSidecar;
/** Listens where several of the names lead, and counts who came. */
const inside = createServer();
let visitors = 0;
before(async () => {
  inside.on('connection', (socket) => {
    visitors += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => inside.listen(0, '::', resolve));
  const { port } = inside.address() as AddressInfo;
  const hosts = [...Object.keys(FORBIDDEN), ...LITERALS];
  egress = await startEgress({
    targets: hosts
      .map((host, i) => `    t${i}: { url: "https://${host}:${port}", auth: { type: none }, tls: *tls }`)
      .join('\n'),
    routes: hosts.map((_, i) => `    - { path_prefix: /t${i}, target: t${i} }`).join('\n'),
    names: FORBIDDEN,
  });
});
after(async () => {
  await egress[Symbol.asyncDispose]();
  inside.close();
});

type Row = readonly [title: string, code: ProblemCode, request: WireRequest];

describe('a path that the application may not have', () => {
  const ROWS: readonly Row[] = [
    ...[
      '/database',
      '/dat',
      '/data-x',
      '/datax/y',
      '/Data',
      '/DATA/x',
      '/data.',
      '/data:80',
      '/data@evil.com',
      '/x/data',
      '/',
    ].map((target): Row => [`C-101 ${target}`, 'route_not_found', { target }]),
    ...[
      '/data//evil.com/x',
      '//evil.com/data',
      '/data///evil.com',
      '/data/@evil.com',
      '/data/@',
      '/data/http://evil/',
    ].map((target): Row => [`C-102 ${target}`, 'path_ambiguous', { target }]),
    ...[
      '/data/\\evil.com',
      '/data/https:%2f%2fevil',
      '/data/%2f%2fevil.com',
      '/data/%5cevil.com',
      '/data/;@evil.com',
      '/data#@evil',
    ].map((target): Row => [`C-102 ${target}`, 'path_ambiguous', { target }]),
    ...[
      '/data/../../token',
      '/data/..',
      '/data/.',
      '/data/../data',
      '/data/%2e%2e/token',
      '/data/..%2ftoken',
      '/data/..;/token',
    ].map((target): Row => [`C-103 ${target}`, 'path_ambiguous', { target }]),
    ...['/../data/x', '/data/x/..', '/data/%252e%252e/token', '/data/..\\token'].map(
      (target): Row => [`C-103 ${target}`, 'path_ambiguous', { target }],
    ),
    ['C-210 a path that is not listed', 'route_not_found', { target: '/evil' }],
    ['C-210 a host for a path', 'route_not_found', { target: '/evil.example/x' }],
    ['C-210 a URL for a path', 'path_ambiguous', { target: '/http://evil.example/' }],
    ['C-210 a method that is not listed', 'route_not_found', { method: 'POST', target: '/open/x' }],
    [
      'C-210 a proxy request for another host',
      'misdirected_request',
      { target: 'http://evil.example/data/x', headers: ['Host', 'evil.example'] },
    ],
    ['C-210 a proxy request beside another Host', 'host_mismatch', { target: 'http://evil.example/data/x' }],
    ['C-210 a secure proxy request', 'host_mismatch', { target: 'https://evil.example/data/x' }],
    ['C-210 CONNECT', 'method_not_allowed', { method: 'CONNECT', target: 'evil.example:443' }],
    [
      'C-210 an upgrade',
      'upgrade_not_allowed',
      { target: '/data/x', headers: ['Connection', 'Upgrade', 'Upgrade', 'websocket'] },
    ],
  ];
  for (const [title, code, request] of ROWS) {
    test(`${title} is ${code}, and no name is looked up`, async () => {
      const before = egress.lookups.length;
      await egress.refused(code, () => egress.send(request), [SECRET, TOKEN]);
      assert.equal(egress.lookups.length, before);
    });
  }
});

describe('the Host of a browser that was led here', () => {
  const MISDIRECTED =
    `evil.example localhost.evil 127.0.0.1.evil evil.127.0.0.1 notlocalhost data.zone3.local 0.0.0.0 [::] 127.0.0.2
    127.1 2130706433 0x7f000001 [::ffff:127.0.0.1] 169.254.169.254 localhost.localdomain`.split(/\s+/);
  for (const host of MISDIRECTED) {
    test(`C-211 ${host} is misdirected_request`, async () => {
      const port = egress.sidecar.egressPort;
      for (const value of [host, `${host}:${port}`]) {
        await egress.refused('misdirected_request', () => egress.send({ target: '/data/x', headers: ['Host', value] }));
      }
    });
  }

  test('C-211 none at all is refused, on HTTP/1.0 too', async () => {
    for (const [version, code] of [
      ['1.1', 'host_invalid'],
      ['1.0', 'misdirected_request'],
    ] as const) {
      const bytes = Buffer.from(`GET /data/x HTTP/${version}\r\nConnection: close\r\n\r\n`);
      await egress.refused(code, () => sendBytes({ port: egress.sidecar.egressPort }, bytes));
    }
  });

  test('C-211 the listener is bound to this machine alone', async () => {
    const outer = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    for (const { address, family, internal } of outer) {
      if (internal || family !== 'IPv4') continue;
      const reached = sendBytes({ host: address, port: egress.sidecar.egressPort }, Buffer.from('GET /'));
      await assert.rejects(reached, { code: 'ECONNREFUSED' });
    }
  });
});

describe('a target that leads where nobody may go', () => {
  for (const [index, host] of [...Object.keys(FORBIDDEN), ...LITERALS].entries()) {
    test(`C-212 ${host} (${FORBIDDEN[host]?.join() ?? 'as it is written'}) is egress_address_forbidden`, async () => {
      const before = visitors;
      const record = await egress.refused('egress_address_forbidden', () => egress.send({ target: `/t${index}` }));
      assert.equal(visitors, before, 'nobody came');
      assert.equal(record['downstream'], `t${index}`);
    });
  }

  test('C-212 a name that leads elsewhere is dialled, and this machine where it is written', async () => {
    await using plain = await startEgress({
      targets: `    away: { url: "https://away.example:1", auth: { type: none }, tls: *tls }
    here: { url: "http://127.0.0.1:${egress.sidecar.egressPort}", auth: { type: none } }
    named: { url: "http://localhost:${egress.sidecar.egressPort}", auth: { type: none } }`,
      routes: `    - { path_prefix: /away, target: away }
    - { path_prefix: /here, target: here, strip_prefix: /here }
    - { path_prefix: /named, target: named, strip_prefix: /named }`,
      names: { 'away.example': ['192.0.2.1'], localhost: ['127.0.0.1'] },
    });
    const codes: unknown[] = [];
    for (const target of ['/here/none', '/named/none', '/away']) {
      const { body } = await plain.send({ target });
      codes.push((JSON.parse(body) as { code: string }).code);
    }
    // The first two were answered by the other sidecar.
    assert.deepEqual(codes.slice(0, 2), ['route_not_found', 'route_not_found']);
    assert.match(String(codes[2]), /^upstream_(?:unreachable|timeout)$/);
    assert.deepEqual(plain.lookups, ['localhost', 'away.example']);
  });
});
