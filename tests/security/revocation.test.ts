/** Corpus G, 181: certificates that were taken back, and lists that cannot say so any more. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  createTestAuthority,
  type TestAuthority,
  type TestCertificate,
  type TestCertificateOptions,
} from '../support/certificates.ts';
import { issueClient, startReloadable } from '../support/reloadable.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';
import { startOrderSidecar } from './order-sidecar.ts';

const LEAF: TestCertificateOptions = {
  subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }],
  uris: ['spiffe://example.org/zone1/api-gateway'],
};
const HOUR_MS = 3_600_000;
const ago = (hours: number): Date => new Date(Date.now() - hours * HOUR_MS);

describe('in the handshake', () => {
  test('C-181 a revoked serial is refused, first, last or alone in the list; another one is served', async () => {
    for (const position of [0, 1, 2]) {
      let taken: ReturnType<TestAuthority['issue']> | undefined;
      await using order = await startOrderSidecar({
        revocations: (zone) => {
          const revoked = [0, 1, 2].map(() => zone.issue(LEAF));
          taken = revoked[position];
          return zone.revocationList({ revoked });
        },
      });
      await order.refusedHandshake(() => order.send({}, taken));
      assert.equal((await order.send()).status, 200);
    }
  });

  const UNUSABLE: readonly (readonly [title: string, list: (zone: TestAuthority) => string])[] = [
    ['past its next update', (zone) => zone.revocationList({ thisUpdate: ago(3), nextUpdate: ago(1) })],
    ['of tomorrow', (zone) => zone.revocationList({ thisUpdate: ago(-2) })],
    ['of another authority', () => createTestAuthority('other-CA').revocationList()],
    ['of another authority with the same name', () => createTestAuthority('zone2-CA').revocationList()],
    [
      'past its next update, beside a current one of another authority',
      (zone) =>
        zone.revocationList({ thisUpdate: ago(3), nextUpdate: ago(1) }) +
        createTestAuthority('other-CA').revocationList(),
    ],
  ];
  for (const [title, revocations] of UNUSABLE) {
    test(`C-181 a list ${title} lets nobody in`, async () => {
      await using order = await startOrderSidecar({ revocations });
      await order.refusedHandshake(() => order.send());
    });
  }

  test('C-181 an authority in between needs a list as well, and may be in one', async () => {
    const between = { ca: true, eku: null, keyUsage: ['keyCertSign', 'cRLSign'] } as const;
    let lower: TestAuthority | undefined;
    const zoneOnly = (zone: TestAuthority): string => {
      lower = zone.intermediate(between);
      return zone.revocationList();
    };
    const both = (zone: TestAuthority): string => `${zoneOnly(zone)}${lower?.revocationList()}`;
    const revoked = (zone: TestAuthority): string => {
      lower = zone.intermediate(between);
      return `${zone.revocationList({ revoked: [lower] })}${lower.revocationList()}`;
    };
    for (const revocations of [zoneOnly, revoked]) {
      await using order = await startOrderSidecar({ revocations });
      await order.refusedHandshake(() => order.send({}, lower?.issue(LEAF)));
    }
    await using order = await startOrderSidecar({ revocations: both });
    assert.equal((await order.send({}, lower?.issue(LEAF))).status, 200);
  });
});

describe('at the decision API, which is shown certificates by others', () => {
  const chapters = 'admin: { addr: 127.0.0.1:0 }';
  const ROWS: readonly (readonly [
    title: string,
    decision: string,
    list: (zone: TestAuthority, taken: TestCertificate) => string,
  ])[] = [
    ['that is listed', 'deny', (zone, taken) => zone.revocationList({ revoked: [zone.issue(), taken] })],
    ['whose list is stale', 'deny', (zone) => zone.revocationList({ thisUpdate: ago(3), nextUpdate: ago(1) })],
    ['whose list is of tomorrow', 'deny', (zone) => zone.revocationList({ thisUpdate: ago(-2) })],
    ['whose authority has no list', 'deny', () => createTestAuthority('other-CA').revocationList()],
    ['that is not listed', 'allow', (zone) => zone.revocationList({ revoked: [zone.issue()] })],
  ];
  for (const [title, decision, list] of ROWS) {
    test(`C-181 a certificate ${title}: ${decision}`, async () => {
      let shown: TestCertificate | undefined;
      await using order = await startOrderSidecar({
        chapters,
        revocations: (zone) => {
          shown = zone.issue(LEAF);
          return list(zone, shown);
        },
      });
      const request = { method: 'GET', path: '/orders', host: 'localhost' };
      const body = JSON.stringify({ request, token: order.userToken(), mtls: { certificate: shown?.certPem } });
      const wire = { port: order.sidecar.adminPort };
      const answer = await sendRequest(wire, {
        method: 'POST',
        target: '/v1/authorize',
        headers: ['Content-Type', 'application/json'],
        body,
      });
      const told = JSON.parse(answer.body) as { decision: string; code?: string };
      const expected = decision === 'allow' ? undefined : 'peer_identity_invalid';
      assert.deepEqual([told.decision, told.code], [decision, expected], answer.raw);
    });
  }
});

describe('a start that is refused', () => {
  const ROWS: readonly (readonly [title: string, text: (zone: TestAuthority) => string, message: RegExp])[] = [
    ['nothing', () => '', /is not a PEM revocation list/],
    ['a certificate', (zone) => zone.certPem, /cannot be read as one, among 1/],
    ['rubbish', () => '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n', /revocation list 1 that cannot/],
    [
      'rubbish behind a list',
      (zone) => `${zone.revocationList()}-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n`,
      /revocation list 2 that cannot/,
    ],
    ['half a list', (zone) => zone.revocationList().slice(0, 150), /cannot be read as one, among 1/],
  ];
  for (const [title, revocations, message] of ROWS) {
    test(`C-181 ${title} for a list`, async () => {
      await assert.rejects(startOrderSidecar({ revocations }), message);
    });
  }
});

test('C-181 a new list counts for connections that are open, and the next handshake', async () => {
  await using sidecar = await startReloadable();
  const [first, second] = [issueClient(sidecar.authority), issueClient(sidecar.authority)];
  sidecar.write('zone.crl', sidecar.authority.revocationList());
  const config = sidecar.config({}).replace('client_auth: require', 'client_auth: require, client_crl_file: zone.crl');
  sidecar.write('config.yaml', config);
  sidecar.sidecar.signal('SIGHUP');
  await until(() => sidecar.generation() === 2, 20_000);
  using taken = sidecar.client(first);
  using kept = sidecar.client(second);
  assert.deepEqual([(await taken.get()).status, (await kept.get()).status], [200, 200]);
  const seen = sidecar.app.seen.length;
  sidecar.write('zone.crl', sidecar.authority.revocationList({ revoked: [first] }));
  sidecar.sidecar.signal('SIGHUP');
  await until(() => sidecar.generation() === 3, 20_000);
  await assert.rejects(taken.get());
  const { status, reused } = await kept.get();
  assert.deepEqual([status, reused, sidecar.app.seen.length], [200, false, seen + 1]);
});
