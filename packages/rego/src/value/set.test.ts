/** Sets are the same whether their members stand in a list or behind keys. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BigNumber, parseNumber } from './number.ts';
import { RegoSet, setFrom } from './set.ts';
import type { Value } from './value.ts';

/** One more member than a list is looked through for. */
const MANY: readonly Value[] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

describe('a set', () => {
  for (const [title, others] of [
    ['of few members', []],
    ['of many members', MANY],
    ['of composites', [[1], { a: 1 }]],
  ] as const) {
    it(`${title} does not have what only looks alike`, () => {
      const set = setFrom(['10', null, false, ...others]);
      for (const absent of [10, '', 'null', true, [], {}, setFrom([])] as const) assert.equal(set.has(absent), false);
    });

    it(`${title} has a number in any spelling`, () => {
      const spelled = parseNumber('10.0');
      assert.ok(spelled instanceof BigNumber);
      assert.equal(setFrom([10, ...others]).get(spelled), 10);
      assert.equal(setFrom([spelled, ...others]).get(10), spelled);
    });

    it(`${title} keeps each value once, and is sorted`, () => {
      const set = setFrom([...others, 'b', 'a', 'b', 0]);
      assert.equal(set.size, new Set([...others, 'b', 'a', 0]).size);
      assert.deepEqual(set.sorted().slice(0, 1), [0]);
      assert.equal(setFrom(set.sorted().toReversed()).equals(set), true);
    });

    it(`${title} differs from one with another member`, () => {
      assert.equal(setFrom(['x', ...others]).equals(setFrom(['y', ...others])), false);
      assert.equal(setFrom(['x', ...others]).equals(setFrom(others)), false);
    });
  }

  it('of few members equals one that once held them behind keys', () => {
    const builder = RegoSet.builder();
    for (const value of MANY) builder.add(value);
    assert.equal(builder.done().equals(setFrom(MANY.toReversed())), true);
  });
});
