/** The Workload API over its socket, asked by our own client and by bytes that no client sends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { parseSpiffeId } from '@sidegate/sdk';
import { type WorkloadApi, type WorkloadApiMethod, workloadApi, workloadApiPath } from '@sidegate/sdk/workload-api';
import { createTestAuthority } from '../../../../../tests/support/certificates.ts';
import { until } from '../../../../../tests/support/until.ts';
import {
  CLOCK,
  SCHEDULE,
  startWorkloadAuthority,
  TRUST_DOMAIN,
} from '../../../../../tests/support/workload-authority.ts';
import { PERL, perlCredentials } from './peer-credentials.ts';
import { type AttestedPeer, unixAttestor } from './unix-attestor.ts';

const ID = `spiffe://${TRUST_DOMAIN}/zone2/order-service`;
const uid = process.getuid?.() ?? 0;
const SELF: AttestedPeer = { pid: process.pid, selectors: new Set([`unix:uid:${uid}`]), isAlive: () => true };
const attestPeer = async (): Promise<AttestedPeer> => SELF;

const METHODS = ['FetchX509SVID', 'FetchX509Bundles', 'FetchJWTSVID', 'FetchJWTBundles', 'ValidateJWTSVID'] as const;

const pemBytes = (pem: string): Buffer => Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');

function clientOf(socket: string): WorkloadApi & Disposable {
  const client = workloadApi({ socket, clock: CLOCK, schedule: SCHEDULE, random: Math.random });
  return { ...client, [Symbol.dispose]: () => client.close() };
}

interface Answer {
  readonly code: status;
  readonly details: string;
}

/** One call with any bytes and any headers; of a stream, its first message counts. */
async function ask(
  socket: string,
  method: WorkloadApiMethod,
  bytes: Uint8Array = Buffer.alloc(0),
  headers: Readonly<Record<string, string>> = { 'workload.spiffe.io': 'true' },
): Promise<Answer> {
  const client = new Client(socket, credentials.createInsecure());
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  try {
    return await new Promise((resolve) => {
      const asIs = (value: Uint8Array): Buffer => Buffer.from(value);
      const call = client.makeServerStreamRequest(workloadApiPath(method), asIs, (raw: Buffer) => raw, bytes, metadata);
      call.on('error', ({ code, details }: ServiceError) => resolve({ code, details }));
      call.on('data', () => {
        resolve({ code: status.OK, details: '' });
        call.cancel();
      });
    });
  } finally {
    client.close();
  }
}

