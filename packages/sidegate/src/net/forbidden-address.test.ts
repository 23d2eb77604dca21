/** Corpus 212: where a name must not lead, in every spelling. */
import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { describe, test } from 'node:test';
import { guardedLookup, isForbiddenAddress, isLiteralLoopback } from './forbidden-address.ts';

const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  'this machine': ['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '::1', '::'],
  'its link': ['169.254.169.254', '169.254.0.1', 'fe80::1', 'fe80::a9fe:a9fe', 'febf:ffff::1', 'fd00:ec2::254'],
  everybody: ['224.0.0.1', '239.255.255.255', '255.255.255.255', 'ff02::1', 'ff0e::1'],
  'an IPv4 address in IPv6': [
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '::127.0.0.1',
  ],
  'NAT64 and 6to4': [
    '64:ff9b::7f00:1',
    '64:ff9b::169.254.169.254',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
    '2002:e000:1::',
  ],
};
const ALLOWED =
  `10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 8.8.8.8 126.255.255.255 128.0.0.1 169.253.255.255 223.255.255.255
  2001:db8::1 fd00::1 fec0::1 fe7f::1 64:ff9b::808:808 2002:808:808::1 ::1:0:0:1`.split(/\s+/);

describe('C-212 a name must not lead to', () => {
  for (const [title, addresses] of Object.entries(FORBIDDEN)) {
    test(title, () => {
      assert.deepEqual(
        addresses.filter((address) => !isForbiddenAddress(address)),
        [],
      );
    });
  }

  test('and may lead anywhere else', () => {
    assert.deepEqual(ALLOWED.filter(isForbiddenAddress), []);
  });
});

test('C-212 this machine is meant only where it is written in so many words', () => {
  for (const name of ['localhost', '127.0.0.1', '127.1.2.3', '::1']) assert.ok(isLiteralLoopback(name), name);
  for (const name of [
    'localhost.evil',
    'a.localhost',
    '127.0.0.1.evil',
    '127.evil',
    '0.0.0.0',
    '::',
    '::ffff:7f00:1',
    '',
  ]) {
    assert.ok(!isLiteralLoopback(name), name);
  }
});

describe('a guarded look-up', () => {
  const answering = (...addresses: string[]): LookupFunction =>
    guardedLookup((_hostname, options, callback) => {
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      if (options.all === true) callback(null, found);
      else callback(null, found[0]?.address ?? '', found[0]?.family);
    });
  const looked = (lookup: LookupFunction, all: boolean): Promise<string | readonly LookupAddress[]> =>
    new Promise((resolve, reject) => {
      lookup('name.example', { all }, (error, found) => (error === null ? resolve(found) : reject(error)));
    });

  for (const all of [true, false]) {
    test(`fails when the address is forbidden${all ? ', also among others' : ''}`, async () => {
      await assert.rejects(looked(answering('169.254.169.254', '10.0.0.1'), all), { code: 'ADDRESS_FORBIDDEN' });
      if (all) await assert.rejects(looked(answering('10.0.0.1', '::1'), all), { code: 'ADDRESS_FORBIDDEN' });
    });
  }

  test('passes on what is allowed, and errors', async () => {
    assert.equal(await looked(answering('10.0.0.1'), false), '10.0.0.1');
    assert.deepEqual(await looked(answering('10.0.0.1'), true), [{ address: '10.0.0.1', family: 4 }]);
    const failing = guardedLookup((_hostname, _options, callback) => callback(new Error('ENOTFOUND'), ''));
    await assert.rejects(looked(failing, true), /ENOTFOUND/);
  });
});
