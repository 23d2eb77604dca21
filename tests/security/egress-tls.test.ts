/** Corpus G, the other side of it: servers that cannot prove who they are, and certificates that are ours to keep apart. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { type HttpApp, startHttpApp } from '../support/http-app.ts';
import { sendRequest } from '../support/wire.ts';
import { type EgressSidecar, startEgress } from './egress-sidecar.ts';

const zone = createTestAuthority('zone3-CA');
const stranger = createTestAuthority('zone3-CA');
const HOUR_MS = 3_600_000;
const NAME = 'data.zone3.local';
const named = { subject: [{ CN: NAME }], eku: ['serverAuth'] } as const;
const issue = (options: Parameters<typeof zone.issue>[0]): TestCertificate => zone.issue({ ...named, ...options });

/** The host that is asked for, and the certificate that is shown there. */
const UNPROVEN: readonly (readonly [title: string, host: string, certificate: TestCertificate])[] = [
  ['C-177 *.zone3.local for a.b.zone3.local', 'a.b.zone3.local', issue({ dns: ['*.zone3.local'] })],
  ['C-177 *.zone3.local for zone3.local', 'zone3.local', issue({ dns: ['*.zone3.local'] })],
  ['C-177 *.*.zone3.local', 'a.b.zone3.local', issue({ dns: ['*.*.zone3.local'] })],
  ['C-177 a.*.zone3.local', 'a.b.zone3.local', issue({ dns: ['a.*.zone3.local'] })],
  ['C-177 *.local for a name of two labels', 'data.local', issue({ dns: ['*.local'] })],
  ['C-177 * alone', 'data', issue({ dns: ['*'] })],
  ['C-177 d*a.zone3.local', NAME, issue({ dns: ['d*a.zone3.local'] })],
  ['C-177 *a.zone3.local', NAME, issue({ dns: ['*a.zone3.local'] })],
  ['C-177 xn--* beside a name that needs it', 'xn--a.zone3.local', issue({ dns: ['xn--*.zone3.local'] })],
  ['C-186 another host', NAME, issue({ dns: ['other.zone3.local'] })],
  ['C-186 a host that only ends like it', NAME, issue({ dns: ['xdata.zone3.local'] })],
  ['C-186 a host that only begins like it', NAME, issue({ dns: [`${NAME}.evil`] })],
  ['C-186 NUL behind the host', NAME, issue({ dns: [`${NAME}\0.evil`] })],
  ['C-186 a list in one name', NAME, issue({ dns: [`evil.example, DNS:${NAME}`] })],
  ['C-186 the host as a common name only', NAME, issue({})],
  ['C-186 the host as a common name beside another host', NAME, issue({ dns: ['other.zone3.local'] })],
  ['C-186 the host as a URI', NAME, issue({ uris: [`https://${NAME}`] })],
  ['C-186 the host as an e-mail name', NAME, issue({ emails: [`a@${NAME}`] })],
  ['C-186 the address it was dialled at', NAME, issue({ ips: ['127.0.0.1'] })],
  ['C-186 an expired certificate', NAME, issue({ dns: [NAME], notAfter: new Date(Date.now() - 60_000) })],
  ['C-186 a certificate of tomorrow', NAME, issue({ dns: [NAME], notBefore: new Date(Date.now() + HOUR_MS) })],
  ['C-186 a certificate for clients', NAME, issue({ dns: [NAME], eku: ['clientAuth'] })],
  ['C-186 another authority of the same name', NAME, stranger.issue({ ...named, dns: [NAME] })],
  ['C-186 a certificate that it signed itself', NAME, createTestAuthority(NAME)],
];

let egress: EgressSidecar;
const impostors: HttpApp[] = [];
before(async () => {
  const dialled: Record<string, number> = {};
  const lines: string[] = [];
  for (const [index, [, host, certificate]] of UNPROVEN.entries()) {
    const tls = { cert: certificate.certPem, key: certificate.keyPem, ca: zone.certPem };
    const impostor = await startHttpApp(undefined, tls);
    impostors.push(impostor);
    dialled[`${host}:${9_000 + index}`] = impostor.port;
    lines.push(`    t${index}: { url: "https://${host}:${9_000 + index}", auth: { type: none }, tls: *tls }`);
  }
  egress = await startEgress({
    zone,
    dialled,
    targets: lines.join('\n'),
    routes: UNPROVEN.map((_, index) => `    - { path_prefix: /t${index}, target: t${index} }`).join('\n'),
  });
});
after(async () => {
  await egress[Symbol.asyncDispose]();
  for (const impostor of impostors) await impostor[Symbol.asyncDispose]();
});