describe('a call is refused', () => {
  for (const method of METHODS) {
    for (const [title, headers] of [
      ['without the security header', {}],
      ['with another value of the security header', { 'workload.spiffe.io': 'TRUE' }],
    ] as const) {
      test(`${method} ${title}`, async () => {
        await using authority = await startWorkloadAuthority({ attestPeer });
        const { code } = await ask(authority.socket, method, undefined, headers);
        assert.equal(code, status.INVALID_ARGUMENT);
      });
    }

    test(`${method} of whom no entry matches, and the log says what was seen`, async () => {
      await using authority = await startWorkloadAuthority({ attestPeer });
      authority.register({ selectors: ['unix:uid:4242'] });
      // Audience "a", token "b".
      const { code, details } = await ask(
        authority.socket,
        method,
        Buffer.from(method === 'ValidateJWTSVID' ? '0a0161120162' : '0a0161', 'hex'),
      );
      assert.deepEqual([code, details], [status.PERMISSION_DENIED, 'no identity issued']);
      assert.deepEqual(authority.events, [
        {
          event: 'workload_refused',
          method,
          reason: 'no identity issued',
          selectors: [...SELF.selectors],
          pid: SELF.pid,
        },
      ]);
    });

    test(`${method} of a process that has ended`, async () => {
      await using authority = await startWorkloadAuthority({
        attestPeer: async () => ({ ...SELF, isAlive: () => false }),
      });
      const { code } = await ask(
        authority.socket,
        method,
        Buffer.from(method === 'ValidateJWTSVID' ? '0a0161120162' : '0a0161', 'hex'),
      );
      assert.equal(code, status.PERMISSION_DENIED);
    });
  }

  const REQUESTS: readonly (readonly [title: string, method: WorkloadApiMethod, hex: string, code: status])[] = [
    ['no protobuf message', 'FetchJWTSVID', 'ffff', status.INVALID_ARGUMENT],
    ['no audience', 'FetchJWTSVID', '', status.INVALID_ARGUMENT],
    ['an empty audience', 'FetchJWTSVID', '0a00', status.INVALID_ARGUMENT],
    ['an audience with a line break', 'FetchJWTSVID', '0a03610a62', status.INVALID_ARGUMENT],
    ['an audience of 600 characters', 'FetchJWTSVID', `0ad804${'61'.repeat(600)}`, status.INVALID_ARGUMENT],
    [
      '17 audiences',
      'FetchJWTSVID',
      Array.from({ length: 17 }, (_, index) => `0a01${(0x61 + index).toString(16)}`).join(''),
      status.INVALID_ARGUMENT,
    ],
    [
      'the SPIFFE ID of another',
      'FetchJWTSVID',
      `0a0161120a${Buffer.from('spiffe://x').toString('hex')}`,
      status.PERMISSION_DENIED,
    ],
    ['a token that is none', 'ValidateJWTSVID', '0a0161120162', status.INVALID_ARGUMENT],
    ['a token and no audience', 'ValidateJWTSVID', '120162', status.INVALID_ARGUMENT],
    ['100 KiB', 'ValidateJWTSVID', `0a016112808006${'61'.repeat(98_304)}`, status.RESOURCE_EXHAUSTED],
  ];
  for (const [title, method, hex, code] of REQUESTS) {
    test(`${method} with ${title}`, async () => {
      await using authority = await startWorkloadAuthority({ attestPeer });
      assert.equal((await ask(authority.socket, method, Buffer.from(hex, 'hex'))).code, code);
    });
  }

  for (const [title, value] of [
    ['where none is accepted', 'Bearer e.y.J'],
    ['of another scheme', 'Basic YTpi'],
    ['that is two', 'Bearer a, Bearer b'],
  ] as const) {
    test(`with a service-account token ${title}`, async () => {
      await using authority = await startWorkloadAuthority({ attestPeer });
      const headers = { 'workload.spiffe.io': 'true', authorization: value };
      assert.equal((await ask(authority.socket, 'FetchX509SVID', undefined, headers)).code, status.PERMISSION_DENIED);
    });
  }

  test('with a service-account token that is refused, although the user would do', async () => {
    const attestToken = async () => Promise.reject(new Error('expired'));
    await using authority = await startWorkloadAuthority({ attestPeer, attestToken });
    const headers = { 'workload.spiffe.io': 'true', authorization: 'Bearer e.y.J' };
    const { code, details } = await ask(authority.socket, 'FetchX509SVID', undefined, headers);
    assert.deepEqual([code, details], [status.PERMISSION_DENIED, 'the service-account token is refused']);
    assert.equal(authority.events[0]?.event === 'workload_refused' && authority.events[0].cause, 'expired');
  });
});

test('a peer that cannot be told is sent away before it has said anything', async () => {
  await using authority = await startWorkloadAuthority({
    attestPeer: async () => Promise.reject(new Error('no /proc')),
  });
  const { code } = await ask(authority.socket, 'FetchX509SVID');
  assert.equal(code, status.UNAVAILABLE);
  assert.deepEqual(authority.events[0], {
    event: 'workload_refused',
    method: 'connect',
    reason: 'no /proc',
    selectors: [],
    pid: undefined,
  });
});

test('a service-account token adds what it says to what was seen of the process', async () => {
  const attestToken = async (token: string) => (token === 'e.y.J' ? ['k8s:ns:production', 'k8s:sa:order-service'] : []);
  await using authority = await startWorkloadAuthority({ attestPeer, attestToken });
  authority.register({ selectors: ['k8s:ns:production', 'k8s:sa:order-service'] });
  assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.PERMISSION_DENIED);
  using client = workloadApiWithToken(authority.socket);
  assert.equal((await client.watchX509().first()).svids[0].id.uri, ID);
});

function workloadApiWithToken(socket: string): WorkloadApi & Disposable {
  const client = workloadApi({ socket, clock: CLOCK, schedule: SCHEDULE, random: Math.random, token: () => 'e.y.J' });
  return { ...client, [Symbol.dispose]: () => client.close() };
}

test('S4-083 an X.509-SVID is issued to whom an entry matches, and verifies against its bundle', async () => {
  await using authority = await startWorkloadAuthority({ attestPeer });
  authority.register({ dnsNames: ['order-service'], hint: 'internal' });
  using client = clientOf(authority.socket);
  const { svids, bundles } = await client.watchX509().first();
  const [{ id, cert, hint }] = svids;
  assert.deepEqual([id.uri, hint, svids.length], [ID, 'internal', 1]);
  const leaf = new X509Certificate(cert);
  assert.equal(leaf.subjectAltName, `DNS:order-service, URI:${ID}`);
  assert.equal(bundles.get(TRUST_DOMAIN), authority.bundle());
  assert.ok(leaf.verify(new X509Certificate(authority.bundle()).publicKey));
  assert.deepEqual(
    authority.events.map((event) => event.event === 'svid' && [event.kind, event.spiffe_id]),
    [['x509', ID]],
  );
});

