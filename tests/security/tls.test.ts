/** Corpus G, 163 to 176: certificates that must not identify anybody, shown to a real listener. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ProblemCode } from '@sidegate/sdk';
import { createTestAuthority, type TestCertificateOptions } from '../support/certificates.ts';
import { sendRequest } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const HOUR_MS = 3_600_000;
const SUBJECT = [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }];
/** Listed neither as a subject nor by a SPIFFE ID. */
const UNLISTED = [{ CN: 'someone' }];
const GATEWAY = 'spiffe://example.org/zone1/api-gateway';

let order: OrderSidecar;
before(async () => {
  order = await startOrderSidecar();
});
after(() => order[Symbol.asyncDispose]());

describe('refused in the handshake', () => {
  test('C-163 S3-011 S3-131 no client certificate', async () => {
    await order.refusedHandshake(() =>
      sendRequest({ port: order.sidecar.ingressPort, tls: { ca: order.zone.certPem } }),
    );
  });

  test('C-164 S3-019 S3-131 a certificate of another CA', async () => {
    const stranger = createTestAuthority('zone1-CA').issue({ subject: SUBJECT, uris: [GATEWAY] });
    await order.refusedHandshake(() => order.send({}, stranger));
  });

  test('C-164 a certificate of a CA with the same name', async () => {
    const impostor = createTestAuthority('zone2-CA').issue({ subject: SUBJECT, uris: [GATEWAY] });
    await order.refusedHandshake(() => order.send({}, impostor));
  });

  test('C-164 S3-131 a self-signed certificate', async () => {
    const selfSigned = createTestAuthority('api-gateway-client');
    await order.refusedHandshake(() => order.send({}, selfSigned));
  });

  test('C-165 S3-131 an expired certificate', async () => {
    const expired = order.zone.issue({ subject: SUBJECT, uris: [GATEWAY], notAfter: new Date(Date.now() - 60_000) });
    await order.refusedHandshake(() => order.send({}, expired));
  });

  test('C-165 a certificate that is not valid yet', async () => {
    const future = order.zone.issue({
      subject: SUBJECT,
      uris: [GATEWAY],
      notBefore: new Date(Date.now() + HOUR_MS),
      notAfter: new Date(Date.now() + 2 * HOUR_MS),
    });
    await order.refusedHandshake(() => order.send({}, future));
  });

  test('C-166 a certificate for servers only', async () => {
    const server = order.zone.issue({ subject: SUBJECT, uris: [GATEWAY], eku: ['serverAuth'] });
    await order.refusedHandshake(() => order.send({}, server));
  });

  test('C-166 a certificate for any usage', async () => {
    const any = order.zone.issue({ subject: SUBJECT, uris: [GATEWAY], eku: ['any'] });
    await order.refusedHandshake(() => order.send({}, any));
  });
});

