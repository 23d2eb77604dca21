import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { registration, TRUST_DOMAIN } from '../../../../../tests/support/workload-authority.ts';
import { compileRegistrations, matching, type RegistrationText } from './registration.ts';

describe('a registration entry is refused with', () => {
  const ROWS: readonly (readonly [title: string, changes: Partial<RegistrationText>, reason: RegExp])[] = [
    ['no selector', { selectors: [] }, /everybody/],
    ['a selector of an unknown kind', { selectors: ['docker:label:a:b'] }, /is none that is ever seen/],
    ['a selector without value', { selectors: ['unix:uid:'] }, /is none that is ever seen/],
    ['a user by name', { selectors: ['unix:uid:root'] }, /is none that is ever seen/],
    ['a user with a leading zero', { selectors: ['unix:uid:01'] }, /is none that is ever seen/],
    ['a relative path', { selectors: ['unix:uid:1', 'unix:path:bin/app'] }, /is none that is ever seen/],
    ['a path alone', { selectors: ['unix:path:/usr/bin/app'] }, /add unix:uid/],
    ['a service account without its namespace', { selectors: ['k8s:sa:default'] }, /add k8s:ns/],
    ['a pod without its namespace', { selectors: ['k8s:pod-name:a'] }, /add k8s:ns/],
    ['a namespace with two colons', { selectors: ['k8s:ns:a:b'] }, /is none that is ever seen/],
    ['a selector of Object.prototype', { selectors: ['constructor:name:x'] }, /is none that is ever seen/],
    ['another trust domain', { spiffeId: 'spiffe://other.org/a' }, /not of the trust domain/],
    ['a trust domain as its ID', { spiffeId: `spiffe://${TRUST_DOMAIN}` }, /not a workload/],
    ['an ID that is none', { spiffeId: 'order-service' }, /is none/],
    ['a life of nothing', { x509TtlMs: 0 }, /X\.509-SVIDs/],
    ['a life that is no number', { x509TtlMs: Number.NaN }, /X\.509-SVIDs/],
    ['certificates for a year', { x509TtlMs: 365 * 86_400_000 }, /X\.509-SVIDs/],
    ['tokens for a day', { jwtTtlMs: 86_400_000 }, /JWT-SVIDs/],
    ['a wildcard as DNS name', { dnsNames: ['*.example.org'] }, /wildcard/],
    ['a hint with a line break', { hint: 'a\nb' }, /hint/],
  ];
  for (const [title, changes, reason] of ROWS) {
    test(title, () => {
      const { findings } = compileRegistrations(
        [registration({ selectors: ['unix:uid:7'] }), registration(changes)],
        TRUST_DOMAIN,
      );
      assert.deepEqual(
        findings.map(({ index }) => index),
        [1],
      );
      assert.match(findings[0]?.message ?? '', reason);
    });
  }

  test('the ID and the selectors of another entry, in another order', () => {
    const selectors = ['unix:uid:1', 'unix:gid:2'];
    const twice = [registration({ selectors }), registration({ selectors: selectors.toReversed() })];
    assert.match(compileRegistrations(twice, TRUST_DOMAIN).findings[0]?.message ?? '', /same SPIFFE ID/);
  });
});

test('an entry matches only whom all of its selectors were seen of', () => {
  const ids = (...seen: readonly string[]): readonly string[] => {
    const { entries } = compileRegistrations(
      [
        registration({ spiffeId: `spiffe://${TRUST_DOMAIN}/one`, selectors: ['unix:uid:1'] }),
        registration({ spiffeId: `spiffe://${TRUST_DOMAIN}/both`, selectors: ['unix:uid:1', 'unix:path:/a'] }),
      ],
      TRUST_DOMAIN,
    );
    return matching(entries, new Set(seen)).map(({ id }) => id.path);
  };
  assert.deepEqual(ids(), []);
  assert.deepEqual(ids('unix:path:/a'), []);
  assert.deepEqual(ids('unix:uid:10'), []);
  assert.deepEqual(ids('unix:uid:1'), ['/one']);
  assert.deepEqual(ids('unix:uid:1', 'unix:path:/a', 'unix:gid:3'), ['/one', '/both']);
});
