import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { createTestAuthority } from '../../../../../tests/support/certificates.ts';
import { threeZonesPlan } from '../../../../../tests/support/three-zones-plan.ts';
import { PkiRefused } from './finding.ts';
import { issueBelow } from './issue.ts';
import { readPair, writePair } from './pair-file.ts';
import { type PkiPlan, plannedBranches } from './plan.ts';
import { establishPki } from './tree.ts';
import { verifyPki } from './verify.ts';

const DAY_MS = 86_400_000;
const clockAt = (now: number) => ({ now: () => now, monotonic: () => now });
const clock = clockAt(Date.now());

async function makeTree(changes: Partial<PkiPlan> = {}) {
  const directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-pki-'));
  await establishPki(threeZonesPlan(changes), directory.path, { clock });
  return {
    directory: directory.path,
    file: (name: string): string => path.join(directory.path, name),
    /** One line a finding. */
    verify: async (now = clock.now()): Promise<string[]> => {
      const { findings } = await verifyPki(directory.path, { clock: clockAt(now) });
      return findings.map(({ file, code, message }) => `${file} ${code}: ${message}`);
    },
    [Symbol.asyncDispose]: () => directory.remove(),
  };
}

test('a directory without authorities is refused', async () => {
  await using directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-pki-'));
  await assert.rejects(verifyPki(directory.path, { clock }), PkiRefused);
  await assert.rejects(verifyPki(path.join(directory.path, 'absent'), { clock }), /cannot be listed \(ENOENT\)/);
  await mkdir(path.join(directory.path, 'ca'));
  await assert.rejects(verifyPki(directory.path, { clock }), /holds no certificate authority/);
});

test('SD-01 a client certificate of the caller’s own zone is found, with the reason in words', async () => {
  await using tree = await makeTree();
  await reissue(tree.directory, 'gateway/client-zone2', 'ca/zone1-ca');
  assert.deepEqual(await tree.verify(), [
    'gateway/client-zone2.crt wrong_authority: is signed by zone1-CA; the servers that it is for trust only zone2-CA ' +
      '(ca/zone2-ca.crt), so every handshake fails: a client certificate is signed by the authority of the zone that is called',
  ]);
});

test('a server certificate that another zone signed is found, with the reason in words', async () => {
  await using tree = await makeTree();
  await reissue(tree.directory, 'data-service/server', 'ca/zone2-ca');
  assert.deepEqual(await tree.verify(), [
    'data-service/server.crt wrong_authority: is signed by zone2-CA; the clients of this server trust only zone3-CA ' +
      '(ca/zone3-ca.crt), so every handshake fails: a server certificate is signed by the authority of its own zone',
  ]);
});

test('a name that turns text around is shown, not obeyed', async () => {
  await using tree = await makeTree();
  const { certPem, keyPem } = createTestAuthority('zone1\u202e-CA').issue();
  await writeFile(tree.file('gateway/client-zone2.crt'), certPem);
  await writeFile(tree.file('gateway/client-zone2.key'), keyPem);
  const [finding = ''] = await tree.verify();
  assert.match(finding, /is signed by "zone1\\u202e-CA"; the servers/);
});

const defects: readonly [string, (file: (name: string) => string) => Promise<unknown>, RegExp][] = [
  ['a key that others can read', (file) => chmod(file('gateway/server.key'), 0o644), /^gateway\/server.key key_mode/],
  [
    'a key of another certificate',
    (file) => copyFile(file('gateway/client-zone2.key'), file('gateway/server.key')),
    /^gateway\/server.key key_mismatch/,
  ],
  ['a key that is missing', (file) => rm(file('gateway/server.key')), /^gateway\/server.key missing/],
  ['a key without certificate', (file) => rm(file('gateway/server.crt')), /^gateway\/server.crt missing/],
  ['a key that is damaged', (file) => writeFile(file('gateway/server.key'), '-'), /^gateway\/server.key unreadable/],
  ['a file that is far too large', (file) => writeFile(file('gateway/server.crt'), '-'.repeat(70_000)), /larger than/],
  ['two certificates in one file', appendTwice, /^gateway\/server.crt unreadable: holds 2 PEM certificates/],
  [
    'a directory where a file belongs',
    replaceByDirectory,
    /^gateway\/server.crt unreadable: cannot be read \(EISDIR\)/,
  ],
  [
    'an authority that is missing',
    (file) => rm(file('ca/zone3-ca.crt')).then(() => rm(file('ca/zone3-ca.key'))),
    /^ca\/zone3-ca.crt missing: is missing or not usable, so data-service\/server.crt has nobody to vouch for it/m,
  ],
  [
    'a leaf in the place of an authority',
    (file) => copyFile(file('data-service/server.crt'), file('ca/zone3-ca.crt')),
    /^ca\/zone3-ca.crt not_an_authority/m,
  ],
];
for (const [title, damage, finding] of defects) {
  test(`${title} is found`, async () => {
    await using tree = await makeTree();
    await damage(tree.file);
    assert.match((await tree.verify()).join('\n'), finding);
  });
}

