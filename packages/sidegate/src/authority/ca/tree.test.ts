import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { threeZonesPlan } from '../../../../../tests/support/three-zones-plan.ts';
import { PkiRefused } from './finding.ts';
import { establishPki } from './tree.ts';

const NOW = Date.UTC(2026, 10, 22);
const clock = { now: () => NOW, monotonic: () => NOW };
const temporary = () => mkdtempDisposable(join(tmpdir(), 'sidegate-pki-'));

const files = async (directory: string): Promise<string[]> =>
  (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();

test('a plan that cannot be carried out is refused with every reason and writes nothing', async () => {
  await using directory = await temporary();
  const plan = threeZonesPlan({ organization: 'My\r\nOrg', zones: ['zone1', 'zone2'] });
  await assert.rejects(establishPki(plan, directory.path, { clock }), (error) => {
    assert.ok(error instanceof PkiRefused);
    const messages = error.findings.map(({ message }) => message).join('\n');
    assert.match(messages, /the organization "My\\r\\nOrg" has a control character/);
    assert.match(messages, /data-service names the zone "zone3", which is not one of the plan/);
    return true;
  });
  assert.deepEqual(await files(directory.path), []);
});

test('a damaged authority is refused with advice, and nothing below it or beside it is touched', async () => {
  await using directory = await temporary();
  const plan = threeZonesPlan();
  await establishPki(plan, directory.path, { clock });
  await writeFile(join(directory.path, 'ca/zone2-ca.crt'), 'garbage');
  await rm(join(directory.path, 'data-service/server.crt'));
  const before = await files(directory.path);
  await assert.rejects(establishPki(plan, directory.path, { clock }), (error) => {
    assert.ok(error instanceof PkiRefused);
    assert.deepEqual(
      error.findings.map(({ file }) => file),
      ['ca/zone2-ca.crt'],
    );
    assert.match(error.message, /bring the right file back, or renew every certificate with --force/);
    return true;
  });
  assert.deepEqual(await files(directory.path), before);
});

test('S3-120 S3-121 S3-122 S3-123 S3-124 the tree of the seed is made, with the identity provider beside it', async () => {
  await using directory = await temporary();
  const entries = await establishPki(threeZonesPlan(), directory.path, { clock });
  assert.ok(entries.every(({ action }) => action === 'created'));
  assert.deepEqual(await files(directory.path), [
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
});
