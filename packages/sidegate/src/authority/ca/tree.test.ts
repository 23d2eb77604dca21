import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, copyFile, mkdtempDisposable, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { readCertificate } from '@sidegate/sdk';
import { threeZonesPlan } from '../../../../../tests/support/three-zones-plan.ts';
import { PkiRefused } from './finding.ts';
import { keyKind } from './key-algorithm.ts';
import type { PkiPlan } from './plan.ts';
import { establishPki, type PkiEntry } from './tree.ts';

const NOW = Date.UTC(2026, 10, 22);
const DAY_MS = 86_400_000;
const clockAt = (now: number) => ({ now: () => now, monotonic: () => now });

/** A directory with the certificates of the three zones, and what tests do with it. */
async function makeTree(changes: Partial<PkiPlan> = {}) {
  const directory = await mkdtempDisposable(path.join(tmpdir(), 'sidegate-pki-'));
  const plan = threeZonesPlan(changes);
  const file = (name: string): string => path.join(directory.path, name);
  const establish = (options: { readonly now?: number; readonly force?: boolean; readonly plan?: PkiPlan } = {}) =>
    establishPki(options.plan ?? plan, directory.path, {
      clock: clockAt(options.now ?? NOW),
      force: options.force === true,
    });
  return {
    file,
    establish,
    created: await establish(),
    certificate: async (name: string) => new X509Certificate(await readFile(file(name))),
    files: () => filesOf(directory.path),
    [Symbol.asyncDispose]: () => directory.remove(),
  };
}

