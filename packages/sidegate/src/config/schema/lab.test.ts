import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderDiagnostic } from '../diagnostic.ts';
import { loadLabConfig } from '../load.ts';

const SERVICE = '{name: a, directory: a, config: a.yaml, zone: zone1, host: a.zone1.local}';
const FILE = `hosts: {idp.example: 127.0.0.2, a.zone1.local: 127.0.0.3}
identity_provider: {host: idp.example, realms: [users.json]}
services: [${SERVICE}]
`;

function findings(text: string): string[] {
  const loaded = loadLabConfig(text, { file: 'lab.yaml', env: {}, readFile: String });
  return loaded.ok ? [] : loaded.diagnostics.map(renderDiagnostic);
}

for (const [title, text, expected] of [
  [
    'a host without address',
    FILE.replace('a.zone1.local: 127.0.0.3', 'b.local: 127.0.0.3'),
    ['lab.yaml:3:71: error: services[0].host: has no address (add it to hosts)'],
  ],
  [
    'an identity provider without address',
    FILE.replace('idp.example: 127.0.0.2, ', ''),
    ['lab.yaml:2:27: error: identity_provider.host: has no address (add it to hosts)'],
  ],
  [
    'an address that other machines have',
    FILE.replace('127.0.0.3', '10.0.0.3'),
    ['lab.yaml:1:48: error: hosts."a.zone1.local": is not a loopback address (for example 127.0.0.1, ::1)'],
  ],
  [
    'a zone that nobody is in',
    FILE.replace('zone: zone1', 'zone: zone1, calls_zone: zone9'),
    ['lab.yaml:3:77: error: services[0].calls_zone: no service is in this zone (the zones are zone1)'],
  ],
  [
    'two services with one name, folder and host',
    FILE.replace(SERVICE, `${SERVICE}, ${SERVICE}`),
    [
      'lab.yaml:3:94: error: services[1].name: is the same as services[0].name',
      'lab.yaml:3:108: error: services[1].directory: is the same as services[0].directory',
      'lab.yaml:3:146: error: services[1].host: is the same as services[0].host',
    ],
  ],
  [
    'a host that is the name of a method',
    FILE.replace('host: a.zone1.local', 'host: constructor'),
    ['lab.yaml:3:71: error: services[0].host: has no address (add it to hosts)'],
  ],
  ['no services', FILE.replace(SERVICE, ''), ['lab.yaml:3:11: error: services: must not be empty']],
  [
    'an unknown key of a service',
    FILE.replace('zone: zone1', 'zone: zone1, call_zone: zone1'),
    ['lab.yaml:3:65: error: services[0].call_zone: is an unknown key (did you mean calls_zone?)'],
  ],
  [
    'a key algorithm that is too weak',
    `certificates: {key_algorithm: RSA-1024}\n${FILE}`,
    ['lab.yaml:1:31: error: certificates.key_algorithm: must be P-256 or RSA-2048 or RSA-4096'],
  ],
] as const) {
  test(`a lab with ${title} is refused`, () => {
    assert.deepEqual(findings(text), expected);
  });
}

test('a lab has defaults for everything but its hosts, services and realms', () => {
  const loaded = loadLabConfig(FILE, { file: 'lab.yaml', env: {}, readFile: String });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.config, {
    root: '.lab',
    trust_domain: 'example.org',
    organization: 'MyOrg',
    certificates: { key_algorithm: 'P-256', valid_for: 31_536_000_000 },
    hosts: { 'idp.example': '127.0.0.2', 'a.zone1.local': '127.0.0.3' },
    identity_provider: { host: 'idp.example', realms: ['users.json'] },
    services: [{ name: 'a', directory: 'a', config: 'a.yaml', zone: 'zone1', host: 'a.zone1.local', secrets: {} }],
    users: [],
  });
});

test('the lab of the three zones loads', () => {
  const file = new URL('../../../../../examples/three-zones/lab.yaml', import.meta.url);
  assert.deepEqual(findings(readFileSync(file, 'utf8')), []);
});
