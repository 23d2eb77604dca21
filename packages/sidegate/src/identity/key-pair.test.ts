/** Certificates and keys from files that are not what they should be; every refusal names the file and what to do. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestAuthority } from '../../../../tests/support/certificates.ts';
import { loadCertificates, loadKeyPair, type ReadFile } from './key-pair.ts';

const [first, second] = [createTestAuthority('zone1-CA'), createTestAuthority('zone2-CA')];
const leaf = first.issue({ dns: ['localhost'], eku: ['serverAuth'] });
const GARBAGE = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

const reading =
  (text: string, mode = 0o100600): ReadFile =>
  () => ({ text, mode });

describe('a bundle of authorities is refused with', () => {
  const ROWS: readonly (readonly [title: string, text: string, message: RegExp])[] = [
    ['nothing in it', '', /is not a PEM certificate/],
    ['a key instead', leaf.keyPem, /is not a PEM certificate/],
    ['rubbish instead', GARBAGE, /has certificate 1 that cannot be read, among 1/],
    ['rubbish at the end', first.certPem + GARBAGE, /has certificate 2 that cannot be read, among 2/],
    ['rubbish in between', first.certPem + GARBAGE + second.certPem, /has certificate 2 that cannot be read, among 3/],
    ['half a certificate at the end', first.certPem + second.certPem.slice(0, 200), /has a certificate that cannot/],
    [
      'one certificate cut off before the next',
      first.certPem.slice(0, 200) + second.certPem,
      /cannot be read, among 2/,
    ],
    ['a certificate of another kind', first.certPem + second.certPem.replaceAll('CERT', 'TRUSTED CERT'), /among 2/],
  ];
  for (const [title, text, message] of ROWS) {
    test(title, () => {
      const loaded = loadCertificates('/etc/certs/ca.crt', reading(text));
      assert.ok(!loaded.ok);
      const [finding, ...more] = loaded.findings;
      assert.deepEqual([finding?.file, more], ['/etc/certs/ca.crt', []]);
      assert.match(finding?.message ?? '', message);
      assert.notEqual(finding?.hint, '');
    });
  }
});

test('a bundle of several authorities is read, with words between them', () => {
  const text = `# old\n${first.certPem}\n# new\n${second.certPem}`;
  assert.deepEqual(loadCertificates('ca.crt', reading(text)), { ok: true, value: text });
});

for (const mode of [0o100640, 0o100604, 0o100644, 0o100660]) {
  test(`C-226 S3-130 a private key with mode ${(mode & 0o777).toString(8)} is refused, and not shown`, () => {
    const readFile: ReadFile = (path) => ({ text: path === 'key' ? leaf.keyPem : leaf.certPem, mode });
    const loaded = loadKeyPair('cert', 'key', readFile);
    assert.ok(!loaded.ok);
    assert.match(loaded.findings[0]?.message ?? '', /others can read/);
    assert.doesNotMatch(JSON.stringify(loaded), /PRIVATE KEY/);
  });
}

test('a key of another certificate is refused, the right one is read', () => {
  const other = first.issue({ dns: ['localhost'], eku: ['serverAuth'] });
  const files = (key: string): ReadFile => {
    return (path) => ({ text: path === 'key' ? key : leaf.certPem, mode: 0o100600 });
  };
  const refused = loadKeyPair('cert', 'key', files(other.keyPem));
  assert.match(refused.ok ? '' : (refused.findings[0]?.message ?? ''), /is not the key of cert/);
  assert.deepEqual(loadKeyPair('cert', 'key', files(leaf.keyPem)), {
    ok: true,
    value: { cert: leaf.certPem, key: leaf.keyPem },
  });
});
