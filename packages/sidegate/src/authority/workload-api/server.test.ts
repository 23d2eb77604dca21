/** The Workload API over its socket, asked by our own client and by any other. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import { parseSpiffeId } from '@sidegate/sdk';
import { type WorkloadApi, type WorkloadApiMethod, workloadApi } from '@sidegate/sdk/workload-api';
import { createTestAuthority } from '../../../../../tests/support/certificates.ts';
import { until } from '../../../../../tests/support/until.ts';
import { askWorkloadApi, attestSelf, clientOf, SELF } from '../../../../../tests/support/workload-api-call.ts';
import {
  CLOCK,
  SCHEDULE,
  startWorkloadAuthority,
  TRUST_DOMAIN,
} from '../../../../../tests/support/workload-authority.ts';

const ID = `spiffe://${TRUST_DOMAIN}/zone2/order-service`;

const METHODS = ['FetchX509SVID', 'FetchX509Bundles', 'FetchJWTSVID', 'FetchJWTBundles', 'ValidateJWTSVID'] as const;

const pemBytes = (pem: string): Buffer => Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');

describe('a call is refused', () => {
  for (const method of METHODS) {
    for (const [title, headers] of [
      ['without the security header', {}],
      ['with another value of the security header', { 'workload.spiffe.io': 'TRUE' }],
    ] as const) {
      test(`${method} ${title}`, async () => {
        await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
        const { code } = await askWorkloadApi(authority.socket, method, undefined, headers);
        assert.equal(code, status.INVALID_ARGUMENT);
      });
    }

    test(`${method} of whom no entry matches, and the log says what was seen`, async () => {
      await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
      authority.register({ selectors: ['unix:uid:4242'] });
      // Audience "a", token "b".
      const { code, details } = await askWorkloadApi(
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
      const { code } = await askWorkloadApi(
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
      await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
      assert.equal((await askWorkloadApi(authority.socket, method, Buffer.from(hex, 'hex'))).code, code);
    });
  }

  for (const [title, value] of [
    ['where none is accepted', 'Bearer e.y.J'],
    ['of another scheme', 'Basic YTpi'],
    ['that is two', 'Bearer a, Bearer b'],
  ] as const) {
    test(`with a service-account token ${title}`, async () => {
      await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
      const headers = { 'workload.spiffe.io': 'true', authorization: value };
      assert.equal(
        (await askWorkloadApi(authority.socket, 'FetchX509SVID', undefined, headers)).code,
        status.PERMISSION_DENIED,
      );
    });
  }

  test('with a service-account token that is refused, although the user would do', async () => {
    const attestToken = async () => Promise.reject(new Error('expired'));
    await using authority = await startWorkloadAuthority({ attestPeer: attestSelf, attestToken });
    const headers = { 'workload.spiffe.io': 'true', authorization: 'Bearer e.y.J' };
    const { code, details } = await askWorkloadApi(authority.socket, 'FetchX509SVID', undefined, headers);
    assert.deepEqual([code, details], [status.PERMISSION_DENIED, 'the service-account token is refused']);
    assert.equal(authority.events[0]?.event === 'workload_refused' && authority.events[0].cause, 'expired');
  });
});

test('a peer that cannot be told is sent away before it has said anything', async () => {
  await using authority = await startWorkloadAuthority({
    attestPeer: async () => Promise.reject(new Error('no /proc')),
  });
  const { code } = await askWorkloadApi(authority.socket, 'FetchX509SVID');
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
  await using authority = await startWorkloadAuthority({ attestPeer: attestSelf, attestToken });
  authority.register({ selectors: ['k8s:ns:production', 'k8s:sa:order-service'] });
  assert.equal((await askWorkloadApi(authority.socket, 'FetchX509SVID')).code, status.PERMISSION_DENIED);
  using client = workloadApiWithToken(authority.socket);
  assert.equal((await client.watchX509().first()).svids[0].id.uri, ID);
});

function workloadApiWithToken(socket: string): WorkloadApi & Disposable {
  const client = workloadApi({ socket, clock: CLOCK, schedule: SCHEDULE, random: Math.random, token: () => 'e.y.J' });
  return { ...client, [Symbol.dispose]: () => client.close() };
}

test('S4-083 an X.509-SVID is issued to whom an entry matches, and verifies against its bundle', async () => {
  await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
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
  await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
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
  await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
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
  await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
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
  await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
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
    assert.equal((await askWorkloadApi(authority.socket, method)).code, status.PERMISSION_DENIED, method);
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
  await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
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
  await using authority = await startWorkloadAuthority({ attestPeer: attestSelf });
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
