import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import { requestHead } from '../../../../tests/support/fields.ts';
import { requestFraming } from './message-framing.ts';

function codeOf(version: '1.0' | '1.1', pairs: readonly string[]): string {
  try {
    return String(requestFraming(requestHead({ version, pairs })));
  } catch (error) {
    assert.ok(error instanceof Problem);
    return error.code;
  }
}

describe('Transfer-Encoding', () => {
  const ROWS: readonly (readonly [title: string, values: readonly string[], code: string])[] = [
    ['C-136 a list with an empty member', [',chunked'], 'framing_invalid'],
    ['C-136 chunked twice', ['chunked, chunked'], 'framing_invalid'],
    ['C-136 chunked on two lines', ['chunked', 'chunked'], 'framing_invalid'],
    ['C-136 chunked before something else', ['chunked, gzip'], 'framing_invalid'],
    ['C-136 identity', ['identity'], 'framing_invalid'],
    ['C-136 identity before chunked', ['identity, chunked'], 'framing_invalid'],
    ['C-136 a coding that only looks like chunked', ['xchunked'], 'framing_invalid'],
    ['C-136 chunked with a parameter', ['chunked;q=1'], 'framing_invalid'],
    ['C-136 nothing', [''], 'framing_invalid'],
    ['C-136 chunked before a tab', ['chunked\t'], 'framing_invalid'],
    ['C-136 chunked behind a tab', ['\tchunked'], 'framing_invalid'],
    ['C-137 gzip before chunked', ['gzip, chunked'], 'transfer_encoding_unsupported'],
    ['C-137 gzip and chunked on two lines', ['gzip', 'chunked'], 'transfer_encoding_unsupported'],
    ['C-137 a coding that nobody knows', ['x-own, Chunked'], 'transfer_encoding_unsupported'],
    ['chunked', ['chunked'], 'chunked'],
    ['chunked in capitals', ['CHUNKED'], 'chunked'],
  ];
  for (const [title, values, code] of ROWS) {
    test(`${title} is ${code}`, () => {
      assert.equal(
        codeOf(
          '1.1',
          values.flatMap((value) => ['transfer-ENCODING', value]),
        ),
        code,
      );
    });
  }

  test('C-138 any on HTTP/1.0 is framing_invalid', () => {
    assert.equal(codeOf('1.0', ['Transfer-Encoding', 'chunked']), 'framing_invalid');
  });

  test('C-133 beside a Content-Length is framing_invalid, in either order', () => {
    const [coding, length] = [
      ['Transfer-Encoding', 'chunked'],
      ['Content-Length', '5'],
    ] as const;
    assert.equal(codeOf('1.1', [...coding, ...length]), 'framing_invalid');
    assert.equal(codeOf('1.1', [...length, ...coding]), 'framing_invalid');
  });
});

describe('Content-Length', () => {
  const REFUSED = [
    '5\t',
    '\t5',
    '',
    '+5',
    '-5',
    '0x5',
    '5, 5',
    '5,5',
    '5 5',
    '5.0',
    '1e3',
    '18446744073709551616',
    '9999999999999999',
  ];
  for (const value of REFUSED) {
    test(`C-134 C-135 "${value}" is framing_invalid`, () => {
      assert.equal(codeOf('1.1', ['Content-Length', value]), 'framing_invalid');
    });
  }

  test('C-134 on two lines is framing_invalid, also when they agree', () => {
    for (const other of ['5', '6']) {
      assert.equal(codeOf('1.1', ['Content-Length', '5', 'content-length', other]), 'framing_invalid');
    }
  });

  test('is the length of the body in both versions, and without it there is none', () => {
    for (const version of ['1.0', '1.1'] as const) {
      assert.deepEqual(
        [['Content-Length', '5'], ['Content-Length', '0'], []].map((pairs) => codeOf(version, pairs)),
        ['5', '0', 'undefined'],
      );
    }
  });
});
