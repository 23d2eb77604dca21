/** Our verdict beside OpenSSL's on the same files: whatever it refuses under -x509_strict, we refuse. */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { createTestAuthority } from '../../../../../tests/support/certificates.ts';
import type { FindingCode } from './finding.ts';
import { verifyPki } from './verify.ts';

const clock = { now: () => Date.now(), monotonic: () => performance.now() };
const HOUR_MS = 3_600_000;
const SPIFFE_ID = 'spiffe://example.org/zone1/api-gateway';

interface Pem {
  readonly certPem: string;
  readonly keyPem: string;
}

/** By name, so that a case can leave one out or put another one in its place. */
type Extensions = Readonly<Record<string, Extension | undefined>>;

/** Signs exactly the extensions that it is given. */
async function mint(
  issuerKey: KeyObject,
  key: KeyObject,
  [subject, issuer]: readonly [Name, Name],
  extensions: Extensions,
): Promise<Pem> {
  const certificate = await X509CertificateGenerator.create({
    subject,
    issuer,
    serialNumber: '4242',
    notBefore: new Date(Date.now() - HOUR_MS),
    notAfter: new Date(Date.now() + HOUR_MS),
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }),
    signingKey: issuerKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']),
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: Object.values(extensions).filter((extension) => extension !== undefined),
  });
  return { certPem: certificate.toString('pem'), keyPem: key.export({ type: 'pkcs8', format: 'pem' }) };
}

interface Issuer {
  readonly certPem: string;
  readonly privateKey: KeyObject;
}

/** A good client certificate but for the changes. */
function clientWith(issuer: Issuer, changes: Extensions): Promise<Pem> {
  const { subjectName, extensions } = new X509Certificate(issuer.certPem);
  const keyId = extensions.find((extension) => extension instanceof SubjectKeyIdentifierExtension)?.keyId ?? '';
  const names = [commonName('client'), subjectName] as const;
  return mint(issuer.privateKey, newKey(), names, {
    constraints: new BasicConstraintsExtension(false, undefined, true),
    usage: new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    purpose: new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2']),
    names: new SubjectAlternativeNameExtension([{ type: 'url', value: SPIFFE_ID }]),
    authorityKey: new AuthorityKeyIdentifierExtension(keyId),
    ...changes,
  });
}

/** A good authority but for the changes. */
async function authorityWith(name: string, changes: Extensions): Promise<Pem & Issuer> {
  const privateKey = newKey();
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const pem = await mint(privateKey, privateKey, [commonName(name), commonName(name)], {
    constraints: new BasicConstraintsExtension(true, 0, true),
    usage: new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
    subjectKey: await SubjectKeyIdentifierExtension.create(spki),
    ...changes,
  });
  return { ...pem, privateKey };
}

const commonName = (name: string): Name => new Name([{ CN: [name] }]);

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

async function put(directory: string, name: string, { certPem, keyPem }: Pem): Promise<void> {
  await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
  await writeFile(path.join(directory, `${name}.crt`), certPem);
  await writeFile(path.join(directory, `${name}.key`), keyPem, { mode: 0o600 });
}

/** Whether OpenSSL accepts each of the files below one authority. */
function openssl(directory: string, authority: string, purpose: 'sslserver' | 'sslclient', names: readonly string[]) {
  const files = names.map((name) => `${name}.crt`);
  const options = ['-x509_strict', '-auth_level', '2', '-purpose', purpose, '-CAfile', `${authority}.crt`];
  const { stdout, error } = spawnSync('openssl', ['verify', ...options, ...files], {
    cwd: directory,
    encoding: 'utf8',
  });
  assert.equal(error, undefined);
  return new Map(names.map((name) => [name, stdout.split('\n').includes(`${name}.crt: OK`)]));
}

const codesOf = (findings: Awaited<ReturnType<typeof verifyPki>>['findings'], name: string): FindingCode[] =>
  findings.filter(({ file }) => file.startsWith(`${name}.`)).map(({ code }) => code);

const temporary = () => mkdtempDisposable(path.join(tmpdir(), 'sidegate-pki-'));

/** A title, our findings, and what OpenSSL says; where it accepts what we refuse, our peers are stricter. */
type Verdicts = readonly [title: string, ours: readonly FindingCode[], openssl: 'accepts' | 'refuses'];

