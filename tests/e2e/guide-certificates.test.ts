/** Certificates as the guides make them, by the scripts of `deploy/dev-certs`, which need nothing but openssl: unattended, and good for a listener and its callers. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { listen } from '../../packages/sidegate/src/net/listener.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { sendRequest } from '../support/wire.ts';

const CA = 'ca-cert.pem';
const SCRIPTS = path.resolve(import.meta.dirname, '../../deploy/dev-certs');

interface Guide {
  readonly title: string;
  /** For both scripts. */
  readonly settings: Readonly<Record<string, string>>;
  readonly service: string;
  readonly key: string;
  readonly cert: string;
  readonly authority: { readonly subject: string; readonly bits: number; readonly days: number };
  readonly leaf: { readonly subject: string; readonly days: number };
  /** A caller knows it by each of them. */
  readonly hosts: readonly string[];
}

const GUIDES: readonly Guide[] = [
  {
    title: 'S4-016 S4-017 S4-018 S4-019 the certificates of the internal CA guide serve under both names',
    settings: {
      CA_SUBJECT: '/C=US/O=Acme Corp/CN=Acme Internal CA',
      CA_DAYS: '3650',
      CA_BITS: '4096',
      SUBJECT: '/C=US/O=Acme Corp/CN=order-service',
      DAYS: '90',
      NAMES: 'DNS:order-service,DNS:order-service.production.svc.cluster.local',
    },
    service: 'order-service',
    key: 'order-service-key.pem',
    cert: 'order-service-cert.pem',
    authority: { subject: 'C=US\nO=Acme Corp\nCN=Acme Internal CA', bits: 4096, days: 3650 },
    leaf: { subject: 'C=US\nO=Acme Corp\nCN=order-service', days: 90 },
    hosts: ['order-service', 'order-service.production.svc.cluster.local'],
  },
  {
    title: 'S2-08 S2-09 S2-10 the development certificates are made without a question, with the name that is checked',
    settings: { FILES: 'service' },
    service: 'service-a',
    key: 'service-key.pem',
    cert: 'service-cert.pem',
    authority: { subject: 'CN=internal-ca', bits: 2048, days: 365 },
    leaf: { subject: 'CN=service-a', days: 365 },
    hosts: ['service-a'],
  },
];

const daysOf = ({ validFromDate, validToDate }: X509Certificate): number =>
  (validToDate.getTime() - validFromDate.getTime()) / 86_400_000;

for (const guide of GUIDES) {
  test(guide.title, async () => {
    await using directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-guide-'));
    for (const [script, ...args] of [['make-ca.sh'], ['make-service-cert.sh', guide.service]] as const) {
      const env = { ...process.env, ...guide.settings };
      // Nobody is there to answer: a question would end it.
      const options = { cwd: directory.path, input: '', encoding: 'utf8', env } as const;
      const { status, stderr } = spawnSync(path.join(SCRIPTS, script), args, options);
      assert.equal(status, 0, `${script}: ${stderr}`);
    }
    const read = (file: string): Promise<string> => readFile(path.join(directory.path, file), 'utf8');
    const [ca, cert, key] = [await read(CA), await read(guide.cert), await read(guide.key)];
    const [authority, leaf] = [new X509Certificate(ca), new X509Certificate(cert)];
    assert.deepEqual(
      [authority.subject, authority.issuer, authority.publicKey.asymmetricKeyDetails?.modulusLength, daysOf(authority)],
      [guide.authority.subject, guide.authority.subject, guide.authority.bits, guide.authority.days],
    );
    assert.deepEqual(
      [leaf.subject, leaf.issuer, leaf.publicKey.asymmetricKeyDetails?.modulusLength, daysOf(leaf)],
      [guide.leaf.subject, guide.authority.subject, 2048, guide.leaf.days],
    );

    const listener = await listen(
      {
        host: '127.0.0.1',
        port: 0,
        readTimeoutMs: 5_000,
        writeTimeoutMs: 5_000,
        idleTimeoutMs: 5_000,
        maxHeaderBytes: 8_192,
        tls: { cert, key, clientAuth: 'require', clientCa: ca },
      },
      {
        request: (_request, reply) => {
          reply.head(204, '', 0);
          reply.end();
          return { aborted: () => undefined, broken: () => undefined };
        },
        malformed: () => undefined,
        handshakeFailed: () => undefined,
        mayStay: () => true,
      },
    );
    const { port } = listener.address;
    const call = (servername: string, shown = { cert, key }) =>
      sendRequest({ port, tls: { ca, servername, ...shown } });
    for (const host of guide.hosts) assert.equal((await call(host)).status, 204, host);
    await assert.rejects(call('payment-service'), /altnames|does not match/i);
    const foreign = createTestAuthority('internal-ca').issue();
    await assert.rejects(
      call(guide.hosts[0] ?? '', { cert: foreign.certPem, key: foreign.keyPem }),
      /unknown ca|alert|ECONNRESET|closed/,
    );
    await listener.close(0);
  });
}
