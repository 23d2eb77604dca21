import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  ATTRIBUTE_TYPES,
  type DistinguishedName,
  formatDistinguishedName,
  sameDistinguishedName,
} from './distinguished-name.ts';
import { DistinguishedNameError, parseDistinguishedName } from './distinguished-name-text.ts';

describe('parseDistinguishedName refuses', () => {
  const REFUSED: readonly [string, RegExp][] = [
    ['', /not of the form/],
    ['api-gateway', /not of the form/],
    ['CN=a,', /not of the form/],
    [',CN=a', /not of the form/],
    ['CN=a++O=b', /not of the form/],
    ['CN=', /no value/],
    ['CN=  ,O=b', /no value/],
    ['=a', /is not one of CN/],
    ['XY=a', /is not one of CN/],
    ['2.5.04.3=a', /is not one of CN/],
    ['3=a', /is not one of CN/],
    ['CN=#0c0161', /hexadecimal/],
    ['CN=a"b', /wrong escape/],
    ['CN=a;O=b', /wrong escape/],
    ['CN=a<b', /wrong escape/],
    ['CN=a\\', /lone backslash/],
    ['CN=a\\q', /wrong escape/],
    ['CN=a\\0', /wrong escape/],
    ['CN=a\\00b', /control character/],
    ['CN=a\nO=b', /control character.*commas/],
    ['CN=a\\c2\\85', /control character/],
    ['CN=\\ff', /not UTF-8/],
  ];
  for (const [text, message] of REFUSED) {
    it(JSON.stringify(text), () => {
      assert.throws(
        () => parseDistinguishedName(text),
        (error) => error instanceof DistinguishedNameError && message.test(error.message),
      );
    });
  }
});

describe('parseDistinguishedName reads', () => {
  const { CN, O, EMAILADDRESS } = ATTRIBUTE_TYPES;
  const READ: readonly [string, DistinguishedName][] = [
    ['CN=api-gateway-client,O=MyOrg', [[{ type: CN, value: 'api-gateway-client' }], [{ type: O, value: 'MyOrg' }]]],
    ['cn = a , o = b', [[{ type: CN, value: 'a' }], [{ type: O, value: 'b' }]]],
    [
      'CN=a+O=b',
      [
        [
          { type: CN, value: 'a' },
          { type: O, value: 'b' },
        ],
      ],
    ],
    ['CN=a\\,O\\=b', [[{ type: CN, value: 'a,O=b' }]]],
    ['CN=a\\2cO=b', [[{ type: CN, value: 'a,O=b' }]]],
    ['CN=a=b', [[{ type: CN, value: 'a=b' }]]],
    ['CN=\\ a\\ ', [[{ type: CN, value: ' a ' }]]],
    ['CN=a\\  ,O=b', [[{ type: CN, value: 'a ' }], [{ type: O, value: 'b' }]]],
    ['CN=\\\\', [[{ type: CN, value: '\\' }]]],
    ['CN=\\#1', [[{ type: CN, value: '#1' }]]],
    ['CN=L\\c3\\bcneburg', [[{ type: CN, value: 'Lüneburg' }]]],
    ['CN=Lüneburg', [[{ type: CN, value: 'Lüneburg' }]]],
    ['2.5.4.3=a', [[{ type: CN, value: 'a' }]]],
    ['E=a@b.example', [[{ type: EMAILADDRESS, value: 'a@b.example' }]]],
  ];
  for (const [text, name] of READ) it(text, () => assert.deepEqual(parseDistinguishedName(text), name));

  it('a value among very many blanks, in one pass', () => {
    const blanks = ' '.repeat(100_000);
    assert.deepEqual(parseDistinguishedName(`CN=${blanks}a${blanks}b${blanks}`), [
      [{ type: CN, value: `a${blanks}b` }],
    ]);
    assert.throws(() => parseDistinguishedName(`CN=${blanks}\\`), DistinguishedNameError);
  });

  it('what formatDistinguishedName wrote, whatever the values are', () => {
    const value = fc
      .string({ minLength: 1, unit: 'binary' })
      .filter((text) => !/\p{Cc}/u.test(text) && text.isWellFormed());
    const attribute = fc.record(
      { type: fc.constantFrom(...Object.values(ATTRIBUTE_TYPES), '1.2.3.4'), value },
      { noNullPrototype: true },
    );
    const name = fc.array(fc.array(attribute, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(name, (name) => {
        assert.deepEqual(parseDistinguishedName(formatDistinguishedName(name)), name);
      }),
    );
  });
});

describe('sameDistinguishedName', () => {
  const same = (a: string, b: string): boolean =>
    sameDistinguishedName(parseDistinguishedName(a), parseDistinguishedName(b));

  it('SD-03 does not care for the order of RDNs, nor for the way a name is written', () => {
    assert.ok(same('CN=a,O=b', 'O=b,CN=a'));
    assert.ok(same('CN=a,O=b', '2.5.4.10 = b, cn = \\61'));
    assert.ok(same('CN=a+O=b,C=DE', 'C=DE,O=b+CN=a'));
  });

  const DIFFERENT: readonly [string, string][] = [
    ['CN=a,O=b', 'CN=a'],
    ['CN=a', 'CN=a,O=b'],
    ['CN=a', 'CN=a,CN=a'],
    ['CN=a,O=b', 'CN=a+O=b'],
    ['CN=a+O=b,OU=c', 'CN=a,O=b+OU=c'],
    ['CN=a,O=b', 'CN=a\\,O\\=b'],
    ['CN=a,O=b', 'CN=b,O=a'],
    ['CN=a', 'CN=A'],
    ['CN=a', 'CN=a\\ '],
    ['CN=\u00e9', 'CN=e\u0301'],
    ['CN=a', 'CN=\u0430'],
  ];
  for (const [a, b] of DIFFERENT) it(`tells ${a} from ${b}`, () => assert.ok(!same(a, b)));
});
