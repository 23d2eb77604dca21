/** What the passes over the intermediate form do changes no answer: here with what they must leave alone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile, type Value } from '../index.ts';
import { RegoSet } from '../value/set.ts';

const BACKENDS = ['generated', 'closures'] as const;

interface Row {
  readonly title: string;
  readonly rules: string;
  readonly input?: Value;
  readonly x: Value | undefined;
}

const ROWS: readonly Row[] = [
  {
    title: 'a function whose body fails leaves its caller undefined',
    rules: 'f(a) := 1 if a == 2\nx := f(1)',
    x: undefined,
  },
  {
    title: 'a function that is negated keeps to its own block',
    rules: 'f(a) if { a == 1; a != 1 }\nx if not f(1)',
    x: true,
  },
  {
    title: 'a value that came from a function is known inside the blocks that follow',
    rules: 'f(a) := [a]\nx if { y := f(1); not y == [2]; every z in y { [z] == y } }',
    x: true,
  },
  {
    title: 'each turn of a loop has its own call',
    rules: 'f(a) := a if a != 2\nelse := "two"\nx := [y | some z in [1, 2, 3]; y := f(z)]',
    x: [1, 'two', 3],
  },
  {
    title: 'a function reads the input that with gave its caller',
    rules:
      'f(k) := object.get(input, ["a", k], 0)\nx := [f("b"), y, f("b")] if { y := f("b") with input as {"a": {"b": 2}} }',
    input: { a: { b: 1 } },
    x: [1, 2, 1],
  },
  {
    title: 'a function is replaced also where it is small',
    rules: 'f(a) := a\ng(a) := f(a)\nx := y if { y := g(1) with f as 7 }',
    x: 7,
  },
  {
    title: 'a document that is constant is replaced by with',
    rules: 'd := {"a": 1}\ny := d.a\nx := [y, z] if { z := y with data.p.d as {"a": 2} }',
    x: [1, 2],
  },
  {
    title: 'object.get of a set is an error, as the builtin has it',
    rules: 'x := object.get(input, "a", 0)',
    input: new RegoSet(['a']),
    x: undefined,
  },
  {
    title: 'object.get of a string has no length',
    rules: 'x := object.get(input.a, "length", 0)',
    input: { a: 'text' },
    x: undefined,
  },
  {
    title: 'object.get finds false, and nothing below what is missing',
    rules:
      'x := [object.get(input, ["a", "b"], 1), object.get(input, ["a", "c", "d"], 2), object.get(input, [], 3) == input]',
    input: { a: { b: false } },
    x: [false, 2, true],
  },
  {
    title: 'a constant object has no member that it inherits',
    rules: 'd := {"a": 1}\nx := [v | some k in ["toString", "__proto__", 1, "a"]; v := d[k]]',
    x: [1],
  },
];

describe('the passes over the intermediate form', () => {
  for (const { title, rules, input, x } of ROWS) {
    for (const backend of BACKENDS) {
      it(`${title} (${backend})`, () => {
        const result = compile([{ file: 'p.rego', text: `package p\n${rules}` }], { backend });
        assert.ok(result.ok, JSON.stringify(result));
        assert.deepEqual(result.policy.prepare('data.p.x')(input), x);
      });
    }
  }

  for (const backend of BACKENDS) {
    it(`a document that is constant is replaced with all above it (${backend})`, () => {
      const modules = [
        { file: 'd.rego', text: 'package d\nd := {"a": 1}\ny := d.a' },
        { file: 'p.rego', text: 'package p\nx := z if { z := data.d.y with data.d as {"y": 3} }' },
      ];
      const result = compile(modules, { backend });
      assert.ok(result.ok);
      assert.equal(result.policy.prepare('data.p.x')({}), 3);
    });
  }

  it('a query may replace a document that rules know as a constant', () => {
    const result = compile([{ file: 'p.rego', text: 'package p\nd := {"a": 1}\ny := d.a' }]);
    assert.ok(result.ok);
    const before = result.policy.prepare('data.p.y');
    const query = result.policy.query('z := data.p.y with data.p.d as {"a": 2}');
    assert.ok(query.ok);
    assert.deepEqual(query.evaluate({}), [{ z: 2 }]);
    assert.equal(before({}), 1);
  });
});
