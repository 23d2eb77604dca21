/** Root, intermediate and leaf beside OpenSSL under -x509_strict: what the name constraints permit, both accept; nothing else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readCertificate } from '@sidegate/sdk';
import { IssuanceRefused, type Issuer, issueAuthority, issueBelow } from './issue.ts';
import { generateKey } from './key-algorithm.ts';
import { ipRangeProblem, type NameConstraints } from './name-constraints.ts';
import type { CertificateRequest } from './profile.ts';

const DAY_MS = 86_400_000;
const base = { organization: 'MyOrg', validForMs: DAY_MS, dnsNames: [], ipAddresses: [], spiffeIds: [] } as const;
const rootRequest: CertificateRequest = {
  ...base,
  profile: 'root',
  commonName: 'example.org root',
  validForMs: 9 * DAY_MS,
};

async function newRoot(): Promise<Issuer> {
  const privateKey = await generateKey('P-256');
  return { certificate: await issueAuthority(rootRequest, privateKey, Date.now()), privateKey };
}

async function newIntermediate(root: Issuer, nameConstraints: NameConstraints): Promise<Required<Issuer>> {
  const privateKey = await generateKey('P-256');
  const request = { ...base, profile: 'intermediate' as const, commonName: 'zone2-CA', nameConstraints };
  return { certificate: await issueBelow(request, privateKey, root, Date.now()), privateKey, nameConstraints };
}

const SPIFFE_ID = 'spiffe://example.org/zone2/order-service';
const svid: CertificateRequest = { ...base, profile: 'svid', commonName: 'order-service', spiffeIds: [SPIFFE_ID] };

/** Whether OpenSSL accepts the leaf for both purposes. */
async function opensslAccepts(root: Issuer, below: Issuer, leaf: { toString(): string }): Promise<boolean> {
  await using directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-hierarchy-'));
  const file = (name: string): string => path.join(directory.path, name);
  await writeFile(file('root.pem'), root.certificate.toString());
  await writeFile(file('intermediate.pem'), below.certificate.toString());
  await writeFile(file('leaf.pem'), leaf.toString());
  return ['sslserver', 'sslclient'].every((purpose) => {
    const options = ['-x509_strict', '-auth_level', '2', '-purpose', purpose, '-CAfile', file('root.pem')];
    const { stdout, error } = spawnSync(
      'openssl',
      ['verify', ...options, '-untrusted', file('intermediate.pem'), file('leaf.pem')],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(error, undefined);
    return stdout.trim().endsWith(': OK');
  });
}

const ZONE2: NameConstraints = {
  dnsDomains: ['zone2.local', 'order-service'],
  ipRanges: ['127.0.0.0/8', '10.4.0.0/14', '::1/128', 'fd00:1::/33'],
  trustDomains: ['example.org'],
};
const NOTHING: NameConstraints = { dnsDomains: [], ipRanges: [], trustDomains: ['example.org'] };

const NAMES: readonly (readonly [title: string, NameConstraints, Partial<CertificateRequest>, permitted: boolean])[] = [
  ['its SPIFFE ID alone', ZONE2, {}, true],
  ['a name in the domain', ZONE2, { dnsNames: ['order-service.zone2.local'] }, true],
  ['the domain itself', ZONE2, { dnsNames: ['zone2.local', 'order-service'] }, true],
  ['a name deep in the domain', ZONE2, { dnsNames: ['a.b.zone2.local'] }, true],
  ['a name of another zone', ZONE2, { dnsNames: ['data-service.zone3.local'] }, false],
  ['a name that ends like the domain', ZONE2, { dnsNames: ['evilzone2.local'] }, false],
  ['a name above the domain', ZONE2, { dnsNames: ['local'] }, false],
  ['one good and one foreign name', ZONE2, { dnsNames: ['a.zone2.local', 'a.zone3.local'] }, false],
  ['addresses in the ranges', ZONE2, { ipAddresses: ['127.0.0.1', '10.7.255.255', '::1', 'fd00:1:7fff::1'] }, true],
  ['an address below a range', ZONE2, { ipAddresses: ['10.3.255.255'] }, false],
  ['an address above a range', ZONE2, { ipAddresses: ['10.8.0.0'] }, false],
  ['an IPv6 address beside a range', ZONE2, { ipAddresses: ['fd00:1:8000::1'] }, false],
  ['another loopback address', ZONE2, { ipAddresses: ['::2'] }, false],
  ['another trust domain', ZONE2, { spiffeIds: ['spiffe://example.com/zone2/order-service'] }, false],
  ['a trust domain that ends alike', ZONE2, { spiffeIds: ['spiffe://evil.example.org/zone2/a'] }, false],
  ['a trust domain that begins alike', ZONE2, { spiffeIds: ['spiffe://example.org.evil/zone2/a'] }, false],
  ['nothing but the SPIFFE ID where no other kind is permitted', NOTHING, {}, true],
  ['a DNS name where none is permitted', NOTHING, { dnsNames: ['a.zone2.local'] }, false],
  ['an address where none is permitted', NOTHING, { ipAddresses: ['127.0.0.1'] }, false],
  ['an IPv6 address where none is permitted', NOTHING, { ipAddresses: ['::1'] }, false],
];

test('S4-014 a leaf is issued exactly when the name constraints of its zone permit it, as OpenSSL reads them', async () => {
  const root = await newRoot();
  const zones = new Map([
    [ZONE2, await newIntermediate(root, ZONE2)],
    [NOTHING, await newIntermediate(root, NOTHING)],
  ]);
  const key = await generateKey('P-256');
  for (const [title, constraints, names, permitted] of NAMES) {
    const issuer = zones.get(constraints) as Required<Issuer>;
    const request = { ...svid, ...names };
    const { nameConstraints: _, ...unconstrained } = issuer;
    const leaf = await issueBelow(request, key, unconstrained, Date.now());
    assert.equal(await opensslAccepts(root, issuer, leaf), permitted, `OpenSSL: ${title}`);
    const issued = await issueBelow(request, key, issuer, Date.now()).catch((error: unknown) => error);
    assert.equal(issued instanceof IssuanceRefused, !permitted, title);
  }
});

test('an intermediate signs no authority, whatever its request says', async () => {
  const root = await newRoot();
  const zone = await newIntermediate(root, ZONE2);
  await assert.rejects(newIntermediate(zone, ZONE2), /an authority below an authority/);
});

test('a root, an intermediate and an SVID say what RFC 5280 and X509-SVID want', async () => {
  const root = await newRoot();
  const zone = await newIntermediate(root, ZONE2);
  const leaf = readCertificate((await issueBelow(svid, await generateKey('P-256'), zone, Date.now())).raw);
  assert.deepEqual(leaf.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.deepEqual([...(leaf.keyUsage ?? [])], ['digitalSignature']);
  assert.deepEqual(
    leaf.subjectAltNames.map(({ kind, value }) => `${kind}:${value}`),
    [`uri:${SPIFFE_ID}`],
  );
  const { stdout } = spawnSync('openssl', ['x509', '-noout', '-text'], {
    input: zone.certificate.toString(),
    encoding: 'utf8',
  });
  for (const line of [
    /CA:TRUE, pathlen:0/,
    /X509v3 Name Constraints: critical/,
    /DNS:zone2\.local/,
    /URI:example\.org/,
    /IP:10\.4\.0\.0\/255\.252\.0\.0/,
  ]) {
    assert.match(stdout, line);
  }
});

test('a range that is none is refused in words', () => {
  for (const range of [
    '',
    '10.0.0.0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/8/8',
    'a/8',
    '10.0.0.0/-1',
    '10.0.0.0/ 8',
    '::1.2.3.4/96',
  ]) {
    assert.match(ipRangeProblem(range) ?? '', /as in 10\.1\.0\.0\/16/, range);
  }
  assert.equal(ipRangeProblem('fd00::/8'), undefined);
});