test('certificates of a day are found a day later, all of them', async () => {
  await using tree = await makeTree({ validForMs: DAY_MS });
  assert.deepEqual(await tree.verify(), []);
  const findings = await tree.verify(clock.now() + DAY_MS + 1000);
  assert.equal(findings.length, 12);
  for (const finding of findings) assert.match(finding, /expired: expired on /);
});

test('the tree that is made has no findings, also for openssl verify -x509_strict', async () => {
  await using tree = await makeTree();
  const { paths, findings } = await verifyPki(tree.directory, { clock });
  assert.deepEqual(findings, []);
  assert.equal(paths.length, 12);
  const chains = [
    ['zone1', 'sslserver', 'gateway/server'],
    ['zone2', 'sslclient', 'gateway/client-zone2'],
    ['zone2', 'sslserver', 'order-service/server', 'payment-service/server'],
    ['zone3', 'sslclient', 'order-service/client-zone3', 'payment-service/client-zone3'],
    ['zone3', 'sslserver', 'data-service/server'],
    ['keycloak', 'sslserver', 'keycloak/server'],
  ] as const;
  for (const [zone, purpose, ...leaves] of chains) {
    const options = ['-x509_strict', '-auth_level', '2', '-purpose', purpose, '-CAfile', `ca/${zone}-ca.crt`];
    const files = [`ca/${zone}-ca`, ...leaves].map((name) => `${name}.crt`);
    const output = execFileSync('openssl', ['verify', ...options, ...files.slice(1)], { cwd: tree.directory });
    assert.deepEqual(
      output.toString().trim().split('\n'),
      files.slice(1).map((file) => `${file}: OK`),
    );
  }
});

const ROOT = path.join(import.meta.dirname, '../../../../..');
const SCRIPT = path.join(ROOT, '../shared/seeds/003/generate-certs.sh');
const seed = { skip: !existsSync(SCRIPT) && process.env['CI'] !== 'true' && 'no ../shared here' };

test('SD-04 the script of the seed fails without its folders, and what it makes names nobody', seed, async () => {
  await using directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-pki-'));
  // Other keys, for the time that ten RSA keys take; nothing else is changed.
  const script = (await readFile(SCRIPT, 'utf8')).replaceAll(
    /openssl genrsa -out (\S+) \d+/g,
    'openssl ecparam -name prime256v1 -genkey -noout -out $1',
  );
  const run = () => spawnSync('bash', ['-e', '-c', script], { cwd: directory.path });
  assert.notEqual(run().status, 0);
  for (const folder of ['ca', 'gateway', 'order-service', 'payment-service', 'data-service']) {
    await mkdir(path.join(directory.path, folder));
  }
  assert.equal(run().status, 0);
  const { paths, findings } = await verifyPki(directory.path, { clock: clockAt(Date.now()) });
  assert.equal(paths.length, 10);
  for (const leaf of paths.filter((name) => !name.startsWith('ca/'))) {
    const codes = findings.filter(({ file }) => file === `${leaf}.crt`).map(({ code }) => code);
    assert.ok(codes.includes('version') || codes.includes('purpose'), `${leaf}: ${codes.join()}`);
  }
});

/** The same request and key, signed by another authority. */
async function reissue(directory: string, name: string, authorityName: string): Promise<void> {
  const branches = plannedBranches(threeZonesPlan());
  const planned = branches.flatMap(({ leaves }) => leaves).find((leaf) => leaf.path === name);
  const [authority, leaf] = [await readPair(directory, authorityName), await readPair(directory, name)];
  assert.ok(planned && authority.certificate && authority.privateKey && leaf.privateKey);
  const issuer = { certificate: authority.certificate.certificate, privateKey: authority.privateKey };
  const certificate = await issueBelow(planned.request, leaf.privateKey, issuer, clock.now());
  await writePair(directory, name, { certificate, privateKey: leaf.privateKey });
}

async function appendTwice(file: (name: string) => string): Promise<void> {
  const pem = await readFile(file('gateway/server.crt'), 'utf8');
  await writeFile(file('gateway/server.crt'), pem + pem);
}

async function replaceByDirectory(file: (name: string) => string): Promise<void> {
  await rm(file('gateway/server.crt'));
  await mkdir(file('gateway/server.crt'));
}
