import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  createTestAuthority,
  type TestCertificateOptions,
  type TestKeyAlgorithm,
} from '../../../../tests/support/certificates.ts';
import * as write from '../../../../tests/support/der-writer.ts';
import { Problem } from '../problem.ts';
import { readCertificate } from './certificate.ts';
import { certificateWeakness } from './certificate-strength.ts';
import { formatDistinguishedName } from './distinguished-name.ts';

const authority = createTestAuthority('test-ca');
const read = (options: TestCertificateOptions = {}) => readCertificate(authority.issue(options).der);

describe('readCertificate reads what OpenSSL reads', () => {
  const SAMPLES: readonly [string, TestCertificateOptions][] = [
    ['a client certificate', { uris: ['spiffe://example.org/a'], dns: ['a.example', 'b.example'], ips: ['127.0.0.1'] }],
    ['a subject of several parts', { subject: [{ C: 'DE' }, { O: 'My "Org", Inc.' }, { CN: 'Lüneburg' }] }],
    ['an authority', { ca: true, eku: null, keyUsage: ['keyCertSign', 'cRLSign'] }],
    ['version 1', { version: 1 }],
    ['a life beyond 2050', { notBefore: new Date('1999-12-31T23:59:59Z'), notAfter: new Date('2051-02-03T04:05:06Z') }],
    ['an RSA key', { keyAlgorithm: 'rsa-2048' }],
    ['an Ed25519 key', { keyAlgorithm: 'ed25519' }],
  ];
  for (const [title, options] of SAMPLES) {
    it(title, () => {
      const { der } = authority.issue(options);
      const ours = readCertificate(der);
      const theirs = new X509Certificate(der);
      assert.equal(ours.serialNumber, theirs.serialNumber.toLowerCase());
      assert.equal(ours.notBefore, theirs.validFromDate.getTime());
      assert.equal(ours.notAfter, theirs.validToDate.getTime());
      assert.equal(ours.isAuthority, theirs.ca);
      assert.ok(ours.publicKey.equals(theirs.publicKey));
      assert.deepEqual(ours.extendedKeyUsage, theirs.keyUsage, 'Node calls the extended key usage keyUsage');
      assert.equal(
        ours.thumbprint,
        Buffer.from(theirs.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url'),
      );
      const names = ours.subjectAltNames.map(
        ({ kind, value }) => `${{ dns: 'DNS', uri: 'URI', ip: 'IP Address' }[kind as 'dns']}:${value}`,
      );
      assert.equal(names.join(', '), theirs.subjectAltName ?? '');
    });
  }

  it('and names as the seed writes them', () => {
    const { subject, issuer } = read({ subject: [{ CN: 'api-gateway-client' }, { O: 'MyOrg' }] });
    assert.equal(formatDistinguishedName(subject), 'CN=api-gateway-client,O=MyOrg');
    assert.equal(formatDistinguishedName(issuer), 'CN=test-ca');
  });

  it('and tells an absent extension from an empty one', () => {
    assert.equal(read({ eku: null }).extendedKeyUsage, undefined);
    assert.deepEqual(read({ eku: [] }).extendedKeyUsage, []);
    assert.equal(read({ keyUsage: null }).keyUsage, undefined);
    assert.deepEqual(
      [...(read({ keyUsage: ['digitalSignature', 'cRLSign'] }).keyUsage ?? [])],
      ['digitalSignature', 'cRLSign'],
    );
  });
});

describe('readCertificate refuses', () => {
  const { der } = authority.issue({ uris: ['spiffe://example.org/a'] });
  /** The certificate with one byte sequence replaced by another of the same length. */
  const replace = (from: Buffer, to: Buffer): Buffer => {
    const at = der.indexOf(from);
    assert.notEqual(at, -1);
    assert.equal(from.length, to.length);
    return Buffer.concat([der.subarray(0, at), to, der.subarray(at + from.length)]);
  };

  const REFUSED: readonly [string, Buffer][] = [
    ['bytes after the end', Buffer.concat([der, Buffer.from([0])])],
    ['PEM', Buffer.from(authority.certPem)],
    ['an unknown version', replace(Buffer.from('a003020102', 'hex'), Buffer.from('a003020103', 'hex'))],
    ['extensions in version 2', replace(Buffer.from('a003020102', 'hex'), Buffer.from('a003020101', 'hex'))],
    ['one extension twice', replace(write.oid('2.5.29.14'), write.oid('2.5.29.15'))],
    ['two signature algorithms', replace(write.oid('1.2.840.10045.4.3.2'), write.oid('1.2.840.10045.4.3.3'))],
    ['an unknown kind of public key', replace(write.oid('1.2.840.10045.2.1'), write.oid('1.2.840.10045.2.9'))],
    [
      'an unknown kind of alternative name',
      replace(write.implicit(6, 'spiffe://example.org/a'), write.implicit(9, 'spiffe://example.org/a')),
    ],
  ];
  for (const [title, input] of REFUSED) {
    it(title, () => {
      assert.throws(
        () => readCertificate(input),
        (error) => error instanceof Problem && error.code === 'peer_identity_invalid',
      );
    });
  }
});

describe('certificateWeakness', () => {
  const strength = (keyAlgorithm: TestKeyAlgorithm) => certificateWeakness(read({ keyAlgorithm }));

  it('C-180 names small keys, odd curves and SHA-1', () => {
    assert.match(strength('rsa-1024') ?? '', /1024 bits/);
    assert.match(strength('p192') ?? '', /prime192v1/);
    assert.match(certificateWeakness(read({ hash: 'sha1' })) ?? '', /weak or unknown algorithm/);
  });

  it('accepts RSA-2048, P-256, P-384 and Ed25519', () => {
    for (const algorithm of ['rsa-2048', 'p256', 'p384', 'ed25519'] as const)
      assert.equal(strength(algorithm), undefined);
    for (const keyAlgorithm of ['rsa-2048', 'ed25519'] as const) {
      const { der } = createTestAuthority('other-ca', { keyAlgorithm }).issue();
      assert.equal(certificateWeakness(readCertificate(der)), undefined);
    }
  });

  it('reads the hash of RSASSA-PSS, which is SHA-1 when nothing is said', () => {
    const certificate = read({ keyAlgorithm: 'rsa-2048' });
    const pss = (signatureParameters: Buffer | undefined) =>
      certificateWeakness({ ...certificate, signatureAlgorithm: '1.2.840.113549.1.1.10', signatureParameters });
    const hash = (oid: string): Buffer => write.sequence(write.explicit(0, write.sequence(write.oid(oid))));
    for (const weak of [undefined, write.sequence(), hash('1.3.14.3.2.26'), Buffer.from([0x30, 0x80])])
      assert.match(pss(weak) ?? '', /weak/);
    assert.equal(pss(hash('2.16.840.1.101.3.4.2.1')), undefined);
  });
});