test('S4-088 an SVID is followed by another with another key when half of its life is over', async () => {
  await using authority = await startWorkloadAuthority({ attestPeer });
  authority.register({ x509TtlMs: 2_000 });
  using client = clientOf(authority.socket);
  const source = client.watchX509();
  const [first] = (await source.first()).svids;
  const startedAt = performance.now();
  await until(() => source.current()?.svids[0].key !== first.key, 10_000);
  const second = source.current()?.svids[0];
  assert.notEqual(second?.key, first.key);
  assert.ok(performance.now() - startedAt > 400, 'it was not there at once');
  assert.ok((second?.notAfter ?? 0) > first.notAfter);
  assert.equal(source.failure(), undefined);
});

test('S4-088 another authority is pushed at once, with the old one beside it, and has signed the next SVID', async () => {
  await using authority = await startWorkloadAuthority({ attestPeer });
  using client = clientOf(authority.socket);
  const [source, bundles, keys] = [client.watchX509(), client.watchX509Bundles(), client.watchJwtBundles()];
  await Promise.all([source.first(), bundles.first(), keys.first()]);
  const old = authority.bundle();
  await authority.rotateAuthority();
  await until(() => source.current()?.bundles.get(TRUST_DOMAIN) === authority.bundle(), 10_000);
  await until(() => bundles.current()?.get(TRUST_DOMAIN) === authority.bundle(), 10_000);
  assert.ok(authority.bundle().endsWith(old) && authority.bundle() !== old);
  assert.equal(source.current()?.bundles.get(TRUST_DOMAIN), authority.bundle());
  assert.equal(bundles.current()?.get(TRUST_DOMAIN), authority.bundle());
  const leaf = new X509Certificate(source.current()?.svids[0].cert ?? '');
  assert.ok(leaf.verify(new X509Certificate(authority.bundle()).publicKey));
  authority.rotateKey();
  await until(() => keys.current()?.get(TRUST_DOMAIN)?.keys.length === 2, 10_000);
  assert.equal(keys.current()?.get(TRUST_DOMAIN)?.keys.length, 2);
});

test('whoever is no longer entitled is told so, and keeps what it has until that ends', async () => {
  await using authority = await startWorkloadAuthority({ attestPeer });
  using client = clientOf(authority.socket);
  const source = client.watchX509();
  await source.first();
  authority.register();
  await until(() => source.failure() !== undefined, 10_000);
  assert.match(source.failure() ?? '', /PERMISSION_DENIED: no identity issued/);
  assert.equal(source.current()?.svids[0].id.uri, ID);
  authority.register({});
  await until(() => source.failure() === undefined, 10_000);
  assert.equal(source.failure(), undefined);
});

test('a workload that was revoked gets no SVID, its streams are told so, and who shares its socket is served', async () => {
  await using authority = await startWorkloadAuthority({ attestPeer });
  using client = clientOf(authority.socket);
  const [source, keys] = [client.watchX509(), client.watchJwtBundles()];
  const { svids } = await source.first();
  await keys.first();
  authority.revoke(ID);
  await until(() => keys.failure() !== undefined && source.failure() !== undefined);
  for (const watched of [source, keys])
    assert.match(watched.failure() ?? '', /PERMISSION_DENIED: the workload was rev/);
  assert.equal(source.current()?.svids[0].cert, svids[0].cert, 'what it has is for others to refuse');
  for (const method of METHODS.filter((each) => each.startsWith('Fetch') && each !== 'FetchJWTSVID')) {
    assert.equal((await ask(authority.socket, method)).code, status.PERMISSION_DENIED, method);
  }
  using second = clientOf(authority.socket);
  await assert.rejects(async () => second.jwtSvid(['data-service']), /PERMISSION_DENIED/);
  authority.register({}, { spiffeId: `spiffe://${TRUST_DOMAIN}/zone2/other` });
  using shared = clientOf(authority.socket);
  const context = await shared.watchX509().first();
  assert.deepEqual(
    context.svids.map(({ id }) => id.uri),
    [`spiffe://${TRUST_DOMAIN}/zone2/other`],
  );
});

