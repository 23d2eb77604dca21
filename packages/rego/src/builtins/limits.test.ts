import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answer, testContext } from '../../../../tests/support/rego-context.ts';
import { parseJson } from '../value/json.ts';
import { compositeKey } from '../value/key.ts';
import { objectFromEntries } from '../value/object.ts';
import { setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';

describe('what could grow without end is refused', () => {
  const long = 'x'.repeat(5_000_000);
  const refused: readonly (readonly [name: string, args: readonly Value[], message: string])[] = [
    ['numbers.range', [1, 1e9], 'range of more than 1000000 numbers'],
    ['numbers.range', [0, parseJson('1e1000000000')], 'must be integer number but got floating-point number'],
    ['numbers.range_step', [0, parseJson('9007199254740993'), 1], 'range of more than 1000000 numbers'],
    ['bits.lsh', [1, 1e9], 'shift by more than 65536 bits'],
    ['net.cidr_expand', ['10.0.0.0/8'], 'network of more than 65536 addresses'],
    ['net.cidr_expand', ['::/0'], 'network of more than 65536 addresses'],
    ['concat', [',', [long, long, long, long]], 'string longer than 16777216 characters'],
    ['sprintf', ['%9999999d%9999999d', [1, 2]], 'string longer than 16777216 characters'],
    ['replace', [long, 'x', 'xxxxxxxxxx'], 'string longer than 16777216 characters'],
    ['plus', [parseJson('1e1000000000'), 1], 'number too big'],
    ['format_int', [parseJson('1e1000000000'), 10], 'number too big'],
    ['units.parse_bytes', ['1e9999999K'], 'exponent too large'],
    ['glob.match', ['{'.repeat(10_000), null, 'x'], 'nested too deeply'],
    ['json.unmarshal', ['['.repeat(100_000)], 'exceeded max depth'],
  ];
  for (const [name, args, message] of refused) {
    test(`${name}: ${message}`, () => {
      const result = answer(name, args);
      assert.ok(typeof result === 'object' && result !== null && 'refusal' in result, `${name} answered`);
      assert.ok((result.refusal as string).endsWith(message), result.refusal as string);
    });
  }

  test('an absurd width is ignored as Go ignores it', () => {
    assert.equal(answer('sprintf', ['%*d', [2_000_000, 1]]), '%!(BADWIDTH)1');
  });
});

describe('values that nest 5,000 levels deep are compared and combined', () => {
  const nested = (within: Value, around: (value: Value) => Value): Value => {
    let value = within;
    for (let level = 0; level < 5_000; level += 1) value = around(value);
    return value;
  };
  const list = (within: Value): Value => nested(within, (value) => [value]);
  const object = (within: Value): Value => nested(within, (value) => ({ a: value }));
  const calls: readonly (readonly [name: string, args: readonly Value[], expected: Value])[] = [
    ['object.subset', [object({ a: 1 }), object({ a: 2 })], false],
    ['object.subset', [object({ a: 1, b: 2 }), object({ a: 1 })], true],
    ['object.subset', [{ a: list(1) }, { a: setFrom([1]) }], false],
    ['object.union', [object({ a: 1 }), object({ b: 2 })], object({ a: 1, b: 2 })],
    ['object.union_n', [[object({ a: 1 }), object({ b: 2 }), object({ a: 3 })]], object({ a: 3, b: 2 })],
    ['object.remove', [{ a: 1, b: 2 }, ['a', ...(list(list(1)) as readonly Value[])]], { b: 2 }],
    ['object.filter', [{ a: 1, b: 2 }, setFrom(['a', list(1)])], { a: 1 }],
    [
      'object.filter',
      [objectFromEntries([[list(1), 'kept']]), [list(1), list(2)]],
      objectFromEntries([[list(1), 'kept']]),
    ],
  ];
  for (const [index, [name, args, expected]] of calls.entries()) {
    test(`${name}, ${index + 1}`, () => {
      const result = answer(name, args) as Value;
      assert.equal(compositeKey(result), compositeKey(expected));
    });
  }
});

test('a pattern that would backtrack for ever answers at once', () => {
  assert.equal(answer('regex.match', ['(a+)+$', `${'a'.repeat(50_000)}b`]), false);
  assert.equal(answer('glob.match', [`${'*a'.repeat(20)}b`, null, 'a'.repeat(5_000)]), false);
});

test('random answers stay the same within a query, and only there', () => {
  let drawn = 0;
  const random = (): number => {
    drawn += 0.37;
    return drawn % 1;
  };
  const query = testContext({ random });
  for (const [name, args] of [
    ['rand.intn', ['seed', 1000]],
    ['uuid.rfc4122', ['seed']],
  ] as const) {
    const first = answer(name, args, query);
    assert.equal(answer(name, args, query), first);
    assert.notEqual(answer(name, args, testContext({ random })), first);
  }
});

test('members of prototypes are no members', () => {
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    assert.equal(answer('object.get', [{}, name, 'absent']), 'absent');
    assert.deepEqual(answer('object.filter', [{ a: 1 }, [name]]), Object.assign(Object.create(null), {}));
    assert.equal(answer('internal.member_3', [name, 1, {}]), false);
    assert.equal(answer('semver.is_valid', [name]), false);
    assert.equal(answer('time.format', [[0, 'UTC', name]]), name);
  }
  assert.equal(answer('count', [setFrom(['__proto__', 'constructor'])]), 2);
});
