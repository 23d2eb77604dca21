import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TokenBuckets } from './token-buckets.ts';

function buckets(perSecond: number, burst: number, maxKeys?: number) {
  let now = 1_000;
  const limit = new TokenBuckets({
    rate: { perSecond, burst },
    monotonic: () => now,
    ...(maxKeys === undefined ? {} : { maxKeys }),
  });
  return {
    limit,
    pass: (ms: number) => {
      now += ms;
    },
    /** How many tokens there are. */
    drain: (key: string) => {
      let taken = 0;
      while (limit.take(key) === 0) taken += 1;
      return taken;
    },
  };
}

describe('token buckets', () => {
  test('an empty bucket gives nothing, and says when it will', () => {
    const { limit, drain, pass } = buckets(10, 3);
    assert.equal(drain('a'), 3);
    assert.ok(Math.abs(limit.take('a') - 100) < 0.01);
    pass(60);
    assert.ok(Math.abs(limit.take('a') - 40) < 0.01, 'what was refused costs nothing');
    pass(40);
    assert.equal(drain('a'), 1);
  });

  test('asking how long takes nothing', () => {
    const { limit, drain, pass } = buckets(10, 3);
    assert.equal(limit.wait('a'), 0);
    assert.equal(drain('a'), 3);
    for (let i = 0; i < 3; i += 1) assert.ok(Math.abs(limit.wait('a') - 100) < 0.01);
    pass(100);
    assert.deepEqual([limit.wait('a'), drain('a')], [0, 1]);
  });

  test('it fills up to its depth and no further', () => {
    const { drain, pass } = buckets(10, 3);
    assert.equal(drain('a'), 3);
    pass(3_600_000);
    assert.equal(drain('a'), 3);
  });

  for (const [perSecond, burst] of [
    [3, 7],
    [1 / 3600, 1_000],
    [999_983, 999_983],
  ] as const) {
    test(`the whole burst of ${burst} fits at ${perSecond} a second, and one more does not`, () => {
      assert.equal(buckets(perSecond, burst).drain('a'), burst);
    });
  }

  test('keys do not share a bucket', () => {
    const { drain } = buckets(1, 2);
    assert.deepEqual([drain('a'), drain('b'), drain('a')], [2, 2, 0]);
  });
});

describe('the keys that are remembered', () => {
  test('never more than there is room for, however many come', () => {
    const { limit } = buckets(1, 10, 100);
    for (let i = 0; i < 10_000; i += 1) limit.take(`key-${i}`);
    assert.equal(limit.size, 100);
  });

  test('full buckets are forgotten without being asked for', () => {
    const { limit, pass } = buckets(10, 3);
    for (let i = 0; i < 100; i += 1) limit.take(`key-${i}`);
    pass(100);
    for (let i = 0; i < 100; i += 1) limit.take('another');
    limit.take('one more');
    limit.take('and one more');
    assert.ok(limit.size < 100, `${limit.size} are left`);
  });

  test('who has taken most is remembered, whatever comes: only the fullest bucket gives way', () => {
    const { limit, drain } = buckets(1, 10, 100);
    assert.equal(drain('greedy'), 10);
    for (let i = 0; i < 10_000; i += 1) limit.take(`key-${i}`);
    assert.notEqual(limit.take('greedy'), 0);
  });

  test('beside a plain model, over random keys and times, nothing is given that is not there', () => {
    const { limit, pass } = buckets(5, 4, 1_000);
    const model = new Map<string, { tokens: number; at: number }>();
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed % below;
    };
    let now = 0;
    for (let step = 0; step < 20_000; step += 1) {
      const ms = random(50);
      pass(ms);
      now += ms;
      const key = `key-${random(20)}`;
      const { tokens, at } = model.get(key) ?? { tokens: 4, at: now };
      const there = Math.min(4, tokens + ((now - at) / 1000) * 5);
      const given = limit.take(key) === 0;
      assert.equal(given, there >= 1 - 1e-6, `step ${step}: ${there} tokens`);
      model.set(key, { tokens: given ? there - 1 : there, at: now });
    }
  });
});
