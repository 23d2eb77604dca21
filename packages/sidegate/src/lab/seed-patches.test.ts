import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { type AppliedPatch, applySeedPatches, type SeedMaterial } from './seed-patches.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const SEED = join(ROOT, '../shared/seeds/003');
const OWN = join(ROOT, 'examples/three-zones');
const seed = { skip: !existsSync(SEED) && process.env['CI'] !== 'true' && 'no ../shared here' };

const zones = { gateway: 'zone1', 'order-service': 'zone2', 'payment-service': 'zone2', 'data-service': 'zone3' };

function material(directory: string): SeedMaterial {
  const read = (...path: string[]): string => readFileSync(join(directory, ...path), 'utf8');
  const services = Object.entries(zones).map(([file, zone]) => {
    const name = file === 'gateway' ? 'api-gateway' : file;
    const next = { zone1: 'zone2', zone2: 'zone3' }[zone];
    const calls = next === undefined ? {} : { callsZone: next };
    return { name, config: `${file}.yaml`, zone, ...calls };
  });
  const names = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isFile());
  return {
    configs: new Map(services.map(({ name, config }) => [name, parseDocument(read(config))])),
    policies: new Map(readdirSync(join(directory, 'policies')).map((name) => [name, read('policies', name)])),
    files: new Map(names.map(({ name }) => [name, read(name)])),
    services,
    trustDomain: 'example.org',
    userClients: ['web-app'],
  };
}

const rows = (patches: readonly AppliedPatch[], how: AppliedPatch['how']): string[] =>
  [...new Set(patches.filter((patch) => patch.how === how).map(({ id, file }) => `${id} ${file}`))].sort();

test('our own files need no correction', () => {
  const own = material(OWN);
  const before = [...own.configs.values(), ...own.policies.values()].map(String);
  assert.deepEqual(rows(applySeedPatches(own), 'patched'), []);
  assert.deepEqual([...own.configs.values(), ...own.policies.values()].map(String), before);
});

test("the seed's files need exactly these", seed, () => {
  const patches = applySeedPatches(material(SEED));
  assert.deepEqual(rows(patches, 'patched'), [
    'SD-01 data-service.yaml',
    'SD-01 order-service.yaml',
    'SD-01 payment-service.yaml',
    'SD-05 data-service.yaml',
    'SD-05 order-service.yaml',
    'SD-05 payment-service.yaml',
    'SD-05 policies/dataservice.rego',
    'SD-06 policies/dataservice.rego',
    'SD-07 policies/dataservice.rego',
    'SD-08 policies/dataservice.rego',
    'SD-08 policies/gateway.rego',
    'SD-08 policies/order.rego',
    'SD-08 policies/payment.rego',
    'SD-10 data-service.yaml',
    'SD-10 gateway.yaml',
    'SD-10 order-service.yaml',
    'SD-10 payment-service.yaml',
    'SD-13 policies/dataservice.rego',
  ]);
  assert.deepEqual(rows(patches, 'built in'), [
    'SD-02 generate-certs.sh',
    'SD-03 data-service.yaml',
    'SD-03 order-service.yaml',
    'SD-03 payment-service.yaml',
    'SD-04 generate-certs.sh',
    'SD-09 gateway.yaml, order-service.yaml, payment-service.yaml',
    'SD-11 data-service.yaml',
    'SD-12 realm-services.json, service-account-roles.json',
    'SD-14 realm-services.json, service-account-roles.json',
  ]);
});

test('a second run finds nothing left to patch', seed, () => {
  const material003 = material(SEED);
  applySeedPatches(material003);
  assert.deepEqual(rows(applySeedPatches(material003), 'patched'), []);
});

const corrected: readonly (readonly [string, string, readonly (string | number)[], unknown])[] = [
  ['SD-01', 'order-service', ['http', 'tls', 'client_ca_file'], '/etc/certs/ca/zone2-ca.crt'],
  ['SD-01', 'data-service', ['http', 'tls', 'client_ca_file'], '/etc/certs/ca/zone3-ca.crt'],
  ['SD-05', 'order-service', ['identities', 'spiffe://example.org/zone1/api-gateway', 'may_forward', 0], 'web-app'],
  ['SD-05', 'data-service', ['identities', 'spiffe://example.org/zone2/order-service'], 'order-service'],
  ['SD-10', 'api-gateway', ['proxy', 'routes', 0, 'strip_prefix'], '/api/v1'],
  ['SD-10', 'api-gateway', ['proxy', 'routes', 1, 'strip_prefix'], '/api/v1'],
  ['SD-10', 'order-service', ['proxy', 'upstream', 'url'], 'http://127.0.0.1:3000'],
  ['SD-10', 'payment-service', ['egress', 'addr'], '127.0.0.1:8080'],
];
for (const [id, service, path, expected] of corrected) {
  test(`${id} in the seed's ${service}, ${path.join('.')} becomes ${String(expected)}`, seed, () => {
    const { configs, ...rest } = material(SEED);
    assert.notEqual(configs.get(service)?.getIn(path), expected);
    applySeedPatches({ configs, ...rest });
    assert.equal(configs.get(service)?.getIn(path), expected);
  });
}

test('comments of the author survive', seed, () => {
  const { configs, ...rest } = material(SEED);
  applySeedPatches({ configs, ...rest });
  assert.match(String(configs.get('order-service')), /# === INGRESS: Validate mTLS \+ User JWT ===/);
});
