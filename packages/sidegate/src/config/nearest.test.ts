import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearest } from './nearest.ts';

const KNOWN = ['addr', 'read_timeout', 'write_timeout', 'tls', 'jwks_url'];

for (const [written, meant] of [
  ['zzz', undefined],
  ['completely_different', undefined],
  ['', undefined],
  ['x'.repeat(200), undefined],
  ['adr', 'addr'],
  ['ADDR', 'addr'],
  ['adrd', 'addr'],
  ['tsl', 'tls'],
  ['jwks_uri', 'jwks_url'],
  ['readTimeout', 'read_timeout'],
  ['write_timout', 'write_timeout'],
] as const) {
  test(`${JSON.stringify(written.slice(0, 24))} ${meant === undefined ? 'is near nothing' : `is near ${meant}`}`, () => {
    assert.equal(nearest(written, KNOWN), meant);
  });
}