async function assertUnproven(sidecar: EgressSidecar, target: string, impostor: HttpApp): Promise<void> {
  const before = sidecar.sidecar.audit.length;
  const answer = await sidecar.send({ target });
  assert.deepEqual([answer.status, (JSON.parse(answer.body) as { code: string }).code], [502, 'upstream_tls']);
  const records = sidecar.sidecar.audit.slice(before);
  assert.deepEqual(
    records.map(({ code, status, level }) => [code, status, level]),
    [['upstream_tls', 502, 'error']],
  );
  assert.deepEqual(impostor.seen, []);
}

describe('a server that cannot prove who it is gets no request', () => {
  for (const [index, [title]] of UNPROVEN.entries()) {
    test(`${title} is upstream_tls`, async () => {
      await assertUnproven(egress, `/t${index}`, impostors[index] as HttpApp);
    });
  }

  for (const value of ['0', '', 'false']) {
    test(`C-187 NODE_TLS_REJECT_UNAUTHORIZED=${JSON.stringify(value)} changes nothing`, async () => {
      const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = value;
      try {
        for (const [index, [title]] of UNPROVEN.entries()) {
          if (title.startsWith('C-186')) await assertUnproven(egress, `/t${index}`, impostors[index] as HttpApp);
        }
      } finally {
        if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
        else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
      }
    });
  }

  for (const key of ['insecure_skip_verify', 'rejectUnauthorized', 'reject_unauthorized', 'verify', 'skip_verify']) {
    test(`C-187 no key ${key} switches it off: the start is refused`, async () => {
      const targets = `    loose: { url: "https://${NAME}:1", auth: { type: none }, tls: { enabled: true, ${key}: true } }`;
      await assert.rejects(startEgress({ targets }), new RegExp(key));
    });
  }
});

describe('a host of an upstream that is not plain text', () => {
  const HOSTS = [
    'data\u3002zone3.local',
    'data\uff0ezone3.local',
    'data\uff61zone3.local',
    'dat\u0430.zone3.local',
    'd\u00e4ta.local',
    'data\u2024zone3.local',
    '\u2460.local',
    'data\u00ad.local',
    'data\u200b.local',
    'evil\uff0f.data.local',
    '\uff11.1.1.1',
    'data\\0.zone3.local',
    'data%00.zone3.local',
    'data%2ezone3.local',
    'data zone3.local',
    'data\\tzone3.local',
    'user@data.zone3.local',
    'user:pass@data.zone3.local',
    'data.zone3.local\\\\evil',
    'data.zone3.local#',
    '',
    '[::1',
  ];
  for (const host of HOSTS) {
    test(`C-178 ${JSON.stringify(host)} refuses the start`, async () => {
      const targets = `    odd: { url: "https://${host}:8443", auth: { type: none }, tls: *tls }`;
      await assert.rejects(startEgress({ targets }), /targets\.odd\.url/);
    });
  }
});

describe('two identities towards one server', () => {
  test('C-188 have connections of their own', async () => {
    const other = zone.issue({ subject: [{ CN: 'other-client' }], uris: ['spiffe://example.org/other'] });
    await using both = await startEgress({
      zone,
      files: { '/other.crt': other.certPem, '/other.key': other.keyPem },
      targets: `    other:
      url: https://${NAME}:8443
      auth: { type: none }
      tls: { enabled: true, client_cert: /other.crt, client_key: /other.key, ca_cert: /ca.crt }`,
      routes: '    - { path_prefix: /other, target: other }',
    });
    const expected: string[] = [];
    const targets = ['/open/x', '/other/x', '/open/x', '/other/x', '/data/x', '/other/x'];
    for (const target of targets) {
      assert.equal((await both.send({ target })).status, 200);
      expected.push(target === '/other/x' ? 'other-client' : 'order-service-client');
    }
    assert.deepEqual(
      both.data.seen.map(({ clientName }) => clientName),
      expected,
    );
    await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        sendRequest({ port: both.sidecar.egressPort }, { target: i % 2 === 0 ? '/open/a' : '/other/b' }),
      ),
    );
    for (const { url, clientName } of both.data.seen.slice(targets.length)) {
      assert.equal(clientName, url === '/a' ? 'order-service-client' : 'other-client');
    }
  });
});
