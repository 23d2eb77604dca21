import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import fc from 'fast-check';
import { claimHeaderValue } from './claim-header.ts';

describe('claims as headers', () => {
  const UNSAFE: readonly (readonly [title: string, claim: unknown])[] = [
    ['C-116 a line end', 'a\r\nX-User-Roles: admin'],
    ['C-116 a NUL', 'a\0b'],
    ['C-117 a role with a comma', ['customer,admin']],
    ['C-117 an empty role', ['customer', '']],
    ['C-118 a lone surrogate', '\ud800'],
    ['C-119 an object', { role: 'admin' }],
    ['C-119 a list in a list', [['admin']]],
    ['C-119 64 KB', 'a'.repeat(65_536)],
    ['C-119 a list that is too long in all', Array.from({ length: 300 }, (_, index) => `role-${index}`)],
    ['outer white space', ' john'],
  ];
  for (const [title, claim] of UNSAFE) {
    test(`${title} is token_claim_unsafe`, () => {
      assert.throws(
        () => claimHeaderValue({ claim }, 'claim'),
        (error) => error instanceof Problem && error.code === 'token_claim_unsafe',
      );
    });
  }

  const SAFE: readonly (readonly [claims: Record<string, unknown>, path: string, value: string | undefined])[] = [
    [{ sub: 'user-123' }, 'sub', 'user-123'],
    [{ realm_access: { roles: ['customer', 'orders:create'] } }, 'realm_access.roles', 'customer,orders:create'],
    [{ 'https://example.org/tier': 2 }, 'https://example.org/tier', '2'],
    [{ email_verified: true }, 'email_verified', 'true'],
    [{ name: 'Ren\u00e9 100%' }, 'name', 'Ren%C3%A9 100%25'],
    [{ name: '\u010d\u010a' }, 'name', '%C4%8D%C4%8A'],
    [{ name: 'a\u2028b' }, 'name', 'a%E2%80%A8b'],
    [{ roles: [] }, 'roles', undefined],
    [{ email: null }, 'email', undefined],
    [{}, 'email', undefined],
    [{ realm_access: 'text' }, 'realm_access.length', undefined],
    [{}, 'constructor.name', undefined],
  ];
  for (const [claims, path, value] of SAFE) {
    test(`C-118 S3-168 S3-169 ${JSON.stringify(claims)} at ${path} is ${value ?? 'no header'}`, () => {
      assert.equal(claimHeaderValue(claims, path), value);
    });
  }

  test('a value is printable ASCII and decodes to the claim', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }), (claim) => {
        let value: string | undefined;
        try {
          value = claimHeaderValue({ claim }, 'claim');
        } catch (error) {
          assert.ok(error instanceof Problem);
          return;
        }
        assert.match(value ?? '', /^[\x20-\x7e]+$/);
        assert.equal(decodeURIComponent(value ?? ''), claim);
      }),
    );
  });
});
