/** What the certificates are for: real TLS servers with the trust of each zone, and callers of every kind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { createTestAuthority } from '../../../../../tests/support/certificates.ts';
import { threeZonesPlan } from '../../../../../tests/support/three-zones-plan.ts';
import { issueBelow } from './issue.ts';
import { generateKey, privateKeyPem } from './key-algorithm.ts';
import { readPair } from './pair-file.ts';
import type { CertificateRequest } from './profile.ts';
import { establishPki } from './tree.ts';

const DAY_MS = 86_400_000;
const clock = { now: () => Date.now(), monotonic: () => performance.now() };

interface Credentials {
  readonly cert: string;
  readonly key: string;
}

const gatewayClient: CertificateRequest = {
  profile: 'client',
  commonName: 'api-gateway-client',
  organization: 'MyOrg',
  dnsNames: [],
  ipAddresses: [],
  spiffeIds: ['spiffe://example.org/zone1/api-gateway'],
  validForMs: DAY_MS,
};

let directory: Awaited<ReturnType<typeof mkdtempDisposable>>;

before(async () => {
  directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-pki-'));
  await establishPki(threeZonesPlan(), directory.path, { clock });
});
after(() => directory.remove());

const text = (file: string): Promise<string> => readFile(path.join(directory.path, file), 'utf8');
const stored = async (name: string): Promise<Credentials> => ({
  cert: await text(`${name}.crt`),
  key: await text(`${name}.key`),
});

/** A client certificate of the gateway, signed by an authority of the tree at another time. */
async function issued(authorityName: string, now: number): Promise<Credentials> {
  const key = await generateKey('P-256');
  const { certificate, privateKey } = await readPair(directory.path, authorityName);
  assert.ok(certificate && privateKey);
  const leaf = await issueBelow(gatewayClient, key, { certificate: certificate.certificate, privateKey }, now);
  return { cert: leaf.toString(), key: privateKeyPem(key) };
}

interface Hop {
  readonly server: Credentials;
  /** What the server trusts. */
  readonly clientAuthority: string;
  readonly client: Partial<Credentials>;
  /** What the client trusts. */
  readonly serverAuthority: string;
  readonly host: string;
}

/** What each side made of it: under TLS 1.3 one may be content before the other refuses. */
async function handshake(hop: Hop, version: tls.SecureVersion): Promise<{ server: string; client: string }> {
  const { server: own, clientAuthority, client, serverAuthority, host } = hop;
  const server = tls.createServer({ ...own, ca: clientAuthority, requestCert: true, rejectUnauthorized: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = tls.connect({ port, servername: host, ca: serverAuthority, maxVersion: version, ...client });
  const clientSide = new Promise<string>((resolve) => {
    socket.on('secureConnect', () => resolve('connected'));
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
  });
  const serverSide = new Promise<string>((resolve) => {
    server.on('secureConnection', (accepted) => {
      const { subject, subjectaltname } = accepted.getPeerCertificate();
      accepted.on('error', () => accepted.destroy());
      resolve([subject.CN, subjectaltname].join(' '));
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, { authorizationError }) =>
      resolve(String(authorizationError ?? error.code)),
    );
  });
  try {
    return { server: await serverSide, client: await clientSide };
  } finally {
    socket.destroy();
    server.close();
  }
}

/** The gateway calls order-service, but for the changes. */
async function gatewayCallsOrders(changes: Partial<Hop>): Promise<Hop> {
  const zone2 = await text('ca/zone2-ca.crt');
  return {
    server: await stored('order-service/server'),
    clientAuthority: zone2,
    client: await stored('gateway/client-zone2'),
    serverAuthority: zone2,
    host: 'order-service.zone2.local',
    ...changes,
  };
}

const selfSigned = (): Credentials => {
  const own = createTestAuthority('api-gateway-client');
  const { certPem, keyPem } = own.issue({
    subject: [{ CN: 'api-gateway-client' }],
    uris: gatewayClient.spiffeIds,
    privateKey: own.privateKey,
  });
  return { cert: certPem, key: keyPem };
};

const refused: readonly [string, () => Promise<Partial<Credentials>>, string][] = [
  ['no client certificate', async () => ({}), 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
  ['S3-131 an expired client certificate', () => issued('ca/zone2-ca', clock.now() - 2 * DAY_MS), 'CERT_HAS_EXPIRED'],
  ['a client certificate of tomorrow', () => issued('ca/zone2-ca', clock.now() + DAY_MS), 'CERT_NOT_YET_VALID'],
  [
    'S3-131 a client certificate for another zone',
    () => stored('order-service/client-zone3'),
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
  ['S3-131 a self-signed client certificate', async () => selfSigned(), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  [
    'SD-01 a client certificate of the caller’s own zone',
    () => issued('ca/zone1-ca', clock.now()),
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ],
  ['a server certificate as client certificate', () => stored('payment-service/server'), 'INVALID_PURPOSE'],
];
const hops = [
  ['gateway', 'order-service', 'zone2', 'api-gateway-client URI:spiffe://example.org/zone1/api-gateway'],
  ['gateway', 'payment-service', 'zone2', 'api-gateway-client URI:spiffe://example.org/zone1/api-gateway'],
  ['order-service', 'data-service', 'zone3', 'order-service-client URI:spiffe://example.org/zone2/order-service'],
  ['payment-service', 'data-service', 'zone3', 'payment-service-client URI:spiffe://example.org/zone2/payment-service'],
] as const;

for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  describe(version, () => {
    for (const [title, client, reason] of refused) {
      test(`${title} is refused by the server`, async () => {
        const outcome = await handshake(await gatewayCallsOrders({ client: await client() }), version);
        assert.equal(outcome.server, reason);
      });
    }

    test('a server of another zone is refused by the client', async () => {
      const hop = await gatewayCallsOrders({ server: await stored('data-service/server') });
      assert.equal((await handshake(hop, version)).client, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    });

    test('a server under a name that it does not have is refused by the client', async () => {
      const hop = await gatewayCallsOrders({ host: 'payment-service.zone2.local' });
      assert.equal((await handshake(hop, version)).client, 'ERR_TLS_CERT_ALTNAME_INVALID');
    });

    for (const [caller, callee, zone, peer] of hops) {
      test(`S3-019 ${callee} admits ${caller}, whose certificate ${zone} signed, and both sides are content`, async () => {
        const authority = await text(`ca/${zone}-ca.crt`);
        const outcome = await handshake(
          {
            server: await stored(`${callee}/server`),
            clientAuthority: authority,
            client: await stored(`${caller}/client-${zone}`),
            serverAuthority: authority,
            host: `${callee}.${zone}.local`,
          },
          version,
        );
        assert.deepEqual(outcome, { server: peer, client: 'connected' });
      });
    }
  });
}
