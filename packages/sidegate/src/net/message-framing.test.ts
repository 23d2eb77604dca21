import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Problem } from '@sidegate/sdk';
import { refuseDoubtfulFraming } from './message-framing.ts';

function codeOf(httpVersion: string, headers: readonly string[]): string {
  try {
    refuseDoubtfulFraming(httpVersion, headers);
    return 'accepted';
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
    ['C-137 gzip before chunked', ['gzip, chunked'], 'transfer_encoding_unsupported'],
    ['C-137 gzip and chunked on two lines', ['gzip', 'chunked'], 'transfer_encoding_unsupported'],
    ['C-137 a coding that nobody knows', ['x-own, Chunked'], 'transfer_encoding_unsupported'],
    ['chunked', ['chunked'], 'accepted'],
    ['chunked in capitals', ['CHUNKED'], 'accepted'],
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

  test('a message without it is accepted in both versions', () => {
    for (const version of ['1.0', '1.1']) assert.equal(codeOf(version, ['Content-Length', '5']), 'accepted');
  });
});
