import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExemptions } from './exemption.ts';
import { readGuardSettings } from './guard-settings.ts';
import { targetOf } from './target.ts';

const isExempt = (text: string, url: string): boolean => {
  const { origin, pathname, search } = new URL(url);
  const target = targetOf('POST', origin, `${pathname}${search}`);
  return parseExemptions(text).some((matches) => matches(target));
};

for (const [text, url] of [
  ['orders', 'http://orders-service/'],
  ['orders', 'http://orders.evil.example/'],
  ['*.mesh', 'http://mesh/'],
  ['*.mesh', 'http://a.mesh.evil.example/'],
  ['a.b', 'http://axb/'],
  ['idp:8443', 'https://idp/'],
  ['loopback:8080-8089', 'http://127.0.0.1:8090/'],
  ['loopback', 'http://127.0.0.1.evil.example/'],
  ['idp/realms/*/token', 'https://idp/realms/a/userinfo'],
  ['idp/token', 'https://idp/orders?x=/token'],
  ['', 'http://orders/'],
] as const) {
  test(`${JSON.stringify(text)} does not exempt ${url}`, () => assert.equal(isExempt(text, url), false));
}

for (const [text, url] of [
  ['orders', 'http://ORDERS:8000/x'],
  ['*.mesh', 'http://a.b.mesh/'],
  ['idp:443', 'https://idp/'],
  ['loopback:8080-8089', 'http://127.0.0.1:8080/'],
  ['loopback', 'http://[::1]:3000/'],
  ['loopback', 'http://localhost:3000/'],
  ['[fd00::7]:9000', 'http://[fd00::7]:9000/'],
  ['idp/realms/*/token', 'https://idp/realms/main/protocol/openid-connect/token?x=1'],
  ['a, b\n*.mesh:80', 'http://b/'],
] as const) {
  test(`${JSON.stringify(text)} exempts ${url}`, () => assert.equal(isExempt(text, url), true));
}

for (const text of [
  'http://orders',
  'orders:99999',
  'orders:9-1',
  'orders:x',
  'orders?x',
  'a b/c:1 (d)',
  Array.from({ length: 201 }, (_, i) => `h${i}`).join(),
]) {
  test(`${text.slice(0, 20)} is no list of exemptions`, () =>
    assert.throws(() => parseExemptions(text), /SIDEGATE_GUARD_EXEMPT/));
}

test('settings that are none stop the start, and name the variable', () => {
  for (const [name, value] of [
    ['SIDEGATE_GUARD', 'blok'],
    ['SIDEGATE_GUARD_FORMAT', 'yaml'],
    ['SIDEGATE_GUARD_FIELDS', 'x:y'],
    ['SIDEGATE_GUARD_EXEMPT', '/token'],
  ] as const)
    assert.throws(() => readGuardSettings({ [name]: value }), new RegExp(name));
});

test('without settings the guard reports, as text, and knows the fields that prove who calls', () => {
  const settings = readGuardSettings({});
  assert.equal(settings?.mode, 'report');
  assert.equal(settings.format, 'text');
  assert.deepEqual([...settings.credentialFields], ['authorization', 'dpop', 'signature', 'x-signature', 'x-api-key']);
  assert.ok(readGuardSettings({ SIDEGATE_GUARD_FIELDS: 'X-Mesh-Ticket' })?.credentialFields.has('x-mesh-ticket'));
  assert.equal(readGuardSettings({ SIDEGATE_GUARD: 'off' }), undefined);
});
