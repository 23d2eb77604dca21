import assert from 'node:assert/strict';
import { test } from 'node:test';
import { threeZonesPlan } from '../../../../../tests/support/three-zones-plan.ts';
import { type PkiPlan, type PlannedService, plannedBranches, planProblems } from './plan.ts';

const gateway: PlannedService = {
  directory: 'gateway',
  name: 'api-gateway',
  zone: 'zone1',
  hosts: ['api-gateway.zone1.local'],
  addresses: [],
  callsZones: [],
};
const withServices = (...services: readonly PlannedService[]): PkiPlan => threeZonesPlan({ services });

const refused: readonly [string, PkiPlan, RegExp][] = [
  [
    'a directory outside the tree',
    withServices({ ...gateway, directory: '../gateway' }),
    /"..\/gateway" is not a name/,
  ],
  ['a directory in another case', withServices({ ...gateway, directory: 'Gateway' }), /"Gateway" is not a name/],
  ['the directory of the authorities', withServices({ ...gateway, directory: 'ca' }), /belongs to the authorities/],
  ['a service name twice', withServices(gateway, { ...gateway, directory: 'b' }), /share the name "api-gateway"/],
  ['a directory twice', withServices(gateway, { ...gateway, name: 'b' }), /share the directory "gateway"/],
  [
    'the directory of the identity provider',
    withServices({ ...gateway, directory: 'keycloak' }),
    /share the directory/,
  ],
  ['a zone that is not planned', withServices({ ...gateway, zone: 'zone9' }), /names the zone "zone9"/],
  ['a called zone that is not planned', withServices({ ...gateway, callsZones: ['zone9'] }), /names the zone "zone9"/],
  ['an empty host', withServices({ ...gateway, hosts: [''] }), /common name "" is empty/],
  ['a host with a line break', withServices({ ...gateway, hosts: ['a\r\nb'] }), /control character/],
  ['a service name that is no DNS name', withServices({ ...gateway, name: 'api gateway' }), /not a DNS name/],
  ['a trust domain with a path', threeZonesPlan({ trustDomain: 'example.org/x?' }), /no SPIFFE ID/],
  ['a zone twice', threeZonesPlan({ zones: ['zone1', 'zone1', 'zone2', 'zone3'] }), /share the name "zone1"/],
];
for (const [title, plan, reason] of refused) {
  test(`${title} is refused`, () => assert.match(planProblems(plan).join('\n'), reason));
}

const requests = new Map(
  plannedBranches(threeZonesPlan()).flatMap(({ authority, leaves }) =>
    [authority, ...leaves].map(({ path, request }) => [path, { ...request, signer: authority.path }] as const),
  ),
);

test('the three zones are a plan that can be carried out', () => {
  assert.deepEqual(planProblems(threeZonesPlan()), []);
});

test('S3-017 every zone has its own authority', () => {
  for (const zone of ['zone1', 'zone2', 'zone3']) {
    const authority = requests.get(`ca/${zone}-ca`);
    assert.equal(authority?.profile, 'zone-ca');
    assert.equal(authority?.commonName, `${zone}-CA`);
  }
});

test('S3-018 SD-01 client certificates are signed by the zone that is called, server certificates by their own', () => {
  const signers = [
    ['gateway/server', 'ca/zone1-ca'],
    ['gateway/client-zone2', 'ca/zone2-ca'],
    ['order-service/server', 'ca/zone2-ca'],
    ['order-service/client-zone3', 'ca/zone3-ca'],
    ['payment-service/server', 'ca/zone2-ca'],
    ['payment-service/client-zone3', 'ca/zone3-ca'],
    ['data-service/server', 'ca/zone3-ca'],
    ['keycloak/server', 'ca/keycloak-ca'],
  ] as const;
  for (const [path, signer] of signers) assert.equal(requests.get(path)?.signer, signer, path);
  assert.equal(requests.size, signers.length + 4);
});

test('S3-128 server certificates have the names of the three zones', () => {
  const hosts = [
    ['gateway', 'api-gateway.zone1.local'],
    ['order-service', 'order-service.zone2.local'],
    ['payment-service', 'payment-service.zone2.local'],
    ['data-service', 'data-service.zone3.local'],
  ] as const;
  for (const [directory, host] of hosts) {
    const server = requests.get(`${directory}/server`);
    assert.equal(server?.commonName, host);
    assert.deepEqual(server?.dnsNames, [host, host.split('.')[0], 'localhost']);
    assert.deepEqual(server?.ipAddresses, ['127.0.0.1', '::1', '127.0.1.1']);
  }
});

test('S3-129 SD-02 a client is <service>-client, with the SPIFFE ID of its own zone', () => {
  const clients = [
    ['gateway/client-zone2', 'api-gateway-client', 'spiffe://example.org/zone1/api-gateway'],
    ['order-service/client-zone3', 'order-service-client', 'spiffe://example.org/zone2/order-service'],
    ['payment-service/client-zone3', 'payment-service-client', 'spiffe://example.org/zone2/payment-service'],
  ] as const;
  for (const [path, commonName, spiffeId] of clients) {
    assert.equal(requests.get(path)?.commonName, commonName);
    assert.deepEqual(requests.get(path)?.spiffeIds, [spiffeId]);
  }
});