test('every leaf that OpenSSL refuses is refused, and what is accepted OpenSSL accepts', async () => {
  await using directory = await temporary();
  const zone = createTestAuthority('zone1-CA');
  const [client, other, impostor] = [
    { uris: [SPIFFE_ID] },
    createTestAuthority('zone9-CA'),
    createTestAuthority('zone1-CA'),
  ];
  const signed = (changes: Extensions) => () => clientWith(zone, changes);
  const cases: readonly (readonly [...Verdicts, () => Promise<Pem> | Pem])[] = [
    ['good', [], 'accepts', () => zone.issue(client)],
    ['good too', [], 'accepts', signed({})],
    ['expired', ['expired'], 'refuses', () => zone.issue({ ...client, notAfter: new Date(Date.now() - 1000) })],
    ['early', ['not_yet_valid'], 'refuses', () => zone.issue({ ...client, notBefore: new Date(Date.now() + HOUR_MS) })],
    ['of another authority', ['wrong_authority'], 'refuses', () => other.issue(client)],
    ['of an impostor', ['wrong_authority'], 'refuses', () => impostor.issue(client)],
    [
      'self-signed',
      ['self_signed'],
      'refuses',
      () => other.issue({ ...client, subject: [{ CN: 'zone9-CA' }], privateKey: other.privateKey }),
    ],
    ['an authority', ['leaf_is_authority'], 'accepts', () => zone.issue({ ...client, ca: true })],
    [
      'a signer',
      ['leaf_is_authority'],
      'refuses',
      () => zone.issue({ ...client, keyUsage: ['digitalSignature', 'keyCertSign'] }),
    ],
    ['for servers', ['purpose'], 'refuses', () => zone.issue({ ...client, eku: ['serverAuth'] })],
    ['for anything', ['purpose'], 'refuses', () => zone.issue({ ...client, eku: ['any'] })],
    ['for no purpose', ['purpose'], 'accepts', () => zone.issue({ ...client, eku: null })],
    ['for encryption', ['purpose'], 'refuses', () => zone.issue({ ...client, keyUsage: ['keyEncipherment'] })],
    ['without key usage', ['purpose'], 'accepts', () => zone.issue({ ...client, keyUsage: null })],
    ['of 1024 bits', ['weak'], 'refuses', () => zone.issue({ ...client, keyAlgorithm: 'rsa-1024' })],
    ['on P-192', ['weak'], 'refuses', () => zone.issue({ ...client, keyAlgorithm: 'p192' })],
    ['signed with SHA-1', ['weak'], 'refuses', () => zone.issue({ ...client, hash: 'sha1' })],
    ['version 1', ['version'], 'accepts', () => zone.issue({ version: 1 })],
    ['without names', ['names'], 'accepts', () => zone.issue()],
    ['with two SPIFFE IDs', ['names'], 'accepts', () => zone.issue({ uris: [SPIFFE_ID, `${SPIFFE_ID}-2`] })],
    ['with a wildcard', ['names'], 'accepts', () => zone.issue({ ...client, dns: ['*.zone1.local'] })],
    ['without key identifier', ['extension'], 'refuses', signed({ authorityKey: undefined })],
    [
      'below another key',
      ['wrong_authority'],
      'refuses',
      signed({ authorityKey: new AuthorityKeyIdentifierExtension('00'.repeat(20)) }),
    ],
    [
      'with a critical key identifier',
      ['extension'],
      'refuses',
      signed({ subjectKey: new SubjectKeyIdentifierExtension('00'.repeat(20), true) }),
    ],
    [
      'with a path length',
      ['extension'],
      'refuses',
      signed({ constraints: new BasicConstraintsExtension(false, 0, true) }),
    ],
    [
      'with an unknown critical extension',
      ['extension'],
      'refuses',
      signed({ unknown: new Extension('1.2.3.4', true, new Uint8Array([5, 0])) }),
    ],
    [
      'with an unknown extension',
      [],
      'accepts',
      signed({ unknown: new Extension('1.2.3.4', false, new Uint8Array([5, 0])) }),
    ],
    [
      'with damaged constraints',
      ['unreadable'],
      'refuses',
      signed({ constraints: new Extension('2.5.29.19', true, new Uint8Array([5, 0])) }),
    ],
  ];
  const nameOf = (title: string): string => `${title.replaceAll(' ', '-')}/client-zone1`;
  await put(directory.path, 'ca/zone1-ca', zone);
  for (const [title, , , make] of cases) await put(directory.path, nameOf(title), await make());

  const { findings } = await verifyPki(directory.path, { clock });
  const accepted = openssl(
    directory.path,
    'ca/zone1-ca',
    'sslclient',
    cases.map(([title]) => nameOf(title)),
  );
  assert.deepEqual(
    cases.map(([title]) => [title, codesOf(findings, nameOf(title)), accepted.get(nameOf(title))]),
    cases.map(([title, ours, openssl]) => [title, ours, openssl === 'accepts']),
  );
});

