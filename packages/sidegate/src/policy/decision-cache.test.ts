/** Decisions that are remembered, and those that never are. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Decision, PolicyEngine, PolicyInput } from './decision.ts';
import { byPlaces, byWholeInput, cacheDecisions, type DecisionKey } from './decision-cache.ts';

const ALLOWED: Decision = { allow: true, reasons: [] };
const DENIED: Decision = { allow: false, reasons: ['no'] };

function inputOf(path: string, token: NonNullable<PolicyInput['token']> = { sub: 'amal' }): PolicyInput {
  return {
    mtls: { verified: true, subject: {} },
    token,
    request: { method: 'GET', path, upstream_path: path, query: '', host: 'orders' },
    headers: {},
  };
}

function setUp(decide: PolicyEngine, keyOf: DecisionKey = byWholeInput, maxSize = 2) {
  const asked: PolicyInput[] = [];
  const time = { now: 0 };
  const looked: string[] = [];
  const engine = cacheDecisions(
    (input) => {
      asked.push(input);
      return decide(input);
    },
    keyOf,
    { maxSize, ttlMs: 1_000, monotonic: () => time.now, onLookup: (result) => looked.push(result) },
  );
  return { engine, asked, time, looked };
}

describe('a decision', () => {
  for (const failure of ['policy_error', 'policy_timeout', 'policy_undefined'] as const) {
    test(`that is a ${failure} is asked for again`, () => {
      const { engine, asked } = setUp(() => ({ allow: false, failure, reasons: [] }));
      void engine(inputOf('/a'));
      void engine(inputOf('/a'));
      assert.equal(asked.length, 2);
    });
  }

  for (const decision of [ALLOWED, DENIED]) {
    test(`that ${decision.allow ? 'allows' : 'denies'} is remembered until its time is over, however often it is used`, () => {
      const { engine, asked, time, looked } = setUp(() => decision);
      for (const now of [0, 500, 999]) {
        time.now = now;
        assert.equal(engine(inputOf('/a')), decision);
      }
      assert.equal(asked.length, 1);
      time.now = 1_000;
      void engine(inputOf('/a'));
      assert.deepEqual([asked.length, looked], [2, ['miss', 'hit', 'hit', 'miss']]);
    });
  }

  test('that comes later is remembered as well, at once from then on', async () => {
    const { engine, asked } = setUp(() => Promise.resolve(ALLOWED));
    assert.equal(await engine(inputOf('/a')), ALLOWED);
    assert.equal(engine(inputOf('/a')), ALLOWED);
    assert.equal(asked.length, 1);
  });

  test('leaves first that was used longest ago', () => {
    const { engine, asked } = setUp(() => ALLOWED);
    for (const path of ['/a', '/b', '/a', '/c', '/a', '/b']) void engine(inputOf(path));
    assert.deepEqual(
      asked.map(({ request }) => request.path),
      ['/a', '/b', '/c', '/b'],
    );
  });
});

describe('the key of a decision', () => {
  const READS = byPlaces([
    ['token', 'sub'],
    ['token', 'roles'],
    ['request', 'path'],
  ]);
  const ROWS: readonly (readonly [title: string, first: PolicyInput, second: PolicyInput])[] = [
    ['paths', inputOf('/a'), inputOf('/b')],
    ['a number and its text', inputOf('/a', { sub: 1 }), inputOf('/a', { sub: '1' })],
    ['null and nothing', inputOf('/a', { sub: null }), inputOf('/a', {})],
    ['nothing and an empty text', inputOf('/a', {}), inputOf('/a', { sub: '' })],
    ['a text that holds the next one', inputOf('/a', { sub: 'a","b' }), inputOf('/a', { sub: 'a', roles: 'b' })],
    ['one value and a list of it', inputOf('/a', { sub: 'a' }), inputOf('/a', { sub: ['a'] })],
    [
      'what is own and what is inherited',
      inputOf('/a', Object.create({ sub: 'a' }) as NonNullable<PolicyInput['token']>),
      inputOf('/a', { sub: 'a' }),
    ],
  ];
  for (const [title, first, second] of ROWS) {
    test(`tells ${title} apart`, () => assert.notEqual(READS(first), READS(second)));
  }

  test('does not see what the policy does not read', () => {
    assert.equal(READS(inputOf('/a', { sub: 'a', jti: '1' })), READS(inputOf('/a', { sub: 'a', jti: '2' })));
    assert.notEqual(byWholeInput(inputOf('/a', { jti: '1' })), byWholeInput(inputOf('/a', { jti: '2' })));
  });

  test('of what a policy reads through nothing is nothing', () => {
    assert.equal(byPlaces([['token', 'sub', 'name']])(inputOf('/a', {})), ',');
  });
});
