import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { readCertificate } from '@sidegate/sdk';
import { IssuanceRefused, issueAuthority, issueBelow } from './issue.ts';
import { generateKey, KEY_ALGORITHMS, keyKind, leafKeyAlgorithm, privateKeyPem } from './key-algorithm.ts';
import type { CertificateRequest } from './profile.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;
const base = {
  organization: 'MyOrg',
  validForMs: 365 * DAY_MS,
  dnsNames: [],
  ipAddresses: [],
  spiffeIds: [],
} as const;
const authority: CertificateRequest = { ...base, profile: 'zone-ca', commonName: 'zone1-CA' };
const client: CertificateRequest = {
  ...base,
  profile: 'client',
  commonName: 'api-gateway-client',
  spiffeIds: ['spiffe://example.org/zone1/api-gateway'],
};

const newIssuer = async (request = authority, now = NOW) => {
  const privateKey = await generateKey('P-256');
  return { certificate: await issueAuthority(request, privateKey, now), privateKey };
};

test('a name with a line break is refused before a key touches it', async () => {
  const issuer = await newIssuer();
  await assert.rejects(
    issueBelow({ ...client, commonName: 'a\r\nb' }, await generateKey('P-256'), issuer, NOW),
    (error) => error instanceof IssuanceRefused && /control character/.test(error.problems.join()),
  );
});

test('a leaf request is refused as authority, and an authority request as leaf', async () => {
  const issuer = await newIssuer();
  const key = await generateKey('P-256');
  assert.throws(() => issueAuthority(client, key, NOW), /a leaf that signs itself/);
  await assert.rejects(issueBelow(authority, key, issuer, NOW), /an authority below an authority/);
});

test('an authority that has expired signs nothing', async () => {
  const issuer = await newIssuer(authority, NOW - 366 * DAY_MS);
  await assert.rejects(issueBelow(client, await generateKey('P-256'), issuer, NOW), /over before it starts/);
});

test('a leaf ends with its authority, whatever was asked for', async () => {
  const issuer = await newIssuer({ ...authority, validForMs: 10 * DAY_MS });
  const leaf = await issueBelow(client, await generateKey('P-256'), issuer, NOW);
  assert.equal(leaf.validToDate.getTime(), issuer.certificate.validToDate.getTime());
});

test('SD-04 certificates are version 3 with key usage, extended key usage and key identifiers', async () => {
  const issuer = await newIssuer();
  const leaf = readCertificate((await issueBelow(client, await generateKey('P-256'), issuer, NOW)).raw);
  assert.equal(leaf.version, 3);
  assert.deepEqual([...(leaf.keyUsage ?? [])], ['digitalSignature']);
  assert.deepEqual(leaf.extendedKeyUsage, ['1.3.6.1.5.5.7.3.2']);
  assert.equal(leaf.isAuthority, false);
  assert.equal(leaf.subjectAltNames[0]?.value, 'spiffe://example.org/zone1/api-gateway');
  const anchor = readCertificate(issuer.certificate.raw);
  assert.deepEqual([...(anchor.keyUsage ?? [])], ['keyCertSign', 'cRLSign']);
  assert.equal(anchor.isAuthority, true);
  assert.equal(anchor.extendedKeyUsage, undefined);
});

test('serial numbers are positive, 128 bits long and never the same', async () => {
  const issuer = await newIssuer();
  const key = await generateKey('P-256');
  const leaves = await Promise.all(Array.from({ length: 50 }, () => issueBelow(client, key, issuer, NOW)));
  const serials = leaves.map(({ serialNumber }) => serialNumber);
  assert.equal(new Set(serials).size, 50);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
});

test('a life beyond 2049 is written as a generalized time', async () => {
  const later = Date.UTC(2055, 0, 1);
  const issuer = await newIssuer(authority, later);
  assert.equal(issuer.certificate.validToDate.getTime(), later + authority.validForMs);
});

for (const algorithm of KEY_ALGORITHMS) {
  test(`a ${algorithm} authority signs leaves that verify below it`, async () => {
    const privateKey = await generateKey(algorithm);
    const certificate = await issueAuthority(authority, privateKey, NOW);
    const leafKey = await generateKey(leafKeyAlgorithm(algorithm));
    const leaf = await issueBelow(client, leafKey, { certificate, privateKey }, NOW);
    assert.equal(keyKind(certificate.publicKey), algorithm);
    assert.ok(leaf.checkIssued(certificate) && leaf.verify(certificate.publicKey));
    assert.ok(leaf.checkPrivateKey(leafKey));
    assert.equal(keyKind(createPublicKey(privateKeyPem(leafKey))), algorithm === 'P-256' ? 'P-256' : 'RSA-2048');
    assert.equal(new X509Certificate(leaf.toString()).fingerprint256, leaf.fingerprint256);
  });
}

for (const [title, brought] of [
  ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
  ['Ed25519', generateKeyPairSync('ed25519')],
  ['RSA-3072', generateKeyPairSync('rsa', { modulusLength: 3072 })],
] as const) {
  test(`an authority that was brought along signs with its ${title} key`, async () => {
    const { privateKey } = brought;
    const certificate = await issueAuthority(authority, privateKey, NOW);
    const leaf = await issueBelow(client, await generateKey('P-256'), { certificate, privateKey }, NOW);
    assert.ok(certificate.verify(certificate.publicKey));
    assert.ok(leaf.checkIssued(certificate) && leaf.verify(certificate.publicKey));
  });
}