test('revocation lists come with identities and with bundles, and each new one is pushed', async () => {
  await using authority = await startWorkloadAuthority({ attestPeer });
  const lists = createTestAuthority('example-CA');
  authority.publishLists(pemBytes(lists.revocationList()));
  using client = clientOf(authority.socket);
  const source = client.watchX509();
  assert.equal((await source.first()).crl.length, 1);
  const revoked = lists.issue();
  const next = lists.revocationList({ revoked: [revoked] });
  authority.publishLists(pemBytes(next));
  await until(() => source.current()?.crl.some((each) => pemBytes(each).equals(pemBytes(next))) === true);
  assert.deepEqual(source.current()?.crl.map(pemBytes), [pemBytes(next)]);
  const issued = () => authority.events.filter(({ event }) => event === 'svid').length;
  assert.equal(issued(), 1, 'nobody needs another key because somebody else was revoked');
  const own = new X509Certificate(source.current()?.svids[0].cert ?? '');
  authority.publishLists(pemBytes(lists.revocationList({ revoked: [{ ...revoked, der: own.raw }] })));
  await until(() => issued() === 2);
  assert.equal(issued(), 2, 'whose own certificate is in the list gets another');
});

test('S4-083 a JWT-SVID is issued for its audience, kept, and valid there and nowhere else', async () => {
  await using authority = await startWorkloadAuthority({ attestPeer });
  using client = clientOf(authority.socket);
  const token = await client.jwtSvid(['data-service']);
  assert.equal(await client.jwtSvid(['data-service']), token);
  assert.notEqual((await client.jwtSvid(['payment-service'])).reveal(), token.reveal());
  assert.equal((await client.validateJwtSvid('data-service', token.reveal())).uri, ID);
  const [header, payload, signature = ''] = token.reveal().split('.');
  const forged = `${header}.${payload}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
  for (const [audience, value] of [
    ['payment-service', token.reveal()],
    ['data-service', forged],
  ] as const) {
    await assert.rejects(client.validateJwtSvid(audience, value), { code: 'token_signature_invalid' });
  }
  await assert.rejects(async () => client.jwtSvid(['a'], parseSpiffeId(`${ID}2`)), { code: 'idp_unavailable' });
});

describe('a server goes on after', () => {
  const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const ROWS: readonly (readonly [title: string, bytes: Buffer])[] = [
    ['nothing at all', Buffer.alloc(0)],
    ['half a preface', PREFACE.subarray(0, 10)],
    ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['random bytes', Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7919) % 251))],
    ['a frame of 16 MiB', Buffer.concat([PREFACE, Buffer.from('ffffff000000000001', 'hex')])],
    ['a header block that is none', Buffer.concat([PREFACE, Buffer.from('00000401050000000180808080', 'hex')])],
    ['settings for a stream', Buffer.concat([PREFACE, Buffer.from('000000040000000003', 'hex')])],
    [
      'a thousand resets',
      Buffer.concat([PREFACE, ...Array.from({ length: 1000 }, () => Buffer.from('00000403000000000100000008', 'hex'))]),
    ],
  ];
  for (const [title, bytes] of ROWS) {
    test(title, async () => {
      await using authority = await startWorkloadAuthority({ attestPeer });
      const socket = connect(authority.path);
      socket.on('error', () => undefined).resume();
      socket.end(bytes);
      await new Promise((resolve) => socket.on('close', resolve));
      assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.OK);
    });
  }

  test('a peer that is gone before it was attested', async () => {
    let gone = (): void => undefined;
    const waits = new Promise<void>((resolve) => {
      gone = resolve;
    });
    let attested = 0;
    const late = async (): Promise<AttestedPeer> => {
      attested += 1;
      if (attested === 1) await waits;
      return SELF;
    };
    await using authority = await startWorkloadAuthority({ attestPeer: late });
    const socket = connect(authority.path, () => socket.destroy());
    await until(() => socket.destroyed && attested === 1, 10_000);
    gone();
    assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.OK);
  });
});

describe('the socket', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-socket-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('is not taken from a server that lives', async () => {
    await using authority = await startWorkloadAuthority({ attestPeer });
    await assert.rejects(startWorkloadAuthority({ attestPeer, path: authority.path }), /is there already/);
    assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.OK);
  });

  test('never takes the place of a file', async () => {
    const file = path.join(folder, 'file');
    writeFileSync(file, 'precious');
    await assert.rejects(startWorkloadAuthority({ attestPeer, path: file }), /is there already/);
    assert.ok(existsSync(file));
  });

  test('takes the place of one that a killed server left, and has the mode that it should have', async () => {
    const file = path.join(folder, 'stale.sock');
    const listening = `require('net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`;
    await new Promise((resolve) => spawn(process.execPath, ['-e', listening]).on('close', resolve));
    assert.ok(statSync(file).isSocket());
    await using authority = await startWorkloadAuthority({ attestPeer, path: file, mode: 0o660 });
    assert.equal(statSync(file).mode & 0o777, 0o660);
    assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.OK);
  });

  test('has room for others when one user takes all that it may have, and again when that lets go', async () => {
    let user = 'unix:uid:1';
    const attestUser = async (): Promise<AttestedPeer> => ({ ...SELF, selectors: new Set([user]) });
    await using authority = await startWorkloadAuthority({ attestPeer: attestUser });
    authority.register({ selectors: ['unix:uid:1'] }, { selectors: ['unix:uid:2'] });
    const sockets: Socket[] = [];
    for (let index = 0; index < 100; index += 1) {
      const socket = connect(authority.path).on('error', () => undefined);
      // The server speaks first once it has taken the connection.
      await new Promise((resolve) => socket.once('data', resolve));
      sockets.push(socket);
    }
    assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.UNAVAILABLE);
    const [refused] = authority.events;
    assert.equal(refused?.event === 'workload_refused' && refused.reason, 'unix:uid:1 has 100 connections already');
    user = 'unix:uid:2';
    assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.OK);
    user = 'unix:uid:1';
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve).destroy())));
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.OK);
  });

  test('sends away more connections at once than it can attest, and serves the next', async () => {
    const waiting: (() => void)[] = [];
    let open = false;
    const slow = async (): Promise<AttestedPeer> => {
      if (!open) await new Promise<void>((resolve) => waiting.push(resolve));
      return SELF;
    };
    await using authority = await startWorkloadAuthority({ attestPeer: slow });
    const sockets: Socket[] = [];
    let closed = 0;
    for (let index = 0; index < 20; index += 1) {
      sockets.push(
        connect(authority.path)
          .on('close', () => (closed += 1))
          .on('error', () => undefined)
          .resume(),
      );
    }
    await until(() => closed === 4, 10_000);
    assert.deepEqual([waiting.length, closed], [16, 4]);
    open = true;
    for (const free of waiting) free();
    assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.OK);
    for (const socket of sockets) socket.destroy();
  });
});