/** Name → content, so that two states of a tree can be compared. */
async function filesOf(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const read = files.map(async (file) => [path.relative(directory, file), await readFile(file, 'latin1')] as const);
  return Object.fromEntries((await Promise.all(read)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const changed = (entries: readonly PkiEntry[]): string[] =>
  entries.filter(({ action }) => action !== 'kept').map(({ path, action }) => `${action} ${path}`);

async function refusal(attempt: Promise<unknown>): Promise<PkiRefused> {
  try {
    await attempt;
  } catch (error) {
    assert.ok(error instanceof PkiRefused);
    return error;
  }
  throw new assert.AssertionError({ message: 'nothing was refused' });
}

test('a plan that cannot be carried out is refused with every reason and writes nothing', async () => {
  await using tree = await makeTree();
  const before = await tree.files();
  const plan = threeZonesPlan({ organization: 'My\r\nOrg', zones: ['zone1', 'zone2'] });
  const { message } = await refusal(tree.establish({ plan, force: true }));
  assert.match(message, /the organization "My\\r\\nOrg" has a control character/);
  assert.match(message, /data-service names the zone "zone3", which is not one of the plan/);
  assert.deepEqual(await tree.files(), before);
});

const damages: readonly [string, (file: (name: string) => string) => Promise<unknown>, number, RegExp][] = [
  ['is no certificate', (file) => writeFile(file('ca/zone2-ca.crt'), 'x'), NOW, /zone2-ca.crt: holds 0 PEM cert/],
  ['is a leaf', (file) => copyFile(file('gateway/server.crt'), file('ca/zone2-ca.crt')), NOW, /no CA:TRUE/],
  ['is another zone’s', (file) => copyFile(file('ca/zone1-ca.crt'), file('ca/zone2-ca.crt')), NOW, /CN=zone1-CA/],
  ['has expired', () => Promise.resolve(), NOW + 366 * DAY_MS, /zone2-ca.crt: expired on 2027-11-22 00:00:00 UTC/],
  ['has another key', (file) => copyFile(file('ca/zone1-ca.key'), file('ca/zone2-ca.key')), NOW, /is not the key of/],
  ['has a damaged key', (file) => writeFile(file('ca/zone2-ca.key'), 'x', { mode: 0o600 }), NOW, /not an unencrypted/],
  ['has a key that others can read', (file) => chmod(file('ca/zone2-ca.key'), 0o644), NOW, /\(mode 0644\)/],
];
for (const [title, damage, now, reason] of damages) {
  test(`an authority that ${title} is refused with advice, and nothing is written anywhere`, async () => {
    await using tree = await makeTree();
    await damage(tree.file);
    await rm(tree.file('gateway/client-zone2.crt'));
    const before = await tree.files();
    const { message } = await refusal(tree.establish({ now }));
    assert.match(message, reason);
    assert.match(message, /bring the right file back, or renew every certificate with --force/);
    assert.deepEqual(await tree.files(), before);
  });
}

test('an authority without key is refused as soon as it has to sign', async () => {
  await using tree = await makeTree();
  await rm(tree.file('ca/zone3-ca.key'));
  assert.deepEqual(changed(await tree.establish()), []);
  await rm(tree.file('data-service/server.crt'));
  const { message } = await refusal(tree.establish());
  assert.match(message, /^ca\/zone3-ca.key: is missing, and it has to sign data-service\/server.crt; bring/);
});

test('a message about a damaged key has nothing of the key', async () => {
  await using tree = await makeTree();
  const pem = await readFile(tree.file('ca/zone2-ca.key'), 'utf8');
  await writeFile(tree.file('ca/zone2-ca.key'), pem.replace('-----END', 'X-----END'));
  const { message } = await refusal(tree.establish());
  for (const line of pem.split('\n').filter((text) => !text.startsWith('-----') && text !== '')) {
    assert.equal(message.includes(line.slice(0, 16)), false);
  }
});

test('S3-120 S3-121 S3-122 S3-123 S3-124 the tree of the seed is made, with the identity provider beside it', async () => {
  await using tree = await makeTree();
  assert.deepEqual(Object.keys(await tree.files()), [
    '.lock',
    'ca/keycloak-ca.crt',
    'ca/keycloak-ca.key',
    'ca/zone1-ca.crt',
    'ca/zone1-ca.key',
    'ca/zone2-ca.crt',
    'ca/zone2-ca.key',
    'ca/zone3-ca.crt',
    'ca/zone3-ca.key',
    'data-service/server.crt',
    'data-service/server.key',
    'gateway/client-zone2.crt',
    'gateway/client-zone2.key',
    'gateway/server.crt',
    'gateway/server.key',
    'keycloak/server.crt',
    'keycloak/server.key',
    'order-service/client-zone3.crt',
    'order-service/client-zone3.key',
    'order-service/server.crt',
    'order-service/server.key',
    'payment-service/client-zone3.crt',
    'payment-service/client-zone3.key',
    'payment-service/server.crt',
    'payment-service/server.key',
  ]);
  assert.equal(tree.created.length, 12);
  assert.ok(tree.created.every(({ action }) => action === 'created'));
});

test('S3-125 S3-126 S3-127 RSA-4096 authorities and RSA-2048 leaves, SHA-256 and 365 days, as in the seed', async () => {
  await using tree = await makeTree({
    keyAlgorithm: 'RSA-4096',
    zones: ['zone1', 'zone2'],
    services: threeZonesPlan().services.filter(({ directory }) => directory === 'gateway'),
    extraAuthorities: [],
  });
  const expected = [
    ['ca/zone1-ca.crt', 'CN=zone1-CA\nO=MyOrg', 'zone1-CA', 4096],
    ['ca/zone2-ca.crt', 'CN=zone2-CA\nO=MyOrg', 'zone2-CA', 4096],
    ['gateway/server.crt', 'CN=api-gateway.zone1.local\nO=MyOrg', 'zone1-CA', 2048],
    ['gateway/client-zone2.crt', 'CN=api-gateway-client\nO=MyOrg', 'zone2-CA', 2048],
  ] as const;
  for (const [file, subject, issuer, bits] of expected) {
    const certificate = await tree.certificate(file);
    assert.equal(certificate.subject, subject);
    assert.equal(certificate.issuer, `CN=${issuer}\nO=MyOrg`);
    assert.equal(keyKind(certificate.publicKey), `RSA-${bits}`);
    assert.equal(certificate.validToDate.getTime(), NOW + 365 * DAY_MS);
    assert.equal(readCertificate(certificate.raw).signatureAlgorithm, '1.2.840.113549.1.1.11');
  }
  assert.equal(await stat(tree.file('data-service')).catch(() => 'absent'), 'absent');
});

test('S3-130 the folders are made, keys are for their owner only, and names, purpose and key usage are set', async () => {
  await using tree = await makeTree();
  for (const file of Object.keys(await tree.files()).filter((name) => name !== '.lock')) {
    const { mode } = await stat(tree.file(file));
    assert.equal(mode & 0o777, file.endsWith('.key') ? 0o600 : 0o644, file);
    assert.equal((await stat(path.dirname(tree.file(file)))).mode & 0o777, 0o700);
  }
  const server = readCertificate((await tree.certificate('order-service/server.crt')).raw);
  assert.deepEqual(
    server.subjectAltNames.map(({ value }) => value),
    [
      'order-service.zone2.local',
      'order-service',
      'localhost',
      '127.0.0.1',
      '0:0:0:0:0:0:0:1',
      '127.0.1.1',
      'spiffe://example.org/zone2/order-service',
    ],
  );
  assert.deepEqual([...(server.keyUsage ?? [])], ['digitalSignature']);
  assert.deepEqual(server.extendedKeyUsage, ['1.3.6.1.5.5.7.3.1']);
});

test('S3-130 a second run keeps every file as it is', async () => {
  await using tree = await makeTree();
  const before = await tree.files();
  assert.deepEqual(changed(await tree.establish({ now: NOW + DAY_MS })), []);
  assert.deepEqual(await tree.files(), before);
});

const mendings: readonly [string, (file: (name: string) => string) => Promise<unknown>, string, RegExp][] = [
  ['is missing', (file) => rm(file('gateway/server.crt')), 'renewed gateway/server', /server.crt: is missing/],
  ['lost its key', (file) => rm(file('gateway/server.key')), 'renewed gateway/server', /server.key: is missing/],
  ['is damaged', (file) => writeFile(file('gateway/server.crt'), 'x'), 'renewed gateway/server', /0 PEM certificates/],
  [
    'has a key that others can read',
    (file) => chmod(file('gateway/server.key'), 0o640),
    'renewed gateway/server',
    /0640/,
  ],
  [
    'has the key of another',
    (file) => copyFile(file('gateway/client-zone2.key'), file('gateway/server.key')),
    'renewed gateway/server',
    /is not the key of/,
  ],
  [
    'is another service’s',
    async (file) => {
      await copyFile(file('order-service/server.crt'), file('payment-service/server.crt'));
      await copyFile(file('order-service/server.key'), file('payment-service/server.key'));
    },
    'renewed payment-service/server',
    /has the subject CN=order-service.zone2.local/,
  ],
];
for (const [title, damage, action, reason] of mendings) {
  test(`a leaf that ${title} is made again, and nothing else`, async () => {
    await using tree = await makeTree();
    await damage(tree.file);
    const entries = await tree.establish();
    assert.deepEqual(changed(entries), [action]);
    assert.match(entries.flatMap(({ reasons }) => reasons).join('\n'), reason);
    assert.deepEqual(changed(await tree.establish()), []);
  });
}

test('leaves that have expired are made again below an authority that has not', async () => {
  await using tree = await makeTree();
  const short = threeZonesPlan({ validForMs: DAY_MS });
  await rm(tree.file('gateway'), { recursive: true });
  assert.deepEqual(changed(await tree.establish({ plan: short })), [
    'created gateway/server',
    'created gateway/client-zone2',
  ]);
  const entries = await tree.establish({ now: NOW + 2 * DAY_MS });
  assert.deepEqual(changed(entries), ['renewed gateway/server', 'renewed gateway/client-zone2']);
  assert.match(entries.flatMap(({ reasons }) => reasons).join(), /expired on 2026-11-23 00:00:00 UTC/);
});

test('a name that the plan gains or loses renews the leaf that carries it', async () => {
  await using tree = await makeTree();
  const [gateway, ...others] = threeZonesPlan().services;
  assert.ok(gateway);
  const plan = threeZonesPlan({ services: [{ ...gateway, addresses: ['127.0.9.9'] }, ...others] });
  const entries = await tree.establish({ plan });
  assert.deepEqual(changed(entries), ['renewed gateway/server']);
  const reasons = entries.flatMap((entry) => entry.reasons).join('\n');
  assert.match(reasons, /lacks ip:127.0.9.9/);
  assert.match(reasons, /has ip:127.0.1.1, not in the plan/);
});

test('an authority that has gone is made again, and so is all that it signed', async () => {
  await using tree = await makeTree();
  await rm(tree.file('ca/zone3-ca.crt'));
  await rm(tree.file('ca/zone3-ca.key'));
  assert.deepEqual(changed(await tree.establish()), [
    'created ca/zone3-ca',
    'renewed order-service/client-zone3',
    'renewed payment-service/client-zone3',
    'renewed data-service/server',
  ]);
});

test('a run that ended between an authority’s key and its certificate is completed with that key', async () => {
  await using tree = await makeTree();
  const key = createPrivateKey(await readFile(tree.file('ca/zone1-ca.key')));
  await rm(tree.file('ca/zone1-ca.crt'));
  assert.deepEqual(changed(await tree.establish()), ['created ca/zone1-ca', 'renewed gateway/server']);
  assert.ok((await tree.certificate('ca/zone1-ca.crt')).checkPrivateKey(key));
});

test('what an interrupted run left unfinished is gone when the next one has ended', async () => {
  await using tree = await makeTree();
  await rename(tree.file('gateway/server.crt'), tree.file('gateway/server.crt.tmp'));
  await writeFile(tree.file('gateway/server.key.tmp'), 'half a ke');
  assert.deepEqual(changed(await tree.establish()), ['renewed gateway/server']);
  assert.deepEqual(
    Object.keys(await tree.files()).filter((file) => file.endsWith('.tmp')),
    [],
  );
});

test('--force renews everything, also what is damaged', async () => {
  await using tree = await makeTree();
  const before = await tree.files();
  await writeFile(tree.file('ca/zone2-ca.crt'), 'x');
  const entries = await tree.establish({ force: true });
  assert.equal(entries.filter(({ action }) => action === 'kept').length, 0);
  const after = await tree.files();
  for (const file of Object.keys(before).filter((name) => name !== '.lock')) assert.notEqual(after[file], before[file]);
  assert.deepEqual(changed(await tree.establish()), []);
});

test('two runs at the same time follow each other and end with one consistent tree', async () => {
  await using tree = await makeTree();
  await rm(tree.file('ca'), { recursive: true });
  const runs = await Promise.all([tree.establish(), tree.establish(), tree.establish()]);
  const counts = runs.map((entries) => changed(entries).length).sort((a, b) => a - b);
  assert.deepEqual(counts, [0, 0, 12]);
  assert.deepEqual(changed(await tree.establish()), []);
});

test('a place that cannot be written is refused', async () => {
  await using tree = await makeTree();
  await rm(tree.file('gateway'), { recursive: true });
  await writeFile(tree.file('gateway'), 'a file where a folder belongs');
  assert.match((await refusal(tree.establish())).message, /^gateway\/(?:server|client-zone2).crt: cannot be written/);
  const below = establishPki(threeZonesPlan(), tree.file('gateway/certs'), { clock: clockAt(NOW) });
  assert.match((await refusal(below)).message, /gateway\/certs: cannot be written \(ENOTDIR\)/);
});
