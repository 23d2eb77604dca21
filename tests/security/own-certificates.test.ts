/** Certificates of the authority's own CA at its own endpoints: whose they are is in its store, and nothing else makes one count. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import tls from 'node:tls';
import { createSigningRequest } from '@sidegate/sdk';
import { findOwnCertificate } from '../../packages/sidegate/src/authority/enrolment/own-certificates.ts';
import {
  addRoot,
  retireRoot,
  rotateZone,
  signWithNewRoot,
} from '../../packages/sidegate/src/authority/enrolment/rotation.ts';
import { StoreUnavailable } from '../../packages/sidegate/src/authority/store/database.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { HOUR_MS, ORDER_SERVICE, type ShownPair, startEnrolment, type TestEnrolment } from '../support/enrolment.ts';
import { startIdentityProvider, systemClock } from '../support/identity-provider.ts';
import { servicesRealm } from '../support/realms.ts';
import { sendRequest } from '../support/wire.ts';

const SPIFFE_ID = 'spiffe://example.org/zone2/order-service';
const SUBJECT = 'CN=order-service, O=MyOrg';
const REALM = '/realms/services';

const web = createTestAuthority('authority-CA');
const server = web.issue({ dns: ['localhost'], eku: ['serverAuth'] });
const fileCa = createTestAuthority('file-CA');

const client = (clientId: string, attributes: Readonly<Record<string, string>>) => ({
  clientId,
  serviceAccountsEnabled: true,
  clientAuthenticatorType: 'client-x509',
  attributes,
  defaultClientScopes: ['data-service:read'],
});

const CLIENTS = [
  client('by-subject', { 'x509.subjectdn': SUBJECT }),
  client('in-zone2', { 'x509.subjectdn': SUBJECT, 'sidegate.zone': 'zone2' }),
  client('workload', { 'sidegate.spiffe_id': SPIFFE_ID }),
  {
    clientId: 'bound',
    serviceAccountsEnabled: true,
    secret: 'canary-bound',
    attributes: { 'tls.client.certificate.bound.access.tokens': 'true' },
    defaultClientScopes: ['data-service:read'],
  },
];

interface System extends AsyncDisposable {
  readonly enrolment: TestEnrolment;
  readonly reasons: () => readonly (string | undefined)[];
  ask(clientId: string, shown?: ShownPair): Promise<{ readonly status: number; readonly cnf: unknown }>;
  post(path: string, form: Readonly<Record<string, string>>, shown?: ShownPair): ReturnType<typeof sendRequest>;
}

interface Options {
  readonly withFile?: boolean;
  readonly broken?: boolean;
}

async function start({ withFile = false, broken = false }: Options = {}): Promise<System> {
  await using started = new AsyncDisposableStack();
  const enrolment = started.use(await startEnrolment());
  const clock = { ...systemClock, now: () => enrolment.time.nowMs };
  const find = broken
    ? () => Promise.reject(new StoreUnavailable('the disk is full'))
    : findOwnCertificate(enrolment.database, clock);
  const provider = started.use(
    await startIdentityProvider({
      realms: [servicesRealm(...CLIENTS)],
      tls: { cert: server.certPem, key: server.keyPem, ...(withFile ? { clientCa: fileCa.certPem } : {}) },
      publicUrl: 'https://localhost:8443',
      algorithms: ['ES256'],
      clock,
      ownCertificates: { zones: new Set(['zone1', 'zone2']), find },
      administrators: { clients: new Set(), spiffeIds: new Set([SPIFFE_ID]) },
    }),
  );
  const post: System['post'] = (path, form, shown) =>
    sendRequest(
      {
        port: provider.port,
        tls: { ca: web.certPem, ...(shown === undefined ? {} : { cert: shown.certPem, key: shown.keyPem }) },
      },
      {
        method: 'POST',
        target: `${REALM}${path}`,
        headers: ['Content-Type', 'application/x-www-form-urlencoded'],
        body: new URLSearchParams(form).toString(),
      },
    );
  const running = started.move();
  return {
    enrolment,
    reasons: () => provider.events.map(({ reason }) => reason),
    post,
    ask: async (clientId, shown) => {
      const form = { grant_type: 'client_credentials', client_id: clientId };
      const secret: Readonly<Record<string, string>> = clientId === 'bound' ? { client_secret: 'canary-bound' } : {};
      const { status, body } = await post('/protocol/openid-connect/token', { ...form, ...secret }, shown);
      const claims = (JSON.parse(body) as { access_token?: string }).access_token?.split('.')[1] ?? 'e30';
      return { status, cnf: (JSON.parse(Buffer.from(claims, 'base64url').toString()) as { cnf?: unknown }).cnf };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** What the authority would sign, signed by somebody else. */
