import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import { fieldsOf } from '../../../../tests/support/fields.ts';
import { hopByHopNames } from '../net/hop-by-hop.ts';
import { setField, shapedLines } from './headers.ts';
import { IdentityHeaders } from './identity-headers.ts';

const IDENTITY = new IdentityHeaders(['x-tenant-owner']);

function codeOf(headers: readonly string[]): string {
  try {
    IDENTITY.refuseLookAlikes(fieldsOf(headers));
    hopByHopNames(fieldsOf(headers), 'connection_option_forbidden');
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error.code;
  }
}

describe('identity headers', () => {
  const REFUSED: readonly (readonly [title: string, headers: string[], code: string])[] = [
    ['C-111 an underscore look-alike', ['X_User_ID', 'eve'], 'header_name_ambiguous'],
    ['C-111 a dotted look-alike', ['X.User.Id', 'eve'], 'header_name_ambiguous'],
    ['C-111 a look-alike of a configured header', ['X_Tenant-Owner', 'eve'], 'header_name_ambiguous'],
    ['C-123 a byte above ASCII', ['X-User-ID', 'caf\u00e9'], 'header_value_invalid'],
    ['C-113 Connection: authorization', ['Connection', 'authorization'], 'connection_option_forbidden'],
    ['C-113 Connection: host', ['Connection', 'close, Host'], 'connection_option_forbidden'],
    ['C-113 Connection: content-length', ['Connection', 'content-length'], 'connection_option_forbidden'],
    [
      'C-113 Connection: x-forwarded-client-cert',
      ['connection', 'X-Forwarded-Client-Cert'],
      'connection_option_forbidden',
    ],
  ];
  for (const [title, headers, code] of REFUSED) test(`${title} is ${code}`, () => assert.equal(codeOf(headers), code));

  test('other underscores and dots are the business of the service', () => {
    assert.equal(codeOf(['x_custom', '1', 'x.custom', '2']), 'accepted');
  });

  const STRIPPED = [
    'X-User-ID',
    'x-user-id',
    'X-USER-ROLES',
    'X-Original-User',
    'X-Service-Name',
    'X-Forwarded-Client-Cert',
    'Client-Cert',
    'Client-Cert-Chain',
    'X-SSL-Client-Verify',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'Forwarded',
    'X-Original-URL',
    'X-Envoy-External-Address',
    'X-HTTP-Method-Override',
    'X-Tenant-Owner',
    'X-Sidegate-Decision',
  ];
  for (const name of STRIPPED) {
    test(`C-110 C-114 C-115 the client's ${name} does not pass`, () => {
      const fields = fieldsOf([name, 'eve', 'Accept', '*/*', name.toLowerCase(), 'mallory']);
      // The second time from memory.
      for (let time = 0; time < 2; time += 1) {
        assert.equal(shapedLines(fields, { stripped: (lower) => IDENTITY.has(lower), set: [] }), 'Accept: */*\r\n');
      }
    });
  }

  test('C-112 a header that Connection names is dropped, and the one that we set still arrives', () => {
    const fields = fieldsOf(['Connection', 'close, X-User-ID', 'X-User-ID', 'eve']);
    const dropped = hopByHopNames(fields, 'connection_option_forbidden');
    const set = [setField('X-User-ID', 'john')];
    assert.equal(shapedLines(fields, { stripped: (name) => dropped.has(name), set }), 'X-User-ID: john\r\n');
  });

  test('C-122 a header named __proto__ passes like any other', () => {
    const shaped = shapedLines(fieldsOf(['__proto__', 'x']), { stripped: (name) => IDENTITY.has(name), set: [] });
    assert.equal(shaped, '__proto__: x\r\n');
  });

  test('C-116 nothing that we set can end its line', () => {
    for (const value of ['a\r\nX-User-Roles: admin', 'a\n', 'a\r']) {
      assert.throws(() => setField('X-User-ID', value), /line end/);
    }
  });

  test('names that a client makes up do not fill the memory, and are judged all the same', () => {
    for (let i = 0; i < 5_000; i += 1) assert.equal(IDENTITY.has(`x-made-up-${i}`), false);
    for (let i = 0; i < 5_000; i += 1) assert.equal(IDENTITY.has(`x-user-made-up-${i}`), true);
  });
});