describe('the kernel says who a peer is', { skip: existsSync(PERL) ? false : `there is no ${PERL}` }, () => {
  const attest = unixAttestor(perlCredentials());

  test('this process, by user, group and program', async () => {
    await using authority = await startWorkloadAuthority({ attestPeer: attest });
    authority.register({
      selectors: [`unix:uid:${uid}`, `unix:gid:${process.getgid?.()}`, `unix:path:${process.execPath}`],
    });
    using client = clientOf(authority.socket);
    assert.equal((await client.watchX509().first()).svids[0].id.uri, ID);
    assert.equal((await client.jwtSvid(['a'])).toString(), '[redacted]');
    const [event] = authority.events;
    assert.equal(event?.pid, process.pid);
  });

  const asRoot = { skip: uid === 0 ? false : 'only root may start a process of another user' };
  test('a process of another user', asRoot, async () => {
    const seen: AttestedPeer[] = [];
    const told = async (socket: Socket): Promise<AttestedPeer> => {
      const peer = await attest(socket);
      seen.push(peer);
      return peer;
    };
    await using authority = await startWorkloadAuthority({ attestPeer: told, mode: 0o666 });
    chmodSync(path.dirname(authority.path), 0o755);
    const script = `use Socket;socket(S,PF_UNIX,SOCK_STREAM,0);connect(S,sockaddr_un("${authority.path}")) or die;sleep 100`;
    const child = spawn(PERL, ['-e', script], { uid: 65_534, gid: 65_533, env: {}, stdio: 'ignore' });
    await until(() => seen.length > 0, 10_000);
    const [peer] = seen;
    assert.equal(peer?.pid, child.pid);
    assert.deepEqual(
      [...(peer?.selectors ?? [])],
      ['unix:uid:65534', 'unix:gid:65533', `unix:path:${realpathSync(PERL)}`],
    );
    assert.equal(peer?.isAlive(), true);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.on('close', resolve));
    assert.equal(peer?.isAlive(), false);
  });

  test('nothing where the program is missing', async () => {
    const attestPeerWithout = unixAttestor(perlCredentials('/nonexistent/perl'));
    await using authority = await startWorkloadAuthority({ attestPeer: attestPeerWithout });
    assert.equal((await ask(authority.socket, 'FetchX509SVID')).code, status.UNAVAILABLE);
  });
});
