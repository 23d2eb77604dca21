import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTestAuthority, type TestCertificateOptions } from '../../../../tests/support/certificates.ts';
import { checkServerIdentity } from './server-identity.ts';

const authority = createTestAuthority('zone3-CA');
const issue = (options: TestCertificateOptions): Buffer => authority.issue({ eku: ['serverAuth'], ...options }).der;

describe('C-177 C-186 a certificate is not for a host', () => {
  const ROWS: readonly (readonly [title: string, host: string, options: TestCertificateOptions])[] = [
    ['by its common name', 'a.example', { subject: [{ CN: 'a.example' }] }],
    ['by its common name beside a URI', 'a.example', { subject: [{ CN: 'a.example' }], uris: ['https://a.example'] }],
    ['by its common name beside an address', 'a.example', { subject: [{ CN: 'a.example' }], ips: ['10.0.0.1'] }],
    ['by another name', 'a.example', { dns: ['b.example', 'a.example.evil', 'xa.example'] }],
    ['by a name with a final dot', 'a.example', { dns: ['a.example.'] }],
    ['by a name with NUL', 'a.example', { dns: ['a.example\0.evil'] }],
    ['by an empty name', '', { dns: ['a.example'] }],
    ['by a wildcard for its parent', 'example.org', { dns: ['*.example.org'] }],
    ['by a wildcard two levels up', 'a.b.example.org', { dns: ['*.example.org'] }],
    ['by a wildcard below a single label', 'a.example', { dns: ['*.example'] }],
    ['by a wildcard alone', 'a', { dns: ['*', '*.'] }],
    ['by part of a label', 'abc.example.org', { dns: ['a*.example.org', '*c.example.org', 'a*c.example.org'] }],
    ['by two wildcards', 'a.b.example.org', { dns: ['*.*.example.org', 'a.*.example.org'] }],
    ['by an address that is written as a name', '10.0.0.1', { dns: ['10.0.0.1'] }],
    ['by a wildcard for an address', '10.0.0.1', { dns: ['*.0.0.1'] }],
    ['by another address', '10.0.0.1', { ips: ['10.0.0.2'] }],
    ['that is an address, by its name', '10.0.0.1', { dns: ['a.example'] }],
  ];
  for (const [title, host, options] of ROWS) {
    test(title, () => {
      const error = checkServerIdentity(host, issue(options));
      assert.ok(error !== undefined && 'code' in error);
      assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
    });
  }

  test('when it cannot be read', () => {
    assert.ok(checkServerIdentity('a.example', Buffer.from('no certificate')) !== undefined);
  });
});

describe('a certificate is for a host', () => {
  const ROWS: readonly (readonly [title: string, host: string, options: TestCertificateOptions])[] = [
    ['by its name, among others', 'a.example', { dns: ['b.example', 'a.example'], uris: ['spiffe://example.org/a'] }],
    ['in any case', 'A.example', { dns: ['a.EXAMPLE'] }],
    ['by a wildcard', 'a.example.org', { dns: ['*.example.org'] }],
    ['that has one label', 'localhost', { dns: ['localhost'] }],
    ['by its address', '10.0.0.1', { ips: ['10.0.0.1'] }],
  ];
  for (const [title, host, options] of ROWS) {
    test(title, () => assert.equal(checkServerIdentity(host, issue(options)), undefined));
  }
});
