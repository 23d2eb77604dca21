/** The same judgement over real mutual TLS: what OpenSSL lets through is what we must refuse ourselves. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import {
  createTestAuthority,
  type TestCertificate,
  type TestCertificateOptions,
} from '../../../../tests/support/certificates.ts';
import { Problem } from '../problem.ts';
import { readCertificate } from './certificate.ts';
import { identifyCertificate, type PeerIdentity } from './peer.ts';

const GATEWAY = 'spiffe://example.org/zone1/api-gateway';
const SUBJECT = [{ CN: 'api-gateway-client' }, { O: 'MyOrg' }];
const good = { uris: [GATEWAY], subject: SUBJECT };
const HOUR_MS = 3_600_000;

const authority = createTestAuthority('zone2-ca');
const stranger = createTestAuthority('zone3-ca');
const server = authority.issue({ subject: [{ CN: 'server' }], dns: ['localhost'], eku: ['serverAuth'] });

/** One connection: who the server takes the client for, or why it does not. */
async function introduce(client: TestCertificate | undefined): Promise<PeerIdentity | Problem | 'handshake refused'> {
  const listener = createServer({
    cert: server.certPem,
    key: server.keyPem,
    ca: authority.certPem,
    requestCert: true,
    rejectUnauthorized: true,
  });
  await using _closing = {
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => listener.close(() => resolve())),
  };
  const judged = new Promise<PeerIdentity | Problem | 'handshake refused'>((resolve) => {
    listener.on('tlsClientError', () => resolve('handshake refused'));
    listener.on('secureConnection', (socket: TLSSocket) => {
      socket.on('error', () => undefined);
      try {
        const raw = socket.getPeerX509Certificate()?.raw;
        assert.ok(raw, 'the handshake required a certificate');
        resolve(identifyCertificate(readCertificate(raw), { acceptsSubject: () => false }));
      } catch (error) {
        assert.ok(error instanceof Problem, String(error));
        resolve(error);
      }
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const socket = connect({
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    servername: 'localhost',
    ca: authority.certPem,
    ...(client === undefined ? {} : { cert: client.certPem, key: client.keyPem }),
  });
  socket.on('error', () => undefined);
  const verdict = await judged;
  socket.destroy();
  return verdict;
}

describe('over mutual TLS', () => {
  it('S3-020 the identity of a peer comes from its certificate', async () => {
    const certificate = authority.issue(good);
    const peer = await introduce(certificate);
    assert.ok(!(peer instanceof Problem) && peer !== 'handshake refused');
    assert.equal(peer.spiffeId?.uri, GATEWAY);
    assert.equal(peer.commonName, 'api-gateway-client');
    assert.equal(peer.thumbprint, certificate.thumbprint);
  });

  const REFUSED_BY_TLS: readonly [string, TestCertificate | undefined][] = [
    ['C-163 no certificate', undefined],
    ['C-164 S3-131 a certificate of another authority', stranger.issue(good)],
    ['C-164 S3-131 a self-signed certificate', createTestAuthority('zone2-ca')],
    ['C-165 S3-131 an expired certificate', authority.issue({ ...good, notAfter: new Date(Date.now() - HOUR_MS / 2) })],
    ['C-165 a certificate of tomorrow', authority.issue({ ...good, notBefore: new Date(Date.now() + HOUR_MS) })],
    ['C-166 a certificate for servers only', authority.issue({ ...good, eku: ['serverAuth'] })],
    ['C-166 a certificate for any usage', authority.issue({ ...good, eku: ['any'] })],
  ];
  for (const [title, certificate] of REFUSED_BY_TLS) {
    it(`${title} fails the handshake`, async () => assert.equal(await introduce(certificate), 'handshake refused'));
  }

  const REFUSED_BY_US: readonly [string, TestCertificateOptions][] = [
    ['C-166 no extended key usage', { eku: null }],
    ['C-169 two common names', { subject: [{ CN: 'api-gateway-client' }, { CN: 'x' }] }],
    ['C-170 NUL in the common name', { subject: [{ CN: 'api-gateway-client\0x' }, { O: 'MyOrg' }] }],
    ['C-172 two URI names', { uris: [GATEWAY, 'spiffe://example.org/zone1/x'] }],
    ['C-173 a SPIFFE ID with a dot segment', { uris: ['spiffe://example.org/zone2/../zone1/api-gateway'] }],
    ['C-175 an authority', { ca: true, keyUsage: ['digitalSignature', 'keyCertSign'] }],
    ['C-176 a wildcard name', { dns: ['*.example.org'] }],
  ];
  for (const [title, options] of REFUSED_BY_US) {
    it(`${title} passes OpenSSL and is refused by us`, async () => {
      const verdict = await introduce(authority.issue({ ...good, ...options }));
      assert.ok(verdict instanceof Problem, `the verdict is ${typeof verdict === 'string' ? verdict : 'an identity'}`);
      assert.equal(verdict.code, 'peer_identity_invalid');
    });
  }
});
