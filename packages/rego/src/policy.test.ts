/** Evaluation through the public functions. The full suite is in tests/conformance; here is what it does not say. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CompileOptions, compile, EvaluationError, type Policy, parseJson, toJson, type Value } from './index.ts';

function policy(text: string, options: CompileOptions = {}): Policy {
  const result = compile([{ file: 'p.rego', text: `package p\n${text}` }], options);
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics.map(({ message }) => message)));
  return result.policy;
}

function x(text: string, input?: Value, data: Value = {}): string | undefined {
  const value = policy(text, { data }).prepare('data.p.x')(input);
  return value === undefined ? undefined : toJson(value);
}

const rows: readonly (readonly [title: string, text: string, input: Value | undefined, answer: string | undefined])[] =
  [
    ['undefined is not false', 'x if input.a', { a: false }, undefined],
    ['a default', 'default x := 1\nx := 2 if input.a', {}, '1'],
    ['else', 'x := 1 if input.a == 1\nelse := 2 if input.a == 2\nelse := 3', { a: 2 }, '2'],
    ['a default of a function', 'default f(_) := 0\nf(a) := a if a > 1\nx := [f(1), f(2)]', {}, '[0,2]'],
    ['destructuring', 'x := [b, c] if [1, {"k": [b, c]}] = [1, input]', { k: [7, 8] }, '[7,8]'],
    ['equations in any order', 'x := a if { [a, b] = [b, c]; c = 3 }', {}, '3'],
    ['iteration with index', 'x := [i | input.a[i] == "y"]', { a: ['x', 'y', 'y'] }, '[1,2]'],
    [
      'a repeated variable joins',
      'x := [k | input.a[k] == input.b[k]]',
      { a: { p: 1, q: 2 }, b: { p: 1, q: 3 } },
      '["p"]',
    ],
    ['membership with key', 'x if "a", 1 in input', { a: 1 }, 'true'],
    ['some in with a pattern', 'x contains v if some {"k": v} in input', [{ k: 1 }, { j: 2 }, { k: 3 }], '[1,3]'],
    ['every is true of nothing', 'x if every a in [] { a > 1 }', {}, 'true'],
    ['every is undefined of a number', 'x if every a in 1 { a > 1 }', {}, undefined],
    ['not of undefined', 'x if not input.a.b.c == 1', {}, 'true'],
    ['a call in not stands outside it', 'x if not startswith(input.a, "b")', {}, undefined],
    [
      'a call in not, with future.keywords.not',
      'import future.keywords.not\nx if not startswith(input.a, "b")',
      {},
      'true',
    ],
    [
      'or and and',
      'import future.keywords.or\nimport future.keywords.and\nx if { input.a or input.b and input.c }',
      { b: 1, c: 1 },
      'true',
    ],
    [
      'not of a group',
      'import future.keywords.or\nimport future.keywords.not\nx if not (input.a or input.b)',
      { a: 1 },
      undefined,
    ],
    [
      'braces have their own variables',
      'import future.keywords.or\nx if { {y := 1; y == 2} or {y := 3; y == 3} }',
      {},
      'true',
    ],
    ['template strings', 'x := $"{input.a} \\{} {input.b}"', { a: [1] }, '"[1] {} \\u003cundefined\\u003e"'],
    ['general ref heads', 'y[a].z[b] := c if { some a, b in ["s"]; c := 1 }\nx := y', {}, '{"0":{"z":{"s":1}}}'],
    [
      'nested partial objects',
      'y[k].size := count(v) if some k, v in input\nx := y',
      { a: [1], b: [] },
      '{"a":{"size":1},"b":{"size":0}}',
    ],
    [
      'sets below a variable',
      'y[k] contains v if { some k in ["a", "b"]; v := input[k][_] }\nx := y',
      { a: [1], b: [2, 2] },
      '{"a":[1],"b":[2]}',
    ],
    [
      'a default beside a variable in a head',
      'y[k] := 1 if { some k, _ in {"a": 0} }\ndefault y.b := 2\nx := y',
      {},
      '{"a":1}',
    ],
    ['with input', 'y := input.a\nx := [y, z] if { z := y with input.a as 2 }', { a: 1 }, '[1,2]'],
    ['with a rule', 'y := 1\nx := z if z := y with data.p.y as 2', {}, '2'],
    ['with a function', 'f(a) := a\nx := z if z := f(1) with f as 5', {}, '5'],
    ['with a builtin by a function', 'g(_) := "mocked"\nx := z if z := upper("a") with upper as g', {}, '"mocked"'],
    ['with a package', 'a.b := 1\nx := z if z := data.p.a with data.p.a as {"c": 2}', {}, '{"c":2}'],
    ['with a package, by what lacks it', 'a.b.c := 1\nx := z if z := data.p.a with data.p.a as {}', {}, '{}'],
    ['with what is not there yet', 'x := z if z := data.new.thing with data.new.thing as {"a": 1}', {}, '{"a":1}'],
    ['with a rule, null', 'y := 1\nx := [z] if z := y with data.p.y as null', {}, '[null]'],
    ['null is a value', 'x := object.get(input, "a", 1)', { a: null }, 'null'],
    ['exact decimals', 'x := 0.1 + 0.2', {}, '0.3'],
    ['keys that are not strings', 'y := {1: "a", [2]: "b"}\nx := [y[1], y[[2]]]', {}, '["a","b"]'],
  ];

describe('evaluation', () => {
  for (const [title, text, input, answer] of rows) {
    it(title, () => {
      assert.equal(x(text, input), answer);
    });
  }

  it('base and virtual documents are one tree', () => {
    const data = { p: { base: 1 }, q: { r: [10, 20] } };
    assert.equal(x('y := 2\nx := [data.p.base, data.p.y, data.q.r[1]]', {}, data), '[1,2,20]');
    const whole = policy('y := 2', { data }).query('v = data.p');
    assert.deepEqual(whole.ok && whole.evaluate({}).map(({ v }) => toJson(v ?? null)), ['{"base":1,"y":2}']);
  });

  const conflicts: readonly (readonly [title: string, text: string, reason: RegExp])[] = [
    [
      'two values',
      'x := 1\nx := 2',
      /^p\.rego:3: eval_conflict_error: complete rules must not produce multiple outputs$/,
    ],
    ['two values of one body', 'x := a if some a in [1, 2]', /complete rules must not produce multiple outputs/],
    [
      'two values of a function',
      'f(_) := 1\nf(_) := 2\nx := f(0)',
      /functions must not produce multiple outputs for same inputs/,
    ],
    ['two values of a key', 'x[k] := v if { k := "a"; some v in [1, 2] }', /object keys must be unique/],
    ['two values of a key in a comprehension', 'x := {"a": v | some v in [1, 2]}', /object keys must be unique/],
  ];
  for (const [title, text, reason] of conflicts) {
    it(`C-225 ${title}: an error, not an answer`, () => {
      assert.throws(() => x(text, {}), { name: 'EvaluationError', code: 'eval_conflict_error', message: reason });
    });
  }
});

describe('queries', () => {
  it('answer with every solution', () => {
    const prepared = policy('y := [1, 2, 3]').query('some i; data.p.y[i] > input.min; z := i * 10');
    assert.ok(prepared.ok);
    assert.deepEqual(prepared.evaluate({ min: 1 }), [
      { i: 1, z: 10 },
      { i: 2, z: 20 },
    ]);
  });

  it('replace functions that were compiled without knowing', () => {
    const p = policy('y := upper("a")');
    const plain = p.prepare('data.p.y');
    const prepared = p.query('v := data.p.y with upper as "b"');
    assert.ok(prepared.ok);
    assert.deepEqual(prepared.evaluate({}), [{ v: 'b' }]);
    assert.equal(plain({}), 'A');
  });

  for (const text of ['v = nofn(1)', 'v = w', '1 +', '', 'x := 1; x := 2']) {
    it(`${JSON.stringify(text)} is refused with diagnostics`, () => {
      const prepared = policy('y := 1').query(text);
      assert.ok(!prepared.ok && prepared.diagnostics.length > 0);
    });
  }

  for (const text of ['data.p[input.a]', 'input.a', 'data.p.x; true', 'not data.p.x', '1', '"; evil']) {
    it(`${JSON.stringify(text)} cannot be prepared as a decision`, () => {
      assert.throws(() => policy('x := 1').prepare(text), TypeError);
    });
  }

  it('a path that no rule defines reads base documents', () => {
    const p = policy('x := {"a": {"b": 1}}', { data: { q: { r: 2 } } });
    assert.equal(p.prepare('data.q.r')({}), 2);
    assert.equal(p.prepare('data.p.x.a.b')({}), 1);
    assert.equal(p.prepare('data.q.none')({}), undefined);
  });
});

describe('the clock', () => {
  const text =
    'x if input.exp > time.now_ns() / 1000000000\ny := [time.now_ns(), time.now_ns()]\nz if time.now_ns() / 1000 <= input.exp';
  const at = (now: bigint, exp: Value, query = 'data.p.x'): Value | undefined =>
    policy(text).prepare(query)({ exp }, { now });

  it('is what the caller says, and stands still', () => {
    assert.equal(
      toJson(at(1_700_000_000_123_456_789n, 0, 'data.p.y') ?? null),
      '[1700000000123456789,1700000000123456789]',
    );
  });

  const second = 1_000_000_000n;
  const edges: readonly (readonly [now: bigint, exp: Value, after: boolean])[] = [
    [5n * second, 5, false],
    [5n * second - 1n, 5, true],
    [5n * second + 1n, 5, false],
    [5n * second + 500_000_000n, parseJson('5.500000001'), true],
    [5n * second + 500_000_000n, 5.5, false],
    [5n * second, null, false],
    [5n * second, true, false],
    [5n * second, 'text orders after numbers', true],
    [5n * second, parseJson('1e400'), true],
    [0n, 0, false],
    [0n, -1, false],
  ];
  for (const [now, exp, after] of edges) {
    it(`${toJson(exp)} ${after ? 'is' : 'is not'} after ${now} ns`, () => {
      assert.equal(at(now, exp), after ? true : undefined);
    });
  }

  it('compares from either side and in any unit', () => {
    assert.equal(at(5_000n, 5, 'data.p.z'), true);
    assert.equal(at(5_001n, 5, 'data.p.z'), undefined);
  });
});

describe('builtin errors', () => {
  it('make a literal undefined, or end the evaluation when asked to', () => {
    const evaluate = policy('x := to_number(input.a)').prepare('data.p.x');
    assert.equal(evaluate({ a: 'b' }), undefined);
    assert.throws(() => evaluate({ a: 'b' }, { strictBuiltinErrors: true }), EvaluationError);
  });
});

describe('print', () => {
  const text = 'x if { print("a", input.b, [1]); true }';

  it('reaches whoever listens, and shows what is undefined', () => {
    const lines: string[] = [];
    assert.equal(policy(text, { print: (line) => lines.push(line) }).prepare('data.p.x')({}), true);
    assert.deepEqual(lines, ['a <undefined> [1]']);
  });

  it('does nothing when nobody does', () => {
    assert.equal(policy(text).prepare('data.p.x')({}), true);
  });
});

describe('the rule index', () => {
  const rules = Array.from(
    { length: 50 },
    (_, i) => `x contains ${i} if { input.path == "/p${i % 25}"; input.n == ${i} }`,
  );
  const p = policy(
    `${rules.join('\n')}\nx contains "any" if input.path\nf("a", _) := 1\nf("b", _) := 2\nf("c", _) := 3\nf("d", _) := 4\nf(_, "z") := 9\ny := f(input.a, input.b)`,
  );

  for (const [input, answer] of [
    [{ path: '/p3', n: 3 }, '[3,"any"]'],
    [{ path: '/p3', n: 28 }, '[28,"any"]'],
    [{ path: '/none', n: 3 }, '["any"]'],
    [{ path: ['/p3'], n: 3 }, '["any"]'],
    [{}, '[]'],
    ['/p3', '[]'],
  ] as const) {
    it(`finds the rules for ${JSON.stringify(input)}`, () => {
      assert.equal(toJson(p.prepare('data.p.x')(input) ?? null), answer);
    });
  }

  it('finds functions by their arguments, and still conflicts', () => {
    const y = p.prepare('data.p.y');
    assert.equal(y({ a: 'c', b: 'x' }), 3);
    assert.equal(y({ a: 'q', b: 'z' }), 9);
    assert.equal(y({ a: 1, b: 1 }), undefined);
    assert.throws(() => y({ a: 'c', b: 'z' }), EvaluationError);
  });
});
