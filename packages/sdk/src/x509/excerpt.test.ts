import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { excerpt } from './excerpt.ts';

describe('excerpt', () => {
  const ROWS: readonly [string, string][] = [
    ['\n{"decision":"allow"}', '"\\n{\\"decision\\":\\"allow\\"}"'],
    ['\u001b[2J\u0000\u007f\u009b', '"\\u001b[2J\\u0000\\u007f\\u009b"'],
    ['a\u2028b\u202ec', '"a\\u2028b\\u202ec"'],
    ['Lüneburg', '"Lüneburg"'],
  ];
  for (const [text, quoted] of ROWS) it(`C-226 shows ${quoted}`, () => assert.equal(excerpt(text), quoted));

  it('C-226 is one short line whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const shown = excerpt(text, 50);
        assert.doesNotMatch(shown, /[\p{Cc}\p{Zl}\p{Zp}]/u);
        assert.ok(shown.length <= 50 * 6 + 3);
      }),
    );
  });
});