const NAMES = { subject: [{ O: 'MyOrg' }, { CN: 'order-service' }], uris: [SPIFFE_ID] };
const FORGED: ShownPair = createTestAuthority('example.org zone2').issue(NAMES);

async function renewed(enrolment: TestEnrolment, shown: ShownPair): Promise<ShownPair> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const answer = await enrolment.post('/ca/renew', { csr: csrFor(privateKey) }, shown);
  assert.equal(answer.status, 200, answer.body);
  const { certificate_chain: certPem } = JSON.parse(answer.body) as { certificate_chain: string };
  return { certPem, keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) };
}

const csrFor = (key: KeyObject): string => createSigningRequest({ commonName: 'order-service' }, key);

const thumbprint = ({ certPem }: ShownPair): string =>
  Buffer.from(new X509Certificate(certPem).fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');

const report = (enrolment: TestEnrolment, shown: ShownPair, sequence: number) =>
  enrolment.get('/ca/bundle', { shown, headers: ['If-None-Match', `"${sequence}"`] });

const BOTH_METHODS = ['by-subject', 'workload'] as const;

const REFUSED: readonly (readonly [
  title: string,
  shown: (enrolment: TestEnrolment) => Promise<ShownPair | undefined>,
  clients?: readonly string[],
])[] = [
  ['no certificate', async () => undefined],
  ['one that somebody else signed, with every name right', async () => FORGED],
  [
    'one that an authority signed, and its store does not know',
    async (enrolment) => {
      const pair = await enrolment.enrol();
      await enrolment.database.query('DELETE FROM certificates');
      return pair;
    },
  ],
  [
    'one that was revoked by its serial number',
    async ({ ca, ...enrolment }) => {
      const pair = await enrolment.enrol();
      await ca.revoke({ serialNumber: new X509Certificate(pair.certPem).serialNumber.toLowerCase() });
      return pair;
    },
  ],
  [
    'one that was revoked by its SPIFFE ID',
    async ({ ca, ...enrolment }) => {
      const pair = await enrolment.enrol();
      await ca.revoke({ spiffeId: SPIFFE_ID });
      return pair;
    },
  ],
  [
    'one that has expired',
    async (enrolment) => {
      const pair = await enrolment.enrol();
      enrolment.time.nowMs += 25 * HOUR_MS;
      return pair;
    },
  ],
  [
    'one that is not good yet',
    async (enrolment) => {
      enrolment.time.nowMs += HOUR_MS;
      const pair = await enrolment.enrol();
      enrolment.time.nowMs -= HOUR_MS;
      return pair;
    },
  ],
  ['one for servers', (enrolment) => enrolment.enrol({ ...ORDER_SERVICE, profile: 'server' })],
  [
    'one of another service of its zone',
    (enrolment) => enrolment.enrol({ ...ORDER_SERVICE, service: 'stock', dnsNames: [] }),
  ],
  [
    'one of the same service in another zone',
    (enrolment) => enrolment.enrol({ ...ORDER_SERVICE, zone: 'zone1', dnsNames: [] }),
    ['in-zone2', 'workload'],
  ],
];

for (const [title, shown, clients = BOTH_METHODS] of REFUSED) {
  for (const id of clients) {
    test(`${id} that shows ${title} is refused with 401 invalid_client`, async () => {
      await using system = await start();
      const pair = await shown(system.enrolment);
      assert.deepEqual(await system.ask(id, pair), { status: 401, cnf: undefined });
    });
  }
}

test('an authority that the system trusts for servers proves no client', async (context) => {
  const trusted = tls.getCACertificates('default');
  context.after(() => tls.setDefaultCACertificates(trusted));
  tls.setDefaultCACertificates([fileCa.certPem]);
  await using system = await start();
  for (const id of BOTH_METHODS) assert.equal((await system.ask(id, fileCa.issue(NAMES))).status, 401);
});

test('a certificate of a file is of no zone, whatever it says', async () => {
  await using system = await start({ withFile: true });
  const pair = fileCa.issue(NAMES);
  assert.equal((await system.ask('by-subject', pair)).status, 200);
  assert.equal((await system.ask('in-zone2', pair)).status, 401);
});

test('no token is bound to a certificate of ours that was revoked, however its client proves itself', async () => {
  await using system = await start();
  const pair = await system.enrolment.enrol();
  assert.deepEqual(await system.ask('bound', pair), { status: 200, cnf: { 'x5t#S256': thumbprint(pair) } });
  await system.enrolment.ca.revoke({ spiffeId: SPIFFE_ID });
  assert.equal((await system.ask('bound', pair)).status, 401);
  assert.equal(system.reasons().at(-1), 'the certificate was revoked');
});

test('a workload that was revoked as an event gets no token with a certificate that is good', async () => {
  await using system = await start();
  const pair = await system.enrolment.enrol();
  const revoked = await system.post('/revocations', { spiffe_id: SPIFFE_ID, only_issued: 'true' }, pair);
  assert.equal(revoked.status, 200, revoked.body);
  for (const id of BOTH_METHODS) assert.equal((await system.ask(id, pair)).status, 401);
});

test('who administers and who listens is looked up in the same way', async () => {
  await using system = await start();
  const form = { spiffe_id: 'spiffe://example.org/zone2/other' };
  assert.equal((await system.post('/revocations', form, FORGED)).status, 401);
  const pair = await system.enrolment.enrol();
  await system.enrolment.ca.revoke({ spiffeId: SPIFFE_ID });
  assert.equal((await system.post('/revocations', form, pair)).status, 401);
});

test('without its store the authority says 503, and believes nobody', async () => {
  await using system = await start({ broken: true });
  assert.equal((await system.ask('workload')).status, 401);
  assert.equal((await system.ask('workload', await system.enrolment.enrol())).status, 503);
});

for (const id of ['by-subject', 'in-zone2', 'workload', 'bound']) {
  test(`${id} with its enrolled certificate gets a token that is bound to it`, async () => {
    await using system = await start();
    const pair = await system.enrolment.enrol();
    assert.deepEqual(await system.ask(id, pair), { status: 200, cnf: { 'x5t#S256': thumbprint(pair) } });
  });
}

test('certificates of every root that is trusted prove their client through a whole rotation, and those of a retired root no longer', async () => {
  await using system = await start();
  const { enrolment } = system;
  const statuses = async (pair: ShownPair) =>
    Promise.all(BOTH_METHODS.map(async (id) => (await system.ask(id, pair)).status));
  const old = await enrolment.enrol();
  const { sequence: added } = await addRoot(enrolment.ca);
  assert.deepEqual(await statuses(old), [200, 200]);
  await report(enrolment, old, added);
  const { sequence: both } = await signWithNewRoot(enrolment.ca);
  const next = await renewed(enrolment, old);
  assert.deepEqual(
    [await statuses(old), await statuses(next)],
    [
      [200, 200],
      [200, 200],
    ],
  );
  await report(enrolment, next, both);
  await retireRoot(enrolment.ca);
  assert.deepEqual(await statuses(old), [401, 401]);
  assert.equal(system.reasons().at(-1), 'no X.509-SVID of this client');
  assert.deepEqual(await statuses(next), [200, 200]);
});

test('another intermediate of a zone changes nothing for those of the one before', async () => {
  await using system = await start();
  const { enrolment } = system;
  const old = await enrolment.enrol();
  const [, zone2] = enrolment.ca.options.trustDomain.zones;
  assert.ok(zone2);
  await rotateZone(enrolment.ca, zone2);
  for (const pair of [old, await enrolment.enrol()]) assert.equal((await system.ask('in-zone2', pair)).status, 200);
});
