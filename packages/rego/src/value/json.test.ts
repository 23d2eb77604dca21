import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { equal } from './compare.ts';
import { fromNative, MAX_DEPTH, parseJson, toJson, toNative, toPlainJson } from './json.ts';
import { BigNumber } from './number.ts';
import { objectFromEntries } from './object.ts';
import { setFrom } from './set.ts';

describe('parseJson', () => {
  const refused: readonly (readonly [text: string, message: string])[] = [
    ['', 'EOF'],
    ['[1', 'unexpected EOF'],
    ['{"a":}', "invalid character '}' looking for beginning of value"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
    ['[1 2]', "invalid character '2' after array element"],
    ['[1,]', "invalid character ']' looking for beginning of value"],
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
    ['nul', 'unexpected EOF'],
    ['trux', "invalid character 'x' in literal true (expecting 'e')"],
    ['1 2', "error: invalid character '2' after top-level value"],
    ['1 "x"', "error: invalid character 'x' after top-level value"],
    ['1 {', "error: invalid character '{' after top-level value"],
    ['1 ]', "invalid character ']' looking for beginning of value"],
    ['01', "error: invalid character '1' after top-level value"],
    ['-', 'unexpected EOF'],
    ['-a', "invalid character 'a' in numeric literal"],
    ['"\\x"', "invalid character 'x' in string escape code"],
    ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
    ['"a\nb"', "invalid character '\\n' in string literal"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
  ];
  for (const [text, message] of refused) {
    test(`${JSON.stringify(text)} is refused in Go's words`, () => {
      assert.throws(() => parseJson(text), new SyntaxError(message));
    });
  }

  test('depth is bounded, and so is the cost of refusing', () => {
    assert.throws(() => parseJson('['.repeat(10_000) + ']'.repeat(10_000)), new SyntaxError('exceeded max depth'));
    assert.throws(() => parseJson('{"a":'.repeat(10_000)), new SyntaxError('exceeded max depth'));
    const deep = '['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH);
    assert.equal(toJson(parseJson(deep)), deep);
  });

  test('keys that name prototype members are data, and the last of equal keys wins', () => {
    const value = parseJson('{"__proto__":{"polluted":true},"constructor":1,"constructor":2}');
    assert.equal(Object.getPrototypeOf(value), null);
    assert.equal(toJson(value), '{"__proto__":{"polluted":true},"constructor":2}');
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  test('numbers keep their text, lone surrogates become U+FFFD', () => {
    assert.equal(toJson(parseJson('[1.0,1e1000000000,9007199254740993,-0]')), '[1.0,1e1000000000,9007199254740993,-0]');
    assert.equal(parseJson('"\\ud800a"'), '\ufffda');
    assert.equal(parseJson('"\\ud83d\\ude00"'), '\u{1f600}');
  });

  test('it reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        assert.deepEqual(
          JSON.parse(JSON.stringify(toNative(parseJson(text)))),
          JSON.parse(JSON.stringify(JSON.parse(text))),
        );
      }),
    );
  });

  test('it accepts and refuses as JSON.parse does', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...Array.from('{}[]",:0123456789.eE+-truefalsn \\u\n')), maxLength: 12 }),
        (text) => {
          assert.equal(
            succeeds(() => parseJson(text)),
            succeeds(() => JSON.parse(text)),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('what is written reads back equal', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (native) => {
        const value = fromNative(native);
        assert.ok(equal(parseJson(toJson(value)), value));
      }),
    );
  });
});

describe('toJson', () => {
  test('keys are sorted by code point, sets are sorted arrays, other keys are their JSON', () => {
    const value = objectFromEntries([
      ['b', setFrom([2, 1, 'x'])],
      [setFrom([1]), true],
      [1, null],
    ]);
    assert.equal(toJson(value), '{"1":null,"[1]":true,"b":[1,2,"x"]}');
    const sameName = objectFromEntries([
      [2, 'number'],
      ['2', 'text'],
    ]);
    assert.equal(toJson(sameName), '{"2":"text"}');
    assert.equal(toJson({ '\u{1f600}': 1, '\uffff': 2, 10: 3, 9: 4 }), '{"10":3,"9":4,"\uffff":2,"\u{1f600}":1}');
  });

  test('it escapes for HTML and line separators as Go does', () => {
    assert.equal(toJson('<a>&\u2028'), '"\\u003ca\\u003e\\u0026\\u2028"');
    assert.equal(toPlainJson('<a>&\u2028'), '"<a>&\\u2028"');
    assert.equal(toJson('\udc80'), '"\ufffd"');
  });
});

describe('fromNative', () => {
  test('plain JSON is taken as it is, without a copy', () => {
    const native = JSON.parse('{"a":[1,{"b":"c"}]}') as object;
    assert.equal(fromNative(native), native);
  });

  const refused: readonly unknown[] = [
    undefined,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Symbol('x'),
    () => 1,
    [undefined],
  ];
  for (const native of refused) {
    test(`${String(native)} is refused`, () => {
      assert.throws(() => fromNative(native), TypeError);
    });
  }

  test('a value that contains itself is refused', () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    assert.throws(() => fromNative(cyclic), TypeError);
  });

  test('what needs another form is converted: bigints, undefined members, lone surrogates', () => {
    const value = fromNative({ big: 2n ** 64n, missing: undefined, '\ud800': '\udfff' });
    assert.equal(toJson(value), '{"big":18446744073709551616,"\ufffd":"\ufffd"}');
    assert.ok((value as { big: unknown }).big instanceof BigNumber);
  });
});

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
