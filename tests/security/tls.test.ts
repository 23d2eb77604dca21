/** Corpus G, 163 to 166: certificates that a real listener does not take, and those that it does. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestAuthority } from '../support/certificates.ts';
import { sendRequest } from '../support/wire.ts';
import { type OrderSidecar, startOrderSidecar } from './order-sidecar.ts';

const HOUR_MS = 3_600_000;
const SUBJECT = [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }];
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

  test('C-163 an empty list of certificates, at every version', async () => {
    for (const servername of ['localhost', 'other.example']) {
      const tls = { ca: order.zone.certPem, servername, anyName: true };
      await order.refusedHandshake(() => sendRequest({ port: order.sidecar.ingressPort, tls }));
    }
  });

  test('C-164 a certificate that its own key signed, under the name of the authority', async () => {
    const impostor = createTestAuthority('zone2-CA');
    await order.refusedHandshake(() => order.send({}, impostor));
    const { certPem } = createTestAuthority('zone2-CA').issue({ subject: SUBJECT, uris: [GATEWAY] });
    const stranger = createTestAuthority('zone2-CA').issue({ subject: SUBJECT, uris: [GATEWAY] });
    await order.refusedHandshake(() =>
      order.send({}, { ...stranger, certPem: `${stranger.certPem}${order.zone.certPem}` }),
    );
    await order.refusedHandshake(() => order.send({}, { ...stranger, certPem: `${stranger.certPem}${certPem}` }));
  });

  test('C-165 a certificate that expired a second ago, or years ago', async () => {
    for (const ageMs of [1_000, 10 * 365 * 24 * HOUR_MS]) {
      const notAfter = new Date(Date.now() - ageMs);
      const notBefore = new Date(notAfter.getTime() - HOUR_MS);
      const expired = order.zone.issue({ subject: SUBJECT, uris: [GATEWAY], notBefore, notAfter });
      await order.refusedHandshake(() => order.send({}, expired));
    }
  });

  test('C-165 a certificate that ends before it begins', async () => {
    const [notBefore, notAfter] = [new Date(Date.now() + HOUR_MS), new Date(Date.now() - HOUR_MS)];
    await order.refusedHandshake(() => order.send({}, order.zone.issue({ subject: SUBJECT, notBefore, notAfter })));
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
