/** Lists that OpenSSL and our own reader read alike, however many are on them and whatever key signs. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readRevocationList } from '@sidegate/sdk';
import { issueAuthority } from './issue.ts';
import { generateKey, KEY_ALGORITHMS } from './key-algorithm.ts';
import type { CertificateRequest } from './profile.ts';
import { issueRevocationList, revocationListPem } from './revocation-list.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const request: CertificateRequest = {
  profile: 'zone-ca',
  commonName: 'zone2-CA',
  organization: 'MyOrg',
  validForMs: 86_400_000,
  dnsNames: [],
  ipAddresses: [],
  spiffeIds: [],
};

for (const algorithm of KEY_ALGORITHMS) {
  test(`a list signed with ${algorithm} verifies, and names exactly those who are on it`, async () => {
    const privateKey = await generateKey(algorithm);
    const issuer = { certificate: await issueAuthority(request, privateKey, Date.now()), privateKey };
    await using directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-crl-'));
    const ca = path.join(directory.path, 'ca.pem');
    await writeFile(ca, issuer.certificate.toString());
    for (const count of [0, 1, 3000]) {
      const serials = Array.from({ length: count }, (_, index) => `7f${index.toString(16).padStart(30, '0')}`);
      const entries = serials.map((serialNumber) => ({ serialNumber, revokedAt: NOW - 1000 }));
      const der = issueRevocationList({ entries, thisUpdate: NOW, nextUpdate: NOW + 3_600_000 }, issuer);
      const list = readRevocationList(der);
      assert.deepEqual([...list.serialNumbers], serials);
      assert.deepEqual([list.thisUpdate, list.nextUpdate], [NOW, NOW + 3_600_000]);
      const { stderr } = spawnSync('openssl', ['crl', '-noout', '-CAfile', ca], {
        input: revocationListPem(der),
        encoding: 'utf8',
      });
      assert.match(stderr, /verify OK/);
    }
  });
}