test('every authority below which OpenSSL refuses a good leaf is refused', async () => {
  await using directory = await temporary();
  const critical = (id: string): Extension => new Extension(id, true, new Uint8Array([0x30, 0]));
  const cases: readonly [...Verdicts, Extensions][] = [
    ['good', [], 'accepts', {}],
    ['with any path length', [], 'accepts', { constraints: new BasicConstraintsExtension(true, undefined, true) }],
    ['not critical', ['extension'], 'refuses', { constraints: new BasicConstraintsExtension(true, 0, false) }],
    ['a leaf', ['not_an_authority'], 'refuses', { constraints: new BasicConstraintsExtension(false, undefined, true) }],
    ['without constraints', ['not_an_authority'], 'refuses', { constraints: undefined }],
    ['without key usage', ['extension'], 'refuses', { usage: undefined }],
    [
      'that may not sign',
      ['extension', 'wrong_authority'],
      'refuses',
      { usage: new KeyUsagesExtension(KeyUsageFlags.cRLSign, true) },
    ],
    ['without key identifier', ['extension'], 'refuses', { subjectKey: undefined }],
    ['with name constraints', ['extension'], 'accepts', { limits: critical('2.5.29.30') }],
    ['with an unknown critical extension', ['extension'], 'refuses', { unknown: critical('1.2.3.4') }],
  ];
  const zoneOf = (title: string): string => title.replaceAll(' ', '-');
  for (const [title, , , changes] of cases) {
    const authority = await authorityWith(`${title}-CA`, changes);
    await put(directory.path, `ca/${zoneOf(title)}-ca`, authority);
    await put(directory.path, `service/client-${zoneOf(title)}`, await clientWith(authority, {}));
  }

  const { findings } = await verifyPki(directory.path, { clock });
  const accepts = (zone: string): boolean =>
    openssl(directory.path, `ca/${zone}-ca`, 'sslclient', [`service/client-${zone}`])
      .values()
      .next().value === true;
  assert.deepEqual(
    cases.map(([title]) => [title, codesOf(findings, `ca/${zoneOf(title)}-ca`), accepts(zoneOf(title))]),
    cases.map(([title, ours, openssl]) => [title, ours, openssl === 'accepts']),
  );
});

test('a certificate with one bit changed is refused by both, wherever it is', async () => {
  await using directory = await temporary();
  const zone = createTestAuthority('zone1-CA');
  const { der, keyPem } = zone.issue({ uris: [SPIFFE_ID] });
  await put(directory.path, 'ca/zone1-ca', zone);
  const nameOf = (position: number): string => `byte-${position}/client-zone1`;
  const mutate = async (position: number, mask: number): Promise<void> => {
    const mutant = Buffer.from(der);
    mutant.writeUInt8(mutant.readUInt8(position) ^ mask, position);
    const lines = mutant.toString('base64').match(/.{1,64}/g) ?? [];
    const certPem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
    await put(directory.path, nameOf(position), { certPem, keyPem });
  };
  const positions = Array.from({ length: Math.floor(der.length / 3) }, (_, index) => index * 3 + 1);
  for (const position of positions) await mutate(position, 1 << (position % 8));
  await mutate(0, 0); // not a mutant: what shows that both would accept
  const { findings } = await verifyPki(directory.path, { clock });
  const names = [0, ...positions].map(nameOf);
  const accepted = openssl(directory.path, 'ca/zone1-ca', 'sslclient', names);
  assert.deepEqual(
    names.filter((name) => codesOf(findings, name).length === 0),
    [nameOf(0)],
  );
  assert.deepEqual(
    names.filter((name) => accepted.get(name)),
    [nameOf(0)],
  );
});
