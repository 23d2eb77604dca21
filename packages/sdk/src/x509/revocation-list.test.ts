import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { readCertificate } from './certificate.ts';
import { DerError } from './der.ts';
import { sameDistinguishedName } from './distinguished-name.ts';
import { readRevocationList } from './revocation-list.ts';

const authority = createTestAuthority('zone2-CA');
const derOf = (pem: string): Buffer => Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');

test('C-181 a list that is cut off anywhere, or is something else, is none', () => {
  const der = derOf(authority.revocationList({ revoked: [authority.issue()] }));
  for (let end = 0; end < der.length; end += 1) {
    assert.throws(() => readRevocationList(der.subarray(0, end)), DerError, String(end));
  }
  for (const other of [authority.der, Buffer.from('3000', 'hex'), Buffer.concat([der, Buffer.alloc(1)])]) {
    assert.throws(() => readRevocationList(other), DerError);
  }
});

test('C-181 a list names its issuer, its dates and the serial numbers as certificates have them', () => {
  const revoked = Array.from({ length: 20 }, () => authority.issue());
  const [thisUpdate, nextUpdate] = [new Date(1_790_000_000_000), new Date(2_600_000_000_000)];
  const list = readRevocationList(derOf(authority.revocationList({ revoked, thisUpdate, nextUpdate })));
  const certificates = revoked.map(({ der }) => readCertificate(der));
  assert.deepEqual(
    [...list.serialNumbers],
    certificates.map(({ serialNumber }) => serialNumber),
  );
  assert.deepEqual([list.thisUpdate, list.nextUpdate], [thisUpdate.getTime(), nextUpdate.getTime()]);
  assert.ok(certificates.every(({ issuer }) => sameDistinguishedName(issuer, list.issuer)));
  assert.deepEqual([...readRevocationList(derOf(authority.revocationList())).serialNumbers], []);
});
