import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  applyProfile,
  type CertificateRequest,
  type IssuerFacts,
  requestProblems,
  templateProblems,
} from './profile.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const DAY_MS = 86_400_000;
const base = {
  organization: 'MyOrg',
  validForMs: 365 * DAY_MS,
  dnsNames: [],
  ipAddresses: [],
  spiffeIds: [],
} as const;
const client: CertificateRequest = {
  ...base,
  profile: 'client',
  commonName: 'api-gateway-client',
  spiffeIds: ['spiffe://example.org/zone1/api-gateway'],
};
const server: CertificateRequest = { ...base, profile: 'server', commonName: 'a.local', dnsNames: ['a.local'] };
const authority: CertificateRequest = { ...base, profile: 'zone-ca', commonName: 'zone1-CA' };

const svid: CertificateRequest = { ...client, profile: 'svid', commonName: 'order-service' };
const root: CertificateRequest = { ...authority, profile: 'root' };
const nameConstraints = { dnsDomains: ['zone2.local'], ipRanges: [], trustDomains: ['example.org'] };
const intermediate: CertificateRequest = { ...authority, profile: 'intermediate', nameConstraints };

const below = (notAfter: Date): IssuerFacts => ({ notAfter, pathLength: 0, nameConstraints: undefined });

const refused: readonly [string, CertificateRequest, RegExp][] = [
  ['a client without SPIFFE ID', { ...client, spiffeIds: [] }, /exactly 1 of SPIFFE IDs, not 0/],
  [
    'a client with two SPIFFE IDs',
    { ...client, spiffeIds: [...client.spiffeIds, 'spiffe://example.org/zone2/b'] },
    /exactly 1 of SPIFFE IDs, not 2/,
  ],
  ['a client with a DNS name', { ...client, dnsNames: ['a.local'] }, /none of DNS names, not 1/],
  ['a client with an address', { ...client, ipAddresses: ['127.0.0.1'] }, /none of IP addresses, not 1/],
  ['a server without DNS name', { ...server, dnsNames: [] }, /1 to 32 of DNS names, not 0/],
  ['a server with a wildcard', { ...server, dnsNames: ['*.a.local'] }, /wildcard/],
  ['an authority with a name', { ...authority, dnsNames: ['a.local'] }, /none of DNS names, not 1/],
  ['an authority of no organization', { ...authority, organization: '' }, /organization "" is empty/],
  ['an SVID without SPIFFE ID', { ...svid, spiffeIds: [] }, /exactly 1 of SPIFFE IDs, not 0/],
  ['an SVID with two SPIFFE IDs', { ...svid, spiffeIds: ['spiffe://a/b', 'spiffe://a/c'] }, /exactly 1 of SPIFFE IDs/],
  ['an intermediate without name constraints', { ...authority, profile: 'intermediate' }, /name constraints belong/],
  ['a root with name constraints', { ...root, nameConstraints }, /name constraints belong/],
  ['a leaf with name constraints', { ...svid, nameConstraints }, /name constraints belong/],
  ['a lifetime of nothing', { ...client, validForMs: 0 }, /between a second and ten years/],
  ['a lifetime that is no number', { ...client, validForMs: Number.NaN }, /between a second and ten years/],
  ['a lifetime of eleven years', { ...client, validForMs: 11 * 365 * DAY_MS }, /between a second and ten years/],
];
for (const [title, request, reason] of refused) {
  test(`${title} is refused`, () => assert.match(requestProblems(request).join('\n'), reason));
}

test('all reasons are named at once', () => {
  const problems = requestProblems({ ...client, commonName: 'a\nb', organization: '', spiffeIds: [], validForMs: -1 });
  assert.equal(problems.length, 4);
});

test('a leaf never outlives its authority', () => {
  const issuerNotAfter = new Date(NOW + DAY_MS);
  assert.deepEqual(applyProfile(client, NOW, issuerNotAfter).notAfter, issuerNotAfter);
  const later = { ...applyProfile(client, NOW), notAfter: new Date(NOW + 2 * DAY_MS) };
  assert.match(templateProblems(later, below(issuerNotAfter)).join(), /outlives its authority/);
});

test('a leaf below an authority that has expired is refused', () => {
  const notAfter = new Date(NOW - DAY_MS);
  assert.match(templateProblems(applyProfile(client, NOW, notAfter), below(notAfter)).join(), /over before it starts/);
});

test('no template makes a leaf sign or an authority depend on another one', () => {
  const issuer = below(new Date(NOW + 400 * DAY_MS));
  const signing = { ...applyProfile(client, NOW), keyUsage: ['keyCertSign'] as const };
  assert.match(templateProblems(signing, issuer).join(), /a leaf that may sign/);
  assert.match(templateProblems(applyProfile(client, NOW), 'self').join(), /signs itself/);
  assert.match(templateProblems(applyProfile(authority, NOW), issuer).join(), /below an authority/);
  assert.match(templateProblems(applyProfile(intermediate, NOW), issuer).join(), /below an authority/);
  assert.match(templateProblems(applyProfile(intermediate, NOW), 'self').join(), /in the place of another/);
  const above = { ...issuer, pathLength: 1 };
  assert.match(templateProblems(applyProfile(root, NOW), above).join(), /in the place of another/);
  assert.deepEqual(templateProblems(applyProfile(intermediate, NOW), above), []);
});

test('a short life begins a tenth of it ago', () => {
  const { notBefore } = applyProfile({ ...server, validForMs: 30_000 }, NOW);
  assert.equal(notBefore.getTime(), NOW - 3_000);
});

test('a certificate is valid from a minute ago, in whole seconds', () => {
  const template = applyProfile(server, NOW + 999);
  assert.equal(template.notBefore.getTime(), NOW - 60_000);
  assert.equal(template.notAfter.getTime(), NOW + server.validForMs);
  assert.deepEqual(templateProblems(template, below(template.notAfter)), []);
});
