import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, parseAddress } from './address.ts';

const refused = [
  '',
  '8443',
  ':',
  ':65536',
  ':-1',
  ':8443 ',
  '::1:80',
  '[::1]',
  '[127.0.0.1]:80',
  '[::1%lo]:x',
  '256.0.0.1:80',
  '127.1:80',
  'example.com:80',
  'a:b:80',
];
for (const text of refused) {
  test(`${JSON.stringify(text)} is not a listen address`, () => {
    assert.equal(parseAddress(text), undefined);
  });
}

for (const [text, host, port] of [
  [':8443', undefined, 8443],
  ['127.0.0.1:0', '127.0.0.1', 0],
  ['localhost:8080', '127.0.0.1', 8080],
  ['[::1]:80', '::1', 80],
  ['0.0.0.0:65535', '0.0.0.0', 65_535],
] as const) {
  test(`${text} listens on ${host ?? 'every interface'}, port ${port}`, () => {
    assert.deepEqual(parseAddress(text), { host, port });
  });
}

test('only 127.0.0.0/8, ::1 and localhost are loopback', () => {
  for (const host of ['10.0.0.1', '128.0.0.1', '0.0.0.0', '::', '::2', '127.evil.example', 'localhost.example', '']) {
    assert.equal(isLoopback(host), false, host);
  }
  for (const host of ['127.0.0.1', '127.255.0.9', '::1', '[::1]', 'localhost'])
    assert.equal(isLoopback(host), true, host);
});
