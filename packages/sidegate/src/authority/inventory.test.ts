import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IssuedCertificate } from './enrolment/certificates.ts';
import { type InventorySources, takeInventory } from './inventory.ts';
import type { ListedKey } from './keys/key-store.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 30);
const NOTHING: InventorySources = {
  realms: [],
  clientSecrets: [],
  keys: [],
  tokens: [],
  certificates: [],
  declared: [],
};

const concernsOf = (sources: Partial<InventorySources>, expiringMs = 30 * DAY) =>
  takeInventory({ ...NOTHING, ...sources }, NOW, expiringMs).map(
    ({ name, concern }) => `${name}: ${concern ?? 'fine'}`,
  );

const key = (kid: string, ageDays: number, state: ListedKey['state']): ListedKey => ({
  kid,
  realm: 'services',
  algorithm: 'RS256',
  generation: 1,
  publicJwk: {},
  createdAt: NOW - ageDays * DAY,
  activateAt: NOW - ageDays * DAY,
  retiredAt: undefined,
  state,
});

const certificate = (
  name: string,
  holder: string | undefined,
  [fromDays, toDays]: [number, number],
): IssuedCertificate => ({
  thumbprint: `${name} ${toDays}`,
  serialNumber: '01',
  authority: 'zone1',
  holder,
  spiffeId: name,
  identity: { zone: 'zone1', service: name, profile: 'svid', dnsNames: [], ipAddresses: [], validForMs: DAY },
  notBefore: NOW + fromDays * DAY,
  notAfter: NOW + toDays * DAY,
  revokedAt: undefined,
});

test('S4-091 a signing key that has signed for more than 90 days is reported, one that only verifies is not', () => {
  const keys = [
    key('old', 91, 'current'),
    key('young', 89, 'current'),
    key('was', 120, 'retiring'),
    key('gone', 400, 'retired'),
  ];
  assert.deepEqual(concernsOf({ keys }), ['old: is older than 90 days; rotate it', 'young: fine', 'was: fine']);
});

test('S4-090 a certificate is reported when its holder does not renew it, when nobody may and it ends, or when it lives too long', () => {
  const certificates = [
    certificate('renewed', 'a', [-0.5, 0.1]),
    certificate('renewed', 'a', [-0.1, 0.9]),
    certificate('forgotten', 'b', [-0.8, 0.2]),
    certificate('by-hand', undefined, [-10, 20]),
    certificate('by-hand-later', undefined, [-10, 40]),
    certificate('for-ever', undefined, [-10, 365]),
    { ...certificate('revoked', 'c', [-0.9, 0.1]), revokedAt: NOW - 1 },
  ];
  assert.deepEqual(concernsOf({ certificates }), [
    'renewed: fine',
    'forgotten: its holder does not renew it',
    'by-hand: expires in 20 days',
    'by-hand-later: fine',
    'for-ever: lives longer than 90 days',
  ]);
});

test('S4-092 S4-093 a database password is reported after 90 days, an API key after a year, each before it as asked', () => {
  const declared = [
    { name: 'orders-db', kind: 'database_password', rotatedAt: NOW - 91 * DAY },
    { name: 'stock-db', kind: 'database_password', rotatedAt: NOW - 80 * DAY },
    { name: 'users-db', kind: 'database_password', rotatedAt: NOW - 10 * DAY },
    { name: 'payments', kind: 'api_key', rotatedAt: NOW - 366 * DAY },
    { name: 'mail', kind: 'api_key', rotatedAt: NOW - 100 * DAY },
  ] as const;
  assert.deepEqual(concernsOf({ declared }), [
    'orders-db: is older than 90 days; rotate it',
    'stock-db: expires in 10 days',
    'users-db: fine',
    'payments: is older than 365 days; rotate it',
    'mail: fine',
  ]);
});

test('only tokens that live longer than 15 minutes are listed, and a client secret that has a successor is no concern', () => {
  const token = { realm: 'services', client: 'a', subject: 'a', audience: ['b'], scope: [], issuedAt: NOW };
  const tokens = [
    { ...token, jti: 'short', expiresAt: NOW + 900_000 },
    { ...token, jti: 'long', expiresAt: NOW + 60 * DAY },
    { ...token, jti: 'ending', expiresAt: NOW + 3 * DAY },
  ];
  const clientSecrets = [
    { realm: 'services', client: 'order', createdAt: NOW - 100 * DAY, expiresAt: undefined },
    { realm: 'services', client: 'order', createdAt: NOW - 200 * DAY, expiresAt: NOW + DAY },
  ];
  assert.deepEqual(concernsOf({ tokens, clientSecrets }), [
    'order: is older than 90 days; rotate it',
    'order: fine',
    'long: fine',
    'ending: expires in 3 days',
  ]);
});
