/** Identities and bundles of a Workload API that must not be used, and those that are. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { createTestAuthority, type TestCertificate } from '../../../../tests/support/certificates.ts';
import { writeX509BundlesResponse, writeX509SvidResponse, type X509SvidMessage } from './messages.ts';
import { readX509Bundles, readX509Context, WorkloadAnswerRefused } from './x509-context.ts';

const ID = 'spiffe://example.org/zone2/order-service';
const HOUR_MS = 3_600_000;
const now = Date.now();
const authority = createTestAuthority('example.org');
const stranger = createTestAuthority('example.org');
const leaf = authority.issue({ uris: [ID] });

const key = ({ privateKey }: Pick<TestCertificate, 'privateKey'>): Buffer =>
  privateKey.export({ type: 'pkcs8', format: 'der' });

function message(certificate: TestCertificate, changes: Partial<X509SvidMessage> = {}): X509SvidMessage {
  const base = { spiffeId: ID, certificates: certificate.der, privateKey: key(certificate), bundle: authority.der };
  return { ...base, hint: '', ...changes };
}

const response = (
  svids: readonly X509SvidMessage[],
  federated: Readonly<Record<string, Uint8Array>> = {},
): Uint8Array => writeX509SvidResponse({ svids, crl: [], federatedBundles: new Map(Object.entries(federated)) });

describe('an X.509-SVID is refused with', () => {
  const issue: (typeof authority)['issue'] = (options) => authority.issue(options);
  const ROWS: readonly (readonly [title: string, svid: X509SvidMessage, reason: RegExp])[] = [
    ['no certificate', message(leaf, { certificates: Buffer.alloc(0) }), /without certificate/],
    ['bytes after the certificate', message(leaf, { certificates: Buffer.concat([leaf.der, Buffer.of(0x30)]) }), /./],
    ['half a certificate', message(leaf, { certificates: leaf.der.subarray(0, 100) }), /longer than what contains it/],
    ['rubbish as certificate', message(leaf, { certificates: Buffer.from('30030201aa', 'hex') }), /cannot be read/],
    ['another ID than the answer says', message(leaf, { spiffeId: 'spiffe://example.org/other' }), /another SPIFFE ID/],
    ['two URI names', message(issue({ uris: [ID, `${ID}2`] })), /exactly one URI name/],
    ['a DNS name alone', message(issue({ dns: ['order'] })), /exactly one URI name/],
    [
      'a trust domain as its ID',
      message(issue({ uris: ['spiffe://example.org'] }), { spiffeId: 'spiffe://example.org' }),
      /trust domain/,
    ],
    ['an ID that is none', message(issue({ uris: ['spiffe://example.org/a/../b'] })), /dot segment/],
    ['the certificate of an authority', message(issue({ uris: [ID], ca: true })), /authority as a leaf/],
    [
      'a key that may sign certificates',
      message(issue({ uris: [ID], keyUsage: ['digitalSignature', 'keyCertSign'] })),
      /authority as a leaf/,
    ],
    ['no key usage', message(issue({ uris: [ID], keyUsage: null })), /not meant for signatures/],
    ['an RSA key of 1024 bits', message(issue({ uris: [ID], keyAlgorithm: 'rsa-1024' })), /weak certificate/],
    ['a life that is over', message(issue({ uris: [ID], notAfter: new Date(now - 1000) })), /not valid now/],
    [
      'a life that begins tomorrow',
      message(issue({ uris: [ID], notBefore: new Date(now + 24 * HOUR_MS), notAfter: new Date(now + 25 * HOUR_MS) })),
      /not valid now/,
    ],
    ['the key of another', message(leaf, { privateKey: key(authority) }), /key of another/],
    ['a key that is none', message(leaf, { privateKey: Buffer.from('00', 'hex') }), /not PKCS #8/],
    [
      'a public key',
      message(leaf, { privateKey: generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' }) }),
      /not PKCS #8/,
    ],
    ['an empty bundle', message(leaf, { bundle: Buffer.alloc(0) }), /empty bundle/],
    ['a bundle of leaves', message(leaf, { bundle: leaf.der }), /no authority's/],
    [
      'the bundle of another authority of the same name',
      message(leaf, { bundle: stranger.der }),
      /no authority of its trust domain/,
    ],
    [
      'a stranger between it and its authority',
      message(leaf, { certificates: Buffer.concat([leaf.der, stranger.der]) }),
      /no authority of its trust domain/,
    ],
    [
      'a leaf between it and its authority',
      message(leaf, { certificates: Buffer.concat([leaf.der, leaf.der]) }),
      /no authority's/,
    ],
  ];
  for (const [title, svid, reason] of ROWS) {
    test(title, () => {
      assert.throws(
        () => readX509Context(response([svid]), now),
        (error) => {
          assert.ok(error instanceof WorkloadAnswerRefused);
          assert.match(error.message, reason);
          assert.doesNotMatch(error.message, /PRIVATE KEY/);
          return true;
        },
      );
    });
  }

  const ANSWERS: readonly (readonly [title: string, bytes: Uint8Array, reason: RegExp])[] = [
    ['nobody in the answer', response([]), /no identity/],
    [
      'two bundles for its trust domain',
      response([message(leaf)], { 'spiffe://example.org': stranger.der }),
      /two bundles/,
    ],
    [
      'a federated bundle that names a workload',
      response([message(leaf)], { [ID]: authority.der }),
      /instead of a trust domain/,
    ],
    ['a federated bundle of nobody', response([message(leaf)], { 'spiffe://EXAMPLE': authority.der }), /lower-case/],
    [
      'a federated bundle written twice',
      response([message(leaf)], { 'spiffe://a': authority.der, a: authority.der }),
      /two bundles/,
    ],
    [
      'a good identity beside a bad one',
      response([message(leaf), message(leaf, { privateKey: Buffer.alloc(0) })]),
      /PKCS/,
    ],
    ['no protobuf message around it', Buffer.from('0a05', 'hex'), /no protobuf/],
  ];
  for (const [title, bytes, reason] of ANSWERS) {
    test(title, () => {
      assert.throws(
        () => readX509Context(bytes, now),
        (error) => error instanceof WorkloadAnswerRefused && reason.test(error.message),
      );
    });
  }
});

test('S4-083 an X.509-SVID is read with its chain, its key and every bundle', () => {
  const below = authority.intermediate();
  const issued = below.issue({ uris: [ID] });
  const chain = Buffer.concat([issued.der, below.der]);
  const bytes = response([message(issued, { certificates: chain, hint: 'internal' }), message(leaf)], {
    'spiffe://partner.org': stranger.der,
  });
  const { svids, bundles } = readX509Context(bytes, now);
  const [first, second] = svids;
  assert.deepEqual([first.id.uri, first.hint, second?.hint], [ID, 'internal', '']);
  assert.equal(first.cert.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.equal(first.key, issued.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  assert.deepEqual(
    [...bundles],
    [
      ['partner.org', stranger.certPem],
      ['example.org', authority.certPem],
    ],
  );
});

test('S4-083 a federated bundle that cannot be used is left out, and keeps no identity from anybody', () => {
  const federated = {
    'spiffe://leaves.example': leaf.der,
    'spiffe://empty.example': Buffer.alloc(0),
    'spiffe://rubbish.example': Buffer.from('30030201aa', 'hex'),
    'spiffe://partner.example': stranger.der,
  };
  const { svids, bundles } = readX509Context(response([message(leaf)], federated), now);
  assert.equal(svids[0].id.uri, ID);
  assert.deepEqual([...bundles.keys()], ['partner.example', 'example.org']);
});

test('bundles alone are read by trust domain; none is a refusal', () => {
  const bytes = writeX509BundlesResponse({ crl: [], bundles: new Map([['spiffe://example.org', authority.der]]) });
  assert.deepEqual([...readX509Bundles(bytes)], [['example.org', authority.certPem]]);
  assert.throws(
    () => readX509Bundles(writeX509BundlesResponse({ crl: [], bundles: new Map() })),
    WorkloadAnswerRefused,
  );
});
