import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countedAddress } from './client-address.ts';

const ROWS: readonly (readonly [title: string, address: string | undefined, counted: string])[] = [
  ['a socket that is gone', undefined, 'unknown'],
  ['another host of one IPv6 network', '2001:db8:1:2:ffff:1:2:3', '2001:db8:1:2::/64'],
  ['a shortened one of it', '2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['zeros inside the network', '2001:db8::1', '2001:db8:0:0::/64'],
  ['a link-local one', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['loopback', '::1', '0:0:0:0::/64'],
  ['IPv4 seen through IPv6', '::ffff:192.0.2.7', '192.0.2.7'],
  ['IPv4', '192.0.2.7', '192.0.2.7'],
];
for (const [title, address, counted] of ROWS) {
  test(`${title}: ${address} is counted as ${counted}`, () => assert.equal(countedAddress(address), counted));
}