const REFUSED: readonly (readonly [title: string, code: ProblemCode, certificate: TestCertificateOptions])[] = [
  ['C-166 no extended key usage', 'peer_identity_invalid', { uris: [GATEWAY], eku: null }],
  [
    'C-167 the right CN beside another SPIFFE ID',
    'peer_not_allowed',
    { uris: ['spiffe://example.org/zone1/other'], subject: [{ CN: 'api-gateway-client' }] },
  ],
  ['C-167 the right CN without the organization', 'peer_identity_missing', { subject: [{ CN: 'api-gateway-client' }] }],
  [
    'C-168 a CN that reads like the whole subject',
    'peer_identity_missing',
    { subject: [{ CN: 'api-gateway-client,O=MyOrg' }] },
  ],
  ['C-169 two CNs', 'peer_identity_invalid', { subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }, { CN: 'x' }] }],
  ['C-169 a multi-valued RDN', 'peer_identity_invalid', { subject: [{ O: 'MyOrg', CN: 'api-gateway-client' }] }],
  ['C-169 S3-164 an extra RDN', 'peer_identity_missing', { subject: [{ OU: 'x' }, ...SUBJECT] }],
  [
    'S3-164 another organization',
    'peer_identity_missing',
    { subject: [{ O: 'EvilOrg' }, { CN: 'api-gateway-client' }] },
  ],
  ['C-170 NUL in the CN', 'peer_identity_invalid', { subject: [{ O: 'MyOrg' }, { CN: 'api-gateway-client\0.evil' }] }],
  ['C-170 NUL in the SAN', 'peer_identity_invalid', { uris: [`${GATEWAY}\0.evil`] }],
  ['C-171 a SPIFFE ID as DNS name', 'peer_identity_invalid', { dns: [GATEWAY] }],
  ['C-171 a SPIFFE ID as e-mail', 'peer_identity_invalid', { emails: [GATEWAY] }],
  ['C-171 a SPIFFE ID as otherName', 'peer_identity_invalid', { otherNames: [GATEWAY] }],
  ['C-172 two URI SANs', 'peer_identity_invalid', { uris: [GATEWAY, 'spiffe://example.org/zone1/other'] }],
  ['C-173 an upper-case trust domain', 'peer_identity_invalid', { uris: ['spiffe://Example.org/zone1/api-gateway'] }],
  ['C-173 a final slash', 'peer_identity_invalid', { uris: [`${GATEWAY}/`] }],
  ['C-173 a dot segment', 'peer_identity_invalid', { uris: ['spiffe://example.org/zone1/../zone1/api-gateway'] }],
  ['C-173 a percent-encoding', 'peer_identity_invalid', { uris: ['spiffe://example.org/zone1/%61pi-gateway'] }],
  ['C-173 a port', 'peer_identity_invalid', { uris: ['spiffe://example.org:443/zone1/api-gateway'] }],
  ['C-173 a query', 'peer_identity_invalid', { uris: [`${GATEWAY}?x`] }],
  ['C-173 more than 2048 bytes', 'peer_identity_invalid', { uris: [`spiffe://example.org/${'a'.repeat(2048)}`] }],
  [
    'C-174 a trust domain that ends differently',
    'peer_not_allowed',
    { uris: ['spiffe://example.org.evil/zone1/api-gateway'], subject: UNLISTED },
  ],
  ['C-174 a longer path', 'peer_not_allowed', { uris: [`${GATEWAY}-evil`], subject: UNLISTED }],
  [
    'C-174 a dot that is no wildcard',
    'peer_not_allowed',
    { uris: ['spiffe://examplexorg/zone1/api-gateway'], subject: UNLISTED },
  ],
  ['C-175 a leaf that is a CA', 'peer_identity_invalid', { uris: [GATEWAY], ca: true }],
  [
    'C-175 a leaf that may sign certificates',
    'peer_identity_invalid',
    { uris: [GATEWAY], keyUsage: ['digitalSignature', 'keyCertSign'] },
  ],
  ['C-176 a wildcard SAN', 'peer_identity_invalid', { dns: ['*.zone1.local'], uris: [GATEWAY] }],
];

describe('refused by identity, with a chain that is right', () => {
  for (const [title, code, certificate] of REFUSED) {
    test(title, async () => {
      const client = order.zone.issue({ subject: SUBJECT, ...certificate });
      await order.refused(code, () => order.send({}, client));
    });
  }
});

describe('accepted', () => {
  test('S3-164 SD-03 the listed subject in either order, without a SPIFFE ID', async () => {
    for (const subject of [SUBJECT, [...SUBJECT].reverse()]) {
      const answer = await order.send({}, order.zone.issue({ subject }));
      assert.equal(answer.status, 200);
    }
  });

  test('S3-020 the listed SPIFFE ID, whatever the subject', async () => {
    const answer = await order.send({}, order.zone.issue({ subject: [{ CN: 'anything' }], uris: [GATEWAY] }));
    assert.equal(answer.status, 200);
    assert.deepEqual(order.sidecar.audit.at(-1)?.['peer'], { spiffe_id: GATEWAY, subject: 'CN=anything' });
  });

  test('C-168 S3-163 a listed client passes and another one does not, on the same listener', async () => {
    assert.equal((await order.send()).status, 200);
    const other = order.zone.issue({
      subject: [{ CN: 'data-service-client' }],
      uris: ['spiffe://example.org/zone3/data-service'],
    });
    await order.refused('peer_not_allowed', () => order.send({}, other));
  });
});
