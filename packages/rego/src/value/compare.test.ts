import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { compare, equal } from './compare.ts';
import { BigNumber, parseNumber } from './number.ts';
import { objectFromEntries, objectGet, objectKeys, objectSize, RegoObject } from './object.ts';
import { isSet, RegoSet, setFrom } from './set.ts';
import type { Value } from './value.ts';

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom('1.0', '2e0', '-0', '0.5', '9007199254740993', '1e400').map(parseNumber),
  fc.constantFrom('', 'a', 'b', '__proto__', '\u{1f600}', '\uffff', '\ud800'),
);
const value: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => setFrom(items)),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 }).map((entries) => objectFromEntries(entries)),
  ),
})).value;

describe('compare', () => {
  test('the kinds are ordered null < false < true < number < string < array < object < set', () => {
    const ordered: Value[] = [null, false, true, -1, parseNumber('1e400'), '', 'a', [], [1], {}, { a: 1 }, setFrom([])];
    for (const [index, low] of ordered.entries()) {
      for (const high of ordered.slice(index + 1)) {
        assert.equal(compare(low, high), -1);
        assert.equal(compare(high, low), 1);
      }
    }
  });

  test('strings compare by code point, not by UTF-16 unit', () => {
    assert.equal(compare('\uffff', '\u{1f600}'), -1);
    assert.deepEqual(['\u{1f600}', '\uffff'].toSorted(), ['\u{1f600}', '\uffff']);
  });

  test('it is a total order, and zero means equal', () => {
    fc.assert(
      fc.property(value, value, value, (a, b, c) => {
        assert.equal(compare(a, a), 0);
        assert.equal(compare(a, b), -compare(b, a) + 0);
        assert.equal(equal(a, b), compare(a, b) === 0);
        if (compare(a, b) <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0);
      }),
    );
  });
});

describe('sets and objects', () => {
  test('numbers that are equal are one member, however they are written', () => {
    const set = setFrom([1, parseNumber('1.0'), parseNumber('1e0'), '1', parseNumber('100000000000000000001')]);
    assert.equal(set.size, 3);
    assert.ok(set.has(parseNumber('10e-1')));
    assert.ok(!set.has(2));
  });

  test('a set finds exactly the values that are equal to a member', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), value, (members, candidate) => {
        const set = setFrom(members);
        assert.equal(
          set.has(candidate),
          members.some((member) => compare(member, candidate) === 0),
        );
        const sorted = [...set];
        assert.deepEqual(sorted, sorted.toSorted(compare));
      }),
    );
  });

  test('an object finds exactly the keys it was given, the last value winning', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { maxLength: 5 }), value, (entries, key) => {
        const object = objectFromEntries(entries);
        const expected = entries.findLast(([known]) => compare(known, key) === 0)?.[1];
        assert.equal(objectGet(object, key), expected);
        assert.equal(objectKeys(object).length, objectSize(object));
      }),
    );
  });

  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    test(`${name} is an ordinary key`, () => {
      assert.equal(objectGet({}, name), undefined);
      const object = objectFromEntries([[name, 1]]);
      assert.equal(objectGet(object, name), 1);
      assert.deepEqual(objectKeys(object), [name]);
    });
  }

  test('a key that is no string makes a RegoObject, read by value', () => {
    const object = objectFromEntries([
      [setFrom([1, 2]), 'set'],
      [1, 'one'],
      ['1', 'text'],
    ]);
    assert.ok(object instanceof RegoObject);
    assert.equal(objectGet(object, new RegoSet([2, 1])), 'set');
    assert.equal(objectGet(object, new BigNumber('1.0')), 'one');
    assert.equal(objectGet(object, '1'), 'text');
    assert.ok(!isSet(object));
  });
});
