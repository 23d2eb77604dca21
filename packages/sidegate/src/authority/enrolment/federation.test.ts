/** Bundles of others: what is damaged, empty or older never takes the place of a good one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestAuthority } from '../../../../../tests/support/certificates.ts';
import { checkSpiffeBundle, createFederation } from './federation.ts';

const root = createTestAuthority('partner-CA');
const x509 = (der: Buffer, members = {}) => ({
  use: 'x509-svid',
  kty: 'EC',
  x5c: [der.toString('base64')],
  ...members,
});
const bundle = (sequence: unknown, keys: unknown = [x509(root.der)]): Buffer =>
  Buffer.from(JSON.stringify({ spiffe_sequence: sequence, keys }));

const REFUSED: readonly (readonly [title: string, document: Buffer, reason: RegExp])[] = [
  ['that is no JSON', Buffer.from('<html>'), /no JSON/],
  ['that names its keys twice', Buffer.from('{"keys":[],"keys":[]}'), /no JSON/],
  ['that is a list', Buffer.from('[]'), /no object/],
  ['without keys', Buffer.from('{}'), /no keys/],
  ['with an empty list of keys', bundle(1, []), /no key that can be used/],
  ['with keys for unknown uses only', bundle(1, [{ use: 'sig', kty: 'EC' }]), /no key that can be used/],
  ['with a certificate that is damaged', bundle(1, [x509(Buffer.from('hello'))]), /cannot be read/],
  ['with a certificate of a leaf', bundle(1, [x509(root.issue().der)]), /of no authority/],
  ['with two certificates for a key', bundle(1, [x509(root.der, { x5c: ['a', 'b'] })]), /not one certificate/],
  ['with a JWT key without kid', bundle(1, [{ use: 'jwt-svid', kty: 'EC' }]), /no kid/],
  ['with a sequence that is a text', bundle('1'), /sequence/],
  ['with a sequence below zero', bundle(-1), /sequence/],
];
for (const [title, document, reason] of REFUSED) {
  test(`a bundle ${title} is refused`, () => assert.throws(() => checkSpiffeBundle(document), reason));
}

test('a good bundle is kept, and stays when the next one cannot be read, is damaged or is older', async () => {
  let next: () => Promise<Buffer> = async () => bundle(7);
  const federation = createFederation([{ trustDomain: 'partner.example', read: () => next() }]);
  assert.equal(federation.bundle('partner.example'), undefined);
  assert.deepEqual(await federation.refresh(), []);
  const failures: readonly (() => Promise<Buffer>)[] = [
    async () => bundle(6),
    async () => bundle(8, []),
    async () => Promise.reject(new Error('ENOENT')),
  ];
  for (const failing of failures) {
    next = failing;
    const [problem, ...others] = await federation.refresh();
    assert.match(problem ?? '', /^partner\.example: /);
    assert.deepEqual([others, federation.bundle('partner.example')], [[], bundle(7)]);
  }
  next = async () => bundle(8);
  assert.deepEqual(await federation.refresh(), []);
  assert.deepEqual(federation.bundle('partner.example'), bundle(8));
  assert.equal(federation.bundle('other.example'), undefined);
});

test('a bundle may have keys for JWT-SVIDs beside those for X.509-SVIDs, and others that nobody knows', () => {
  const keys = [{ use: 'jwt-svid', kid: 'k', kty: 'EC' }, x509(root.der), { use: 'future', kty: 'X' }];
  assert.equal(checkSpiffeBundle(bundle(3, keys)), 3);
  assert.equal(checkSpiffeBundle(Buffer.from(JSON.stringify({ keys }))), 0);
});
