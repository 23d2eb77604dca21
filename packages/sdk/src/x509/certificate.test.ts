import assert from 'node:assert/strict';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import {
  createTestAuthority,
  type TestCertificateOptions,
  type TestKeyAlgorithm,
} from '../../../../tests/support/certificates.ts';
import { Problem } from '../problem.ts';
import { readCertificate } from './certificate.ts';
import { certificateWeakness } from './certificate-strength.ts';
import { type DerElement, readDer, readFields, TAG } from './der.ts';
import * as write from './der-writer.ts';
import { formatDistinguishedName } from './distinguished-name.ts';

const SAN = '2.5.29.17';
const ECDSA_SHA256 = write.oid('1.2.840.10045.4.3.2');
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
  const { der } = authority.issue({ uris: ['spiffe://example.org/a'], ips: ['127.0.0.1'] });
  /** The certificate with one byte sequence replaced by another of the same length. */
  const replace = (from: Buffer, to: Buffer): Buffer => {
    const at = der.indexOf(from);
    assert.notEqual(at, -1);
    assert.equal(from.length, to.length);
    return Buffer.concat([der.subarray(0, at), to, der.subarray(at + from.length)]);
  };
  /** The certificate with other fields in its body; their encodings are in the order of RFC 5280. */
  const rebuild = (change: (fields: Buffer[]) => readonly Buffer[]): Buffer => {
    const [body, ...rest] = parts(readDer(der));
    assert.ok(body);
    return write.sequence(write.sequence(...change(parts(body).map(encoded))), ...rest.map(encoded));
  };
  const parts = (element: DerElement): DerElement[] => readFields(element, TAG.sequence, 'a part');
  const encoded = (element: DerElement): Buffer => element.encoded;
  const withExtension = (id: string, value: Buffer): Buffer =>
    rebuild((fields) => [
      ...fields.slice(0, 7),
      write.explicit(3, write.sequence(write.sequence(write.oid(id), write.octets(value)))),
    ]);
  const now = write.time(new Date());
  const version = (number: number): Buffer => write.explicit(0, write.integer(Buffer.from([number])));

  const REFUSED: readonly [string, Buffer, RegExp][] = [
    ['bytes after the end', Buffer.concat([der, Buffer.from([0])]), /bytes follow/],
    ['PEM', Buffer.from(authority.certPem), /./],
    ['more than 64 KiB', write.octets(Buffer.alloc(64 * 1024)), /larger than/],
    ['a fourth part', write.sequence(...parts(readDer(der)).map(encoded), write.boolean(true)), /three parts/],
    ['a body without extensions and key', rebuild((fields) => fields.slice(0, 6)), /field .* is missing/],
    ['unique identifiers', rebuild((fields) => fields.toSpliced(7, 0, write.implicit(1, 'x'))), /unexpected fields/],
    ['a field after the extensions', rebuild((fields) => [...fields, write.implicit(4, 'x')]), /unexpected fields/],
    ['three times of validity', rebuild((fields) => fields.with(4, write.sequence(now, now, now))), /more than two/],
    ['an unknown version', rebuild((fields) => fields.with(0, version(3))), /version is unknown/],
    ['version 1 that says so', rebuild((fields) => fields.with(0, version(0))), /version is unknown/],
    ['extensions in version 2', rebuild((fields) => fields.with(0, version(1))), /only version 3/],
    ['one extension twice', replace(write.oid('2.5.29.14'), write.oid('2.5.29.15')), /2\.5\.29\.15 is there twice/],
    ['two signature algorithms', replace(ECDSA_SHA256, write.oid('1.2.840.10045.4.3.3')), /two signature algorithms/],
    ['an unknown kind of key', replace(write.oid('1.2.840.10045.2.1'), write.oid('1.2.840.10045.2.9')), /unknown kind/],
    ['an unknown kind of alternative name', withExtension(SAN, write.sequence(write.implicit(9, 'x'))), /unknown kind/],
    ['alternative names without a name', withExtension(SAN, write.sequence()), /is empty/],
    ['an address of three bytes', withExtension(SAN, write.sequence(write.implicit(7, 'abc'))), /unknown length/],
  ];
  for (const [title, input, reason] of REFUSED) {
    it(title, () => {
      assert.throws(
        () => readCertificate(input),
        (error) => error instanceof Problem && error.code === 'peer_identity_invalid' && reason.test(error.message),
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

  it('C-180 names an RSA exponent that invites attacks, and kinds of keys that cannot sign', () => {
    const certificate = read();
    const weak = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).publicKey;
    assert.match(certificateWeakness({ ...certificate, publicKey: weak }) ?? '', /exponent 3/);
    const { publicKey } = generateKeyPairSync('x25519');
    assert.match(certificateWeakness({ ...certificate, publicKey }) ?? '', /x25519/);
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
