/** `sidegate authority` with a Workload API, as a process of its own: who gets an identity from it, and what follows when its authorities change. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { type WorkloadApi, workloadApi } from '@sidegate/sdk/workload-api';
import { PERL } from '../../packages/sidegate/src/authority/workload-api/peer-credentials.ts';
import { type AuthorityFolder, authorityFolder } from '../support/authority.ts';
import { ORDER_SECRET } from '../support/realms.ts';
import { startTestSidecar } from '../support/sidecar.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';
import { CLOCK, SCHEDULE } from '../support/workload-authority.ts';

const CA = `ca:
  trust_domain: example.org
  zones: { zone2: { dns_domains: [zone2.local] } }`;
const ORDER = 'spiffe://example.org/zone2/order-service';
const WAIT_MS = 30_000;
const uid = process.getuid?.() ?? 0;

interface EntryText {
  readonly id?: string;
  readonly selectors?: string;
  readonly more?: string;
}

const entry = ({ id = ORDER, selectors = `"unix:uid:${uid}"`, more = '' }: EntryText = {}): string =>
  `{ spiffe_id: "${id}", selectors: [${selectors}]${more} }`;

const settings = (entries: string, more: string = ''): string =>
  `workload_api: { socket: api.sock, entries: [${entries}]${more} }`;

function clientOf(folder: AuthorityFolder, token?: string): WorkloadApi & Disposable {
  const ports = { clock: CLOCK, schedule: SCHEDULE, random: Math.random };
  const shown = token === undefined ? {} : { token: () => token };
  const client = workloadApi({ socket: `unix://${folder.at('api.sock')}`, ...ports, ...shown });
  return { ...client, [Symbol.dispose]: () => client.close() };
}

const skip = existsSync(PERL) ? false : `there is no ${PERL}`;

describe('an authority does not start', { skip }, () => {
  for (const [title, more, finding] of [
    ['with a Workload API that no certificate authority stands behind', settings(entry()), /ca: is required/],
    [
      'with an entry of another trust domain',
      `${CA}\n${settings(entry({ id: 'spiffe://other.org/zone2/a' }))}`,
      /entries\[0\].*not of the trust domain/,
    ],
    [
      'with an entry of a zone that is not there',
      `${CA}\n${settings(entry({ id: 'spiffe://example.org/zone9/a' }))}`,
      /entries\[0\].*the zones are zone2/,
    ],
    [
      'with an entry below no zone',
      `${CA}\n${settings(entry({ id: 'spiffe://example.org/ns/a/sa/b' }))}`,
      /<zone>\/<service>/,
    ],
    [
      'with a host name of another zone',
      `${CA}\n${settings(entry({ more: ', dns_names: [a.zone1.local]' }))}`,
      /not one of the zone zone2/,
    ],
    [
      'with an entry for everybody',
      `${CA}\n${settings(entry({ selectors: '' }))}`,
      /entries\[0\].*it would be everybody/,
    ],
    [
      'with tokens that outlive their keys',
      `${CA}\n${settings(entry({ more: ', jwt_ttl: 1h' }))}`,
      /is longer than token_lifetime/,
    ],
    [
      'with a cluster whose keys are nowhere',
      `${CA}\n${settings(entry(), ', kubernetes: { issuer: "https://k", audience: a }')}`,
      /exactly one of jwks_file and jwks_url/,
    ],
    [
      'with keys of a cluster that are none',
      `${CA}\n${settings(entry(), ', kubernetes: { issuer: "https://k", audience: a, jwks_file: services.json }')}`,
      /kubernetes\.jwks_file: the set is not an object/,
    ],
  ] as const) {
    test(title, async () => {
      await using folder = await authorityFolder({ more });
      await using refused = await folder.start();
      assert.equal(await refused.end(), 78);
      assert.match(refused.stderr(), finding);
      assert.equal(existsSync(folder.at('api.sock')), false);
    });
  }
});

test('S4-083 a workload gets its SVID, and a token that verifies, while a stranger gets nothing', {
  skip,
}, async () => {
  const selectors = `"unix:uid:${uid}", "unix:path:${process.execPath}"`;
  await using folder = await authorityFolder({ more: `${CA}\n${settings(entry({ selectors }))}` });
  await using authority = await folder.start();
  using client = clientOf(folder);
  const { svids, bundles } = await client.watchX509().first();
  assert.deepEqual([svids[0].id.uri, svids[0].cert.match(/BEGIN/g)?.length], [ORDER, 2]);
  assert.equal([...bundles.keys()].join(), 'example.org');
  const token = await client.jwtSvid(['data-service']);
  assert.equal((await client.validateJwtSvid('data-service', token.reveal())).uri, ORDER);
  const listed = await folder.command('ca', 'list');
  assert.match(listed.stdout, /zone2\/order-service/);
  const response = await fetch(`${authority.url}/realms/services/protocol/openid-connect/certs`);
  const { kid } = JSON.parse(Buffer.from(token.reveal().split('.')[0] ?? '', 'base64url').toString()) as {
    kid: string;
  };
  assert.doesNotMatch(await response.text(), new RegExp(kid), 'the key of JWT-SVIDs is of no realm');
  const published = (await (await fetch(`${authority.url}/ca/bundle`)).json()) as {
    keys: { use: string; kid?: string }[];
  };
  assert.ok(
    published.keys.some((key) => key.use === 'jwt-svid' && key.kid === kid),
    'it is in the trust bundle',
  );
  assert.equal(await authority.end(), 0);
  assert.equal(existsSync(folder.at('api.sock')), false);

  await using other = await authorityFolder({
    more: `${CA}\n${settings(entry({ selectors: `"unix:uid:${uid}", "unix:path:/usr/bin/order"` }))}`,
  });
  await using second = await other.start();
  using stranger = clientOf(other);
  const source = stranger.watchX509();
  await until(() => source.failure()?.includes('PERMISSION_DENIED') === true, WAIT_MS);
  await until(() => second.stdout().includes('workload_refused'), WAIT_MS);
  const line = second
    .stdout()
    .split('\n')
    .find((each) => each.includes('workload_refused'));
  const { selectors: seen, pid } = JSON.parse(line ?? '{}') as { selectors: string[]; pid: number };
  assert.ok(seen.includes(`unix:path:${process.execPath}`));
  assert.equal(pid, process.pid);
});

test('S4-088 another root is in every bundle within seconds, and another key signs the next token', {
  skip,
}, async () => {
  await using folder = await authorityFolder({
    more: `${CA}\n${settings(entry())}`,
    signing: 'algorithms: [ES256], rotate_every: 5s, publish_before: 2s',
  });
  await using authority = await folder.start();
  using client = clientOf(folder);
  const [source, keys] = [client.watchX509(), client.watchJwtBundles()];
  const before = (await source.first()).bundles.get('example.org');
  const first = await keys.first();
  const { code, stderr } = await folder.command('ca', 'rotate', 'add');
  assert.equal(code, 0, stderr);
  await until(() => source.current()?.bundles.get('example.org') !== before, WAIT_MS);
  const after = source.current()?.bundles.get('example.org') ?? '';
  assert.equal(after.match(/BEGIN/g)?.length, 2);
  assert.ok(after.includes(before ?? 'nothing'));
  await until(() => keys.current()?.get('example.org')?.id !== first.get('example.org')?.id, WAIT_MS);
  assert.notEqual(keys.current()?.get('example.org')?.id, first.get('example.org')?.id);
  const token = await client.jwtSvid(['data-service']);
  assert.equal((await client.validateJwtSvid('data-service', token.reveal())).uri, ORDER);
  assert.equal(await authority.end(), 0);
});

test('a pod shows its service-account token, and gets the identity of its account alone', { skip }, async () => {
  const issuer = 'https://kubernetes.default.svc';
  const key = createSigningKey('RS256', 'cluster');
  const selectors = '"k8s:ns:production", "k8s:sa:order-service"';
  const cluster = `, kubernetes: { issuer: "${issuer}", audience: sidegate, jwks_file: cluster.json }`;
  await using folder = await authorityFolder({ more: `${CA}\n${settings(entry({ selectors }), cluster)}` });
  await writeFile(folder.at('cluster.json'), keySetBytes(key.jwk()));
  await using authority = await folder.start();
  assert.notEqual(authority.url, undefined, authority.stderr());
  const token = (account: string): string => {
    const now = Math.floor(Date.now() / 1000);
    const pod = { name: `${account}-1`, uid: '0a6d3c1e-0000-4000-8000-000000000002' };
    const bound = { namespace: 'production', serviceaccount: { name: account, uid: pod.uid }, pod };
    const times = { iat: now, nbf: now, exp: now + 3607 };
    const sub = `system:serviceaccount:production:${account}`;
    return mint(
      { iss: issuer, aud: ['sidegate'], sub, ...times, 'kubernetes.io': bound },
      { key, header: { typ: undefined } },
    );
  };
  using client = clientOf(folder, token('order-service'));
  assert.equal((await client.watchX509().first()).svids[0].id.uri, ORDER);
  for (const shown of [token('payment-service'), undefined, `${token('order-service').slice(0, -8)}AAAAAAAA`]) {
    using stranger = clientOf(folder, shown);
    const source = stranger.watchX509();
    await until(() => source.failure()?.includes('PERMISSION_DENIED') === true, WAIT_MS);
    assert.match(source.failure() ?? '', /PERMISSION_DENIED/);
    assert.equal(source.current(), undefined);
  }
});

test('S4-083 a sidecar serves with an SVID of the authority', { skip }, async () => {
  await using folder = await authorityFolder({
    more: `${CA}\n${settings(entry({ more: ', dns_names: [order.zone2.local]' }))}`,
  });
  await using _authority = await folder.start();
  const yaml = `
service: { name: order-service }
http: { addr: "127.0.0.1:0", tls: { enabled: true, source: workload_api } }
proxy: { enabled: true, upstream: { url: "http://127.0.0.1:1" }, auth: { enabled: false }, authz: { enabled: false } }
workload_api: { socket: "unix://${folder.at('api.sock')}" }`;
  await using sidecar = await startTestSidecar({ yaml, files: {} });
  await using shown = await tlsPeer(sidecar.ingressPort);
  assert.match(shown.certificate.subjectAltName ?? '', new RegExp(`DNS:order\\.zone2\\.local, URI:${ORDER}`));
  assert.ok((await readFile(folder.at('authority.db'))).length > 0);
});

test('S4-083 an SVID that was taken back is refused by a sidecar with the lists of the Workload API, and its workload has got another', {
  skip,
}, async () => {
  const gateway = 'spiffe://example.org/zone2/gateway';
  const entries = [
    entry({ more: ', dns_names: [order.zone2.local], hint: order' }),
    entry({ id: gateway, more: ', hint: gateway' }),
  ];
  await using folder = await authorityFolder({ more: `${CA}\n${settings(entries.join(', '))}` });
  await using _authority = await folder.start();
  using client = clientOf(folder);
  const source = client.watchX509();
  await source.first();
  const shown = () => source.current()?.svids.find(({ hint }) => hint === 'gateway');
  const old = shown();
  const revoked = await folder.command('ca', 'revoke', gateway);
  assert.equal(revoked.code, 0, revoked.stderr);
  await until(() => shown()?.cert !== old?.cert, WAIT_MS);
  const yaml = `
service: { name: order-service }
http: { addr: "127.0.0.1:0", tls: { enabled: true, source: workload_api, client_auth: require } }
proxy: { enabled: true, upstream: { url: "http://127.0.0.1:1" }, auth: { enabled: false }, authz: { enabled: false } }
workload_api: { socket: "unix://${folder.at('api.sock')}", hint: order }`;
  await using sidecar = await startTestSidecar({ yaml, files: {} });
  const ask = (svid: typeof old) => {
    const tls = {
      ca: source.current()?.bundles.get('example.org') ?? '',
      cert: svid?.cert ?? '',
      key: svid?.key ?? '',
    };
    return sendRequest({ port: sidecar.ingressPort, tls: { ...tls, servername: 'order.zone2.local' } }, {});
  };
  await assert.rejects(ask(old), /revoked|ECONNRESET|closed|ended|without/);
  assert.equal((await ask(shown())).status, 502, 'there is no app, but it was let in');
});

test('a workload that an administrator revokes gets nothing more, and is told so', { skip }, async () => {
  const administrators = 'administrators: { clients: [order-service] }';
  await using folder = await authorityFolder({ more: `${CA}\n${settings(entry())}\n${administrators}` });
  await using authority = await folder.start();
  using client = clientOf(folder);
  const source = client.watchX509();
  await source.first();
  const asked = { client_id: 'order-service', client_secret: ORDER_SECRET, spiffe_id: ORDER };
  const revocations = `${authority.url}/realms/services/revocations`;
  const { status } = await fetch(revocations, { method: 'POST', body: new URLSearchParams(asked) });
  assert.equal(status, 200);
  await assert.rejects(async () => client.jwtSvid(['data-service']), /the workload was revoked/);
  await until(() => source.failure() !== undefined, WAIT_MS);
  assert.match(source.failure() ?? '', /PERMISSION_DENIED: the workload was revoked/);
  await fetch(`${revocations}/lift`, { method: 'POST', body: new URLSearchParams(asked) });
  await until(() => source.failure() === undefined, WAIT_MS);
  assert.equal(source.failure(), undefined);
});

async function tlsPeer(port: number): Promise<AsyncDisposable & { readonly certificate: X509Certificate }> {
  const { connect } = await import('node:tls');
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  const certificate = new X509Certificate(socket.getPeerX509Certificate()?.raw ?? Buffer.alloc(0));
  return { certificate, [Symbol.asyncDispose]: async () => void socket.destroy() };
}
