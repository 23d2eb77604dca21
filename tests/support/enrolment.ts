/** The authority's enrolment inside the test process: real TLS sockets, a real store, a clock that the test turns. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { createSigningRequest } from '@sidegate/sdk';
import {
  type CertificateAuthority,
  type CertificateAuthorityOptions,
  createCertificateAuthority,
} from '../../packages/sidegate/src/authority/enrolment/certificate-authority.ts';
import type { CertificateEvent } from '../../packages/sidegate/src/authority/enrolment/certificate-event.ts';
import { enrolmentRoutes } from '../../packages/sidegate/src/authority/enrolment/enrolment-routes.ts';
import type { Identity, TrustDomain } from '../../packages/sidegate/src/authority/enrolment/identity.ts';
import { createRevocationLists } from '../../packages/sidegate/src/authority/enrolment/revocation-lists.ts';
import { establishAuthorities } from '../../packages/sidegate/src/authority/enrolment/rotation.ts';
import { serve } from '../../packages/sidegate/src/authority/issuer/serve.ts';
import { sealing } from '../../packages/sidegate/src/authority/keys/sealing.ts';
import type { Database } from '../../packages/sidegate/src/authority/store/database.ts';
import { IN_MEMORY, openSqlite } from '../../packages/sidegate/src/authority/store/sqlite.ts';
import { listen } from '../../packages/sidegate/src/net/listener.ts';
import { createTestAuthority } from './certificates.ts';
import { sendRequest, type WireAnswer } from './wire.ts';

export const HOUR_MS = 3_600_000;

export const TRUST_DOMAIN: TrustDomain = {
  name: 'example.org',
  organization: 'MyOrg',
  zones: [
    { name: 'zone1', dnsDomains: ['zone1.local', 'localhost'], ipRanges: ['127.0.0.0/8', '::1/128'] },
    { name: 'zone2', dnsDomains: ['zone2.local', 'localhost'], ipRanges: ['127.0.0.0/8', '::1/128'] },
  ],
};

export const ORDER_SERVICE: Identity = {
  service: 'order-service',
  zone: 'zone2',
  profile: 'svid',
  dnsNames: ['order-service.zone2.local'],
  ipAddresses: ['127.0.0.1'],
  validForMs: 24 * HOUR_MS,
};

export interface ShownPair {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface Enrolled extends ShownPair {
  readonly privateKey: KeyObject;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface TestEnrolment extends AsyncDisposable {
  readonly ca: CertificateAuthority;
  readonly database: Database;
  readonly time: { nowMs: number };
  readonly port: number;
  /** PEM: who signed the certificate of the server. */
  readonly serverCa: string;
  readonly events: readonly CertificateEvent[];
  post(path: string, body: unknown, shown?: ShownPair): Promise<WireAnswer>;
  get(
    path: string,
    options?: { readonly shown?: ShownPair; readonly headers?: readonly string[] },
  ): Promise<WireAnswer>;
  token(identity?: Identity): Promise<string>;
  /** With a key of its own and a token of its own. */
  enrol(identity?: Identity): Promise<Enrolled>;
  /** How many certificates the store knows of. */
  issued(): Promise<number>;
}

export interface EnrolmentOptions extends Partial<Omit<CertificateAuthorityOptions, 'clock'>> {
  readonly federated?: () => ReadonlyMap<string, Buffer>;
  readonly jwtKeys?: () => readonly object[];
  readonly crlValidForMs?: number;
  /** The store has authorities already. */
  readonly established?: boolean;
}

export const SEALING_KEY: Buffer = createHash('sha256').update('a key for tests').digest();

export async function startEnrolment(options: EnrolmentOptions = {}): Promise<TestEnrolment> {
  const time = { nowMs: Date.now() };
  const events: CertificateEvent[] = [];
  await using started = new AsyncDisposableStack();
  const database = options.database ?? (await openSqlite(IN_MEMORY));
  started.defer(() => database.close());
  const ca = createCertificateAuthority({
    sealing: sealing([SEALING_KEY], randomBytes),
    clock: { now: () => time.nowMs },
    random: randomBytes,
    trustDomain: TRUST_DOMAIN,
    authorities: {
      keyAlgorithm: 'P-256',
      rootValidForMs: 3650 * 24 * HOUR_MS,
      intermediateValidForMs: 365 * 24 * HOUR_MS,
    },
    bundleRefreshHintSeconds: 300,
    ...options,
    database,
  });
  if (!options.established) await establishAuthorities(ca);
  const web = createTestAuthority('authority-CA');
  const { certPem, keyPem } = web.issue({ dns: ['localhost'], ips: ['127.0.0.1'], eku: ['serverAuth'] });
  const listener = await listen(
    {
      host: '127.0.0.1',
      port: 0,
      readTimeoutMs: 10_000,
      writeTimeoutMs: 10_000,
      idleTimeoutMs: 10_000,
      maxHeaderBytes: 16_384,
      tls: { cert: certPem, key: keyPem, clientAuth: 'request' },
    },
    serve([
      enrolmentRoutes({
        ca,
        lists: createRevocationLists(ca, options.crlValidForMs ?? HOUR_MS),
        jwtKeys: options.jwtKeys ?? (() => []),
        federated: options.federated ?? (() => new Map()),
        log: (event) => events.push(event),
      }),
    ]),
  );
  started.defer(() => listener.close(0));
  const { port } = listener.address;
  const wire = (shown?: ShownPair) => ({
    port,
    tls: { ca: web.certPem, ...(shown === undefined ? {} : { cert: shown.certPem, key: shown.keyPem }) },
  });
  const token = (identity = ORDER_SERVICE): Promise<string> => ca.createJoinToken(identity, time.nowMs + 600_000);
  const post: TestEnrolment['post'] = (path, body, shown) =>
    sendRequest(wire(shown), {
      method: 'POST',
      target: path,
      headers: ['Content-Type', 'application/json'],
      body: JSON.stringify(body),
    });
  const running = started.move();
  return {
    ca,
    database,
    time,
    port,
    serverCa: web.certPem,
    events,
    post,
    get: (path, { shown, headers = [] } = {}) => sendRequest(wire(shown), { target: path, headers }),
    token,
    enrol: async (identity = ORDER_SERVICE) => {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const csr = createSigningRequest({ commonName: identity.service }, privateKey);
      const answer = await post('/ca/enrol', { csr, join_token: await token(identity) });
      if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
      const body = JSON.parse(answer.body) as Enrolled['body'];
      const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' });
      return { certPem: String(body['certificate_chain']), keyPem, privateKey, body };
    },
    issued: async () => {
      const [row] = await database.query<{ count: number }>('SELECT count(*) AS count FROM certificates');
      return row?.count ?? 0;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
