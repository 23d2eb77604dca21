import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compile, EvaluationError, type Policy, toPlainJson } from './index.ts';

function policy(text = 'package a\n\nb := 1\n\nf(x) := x + 1'): Policy {
  const result = compile([{ file: 'a.rego', text }], { data: { a: { base: [false, 2] } }, print: () => {} });
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.diagnostics));
  return result.policy;
}

/** Values of the literals, then variables, of each solution. */
function answers(query: string): string {
  const prepared = policy().results(query);
  if (!prepared.ok) return prepared.diagnostics.map(({ location, message }) => `${location.col} ${message}`).join();
  return prepared
    .evaluate({ n: 3 })
    .map(({ expressions, bindings }) => toPlainJson([expressions.map(({ value }) => value), { ...bindings }]))
    .join(' ');
}

describe('the answers to a query', () => {
  // What `opa eval` answers to each of them.
  const CASES: readonly (readonly [query: string, answers: string])[] = [
    ['1 +', '3 unexpected eof token'],
    ['1;', '2 unexpected eof token'],
    ['x := 1; data.nope(y)', '9 undefined function data.nope'],
    ['some y; input.n', '1 declared var y unused'],
    ['true; not input.missing == 1', ''],
    ['not [1 | not input.missing == 1] == []', ''],
    ['not input.n == "a"', '[[true],{}]'],
    ['x + 1', '1 var x is unsafe'],
    ['nope(1)', '1 undefined function nope'],
    ['data.nope', ''],
    ['1 2', '[[1,2],{}]'],
    ['false', '[[false],{}]'],
    ['1 == 2', '[[false],{}]'],
    ['false with input as 3', '[[false],{}]'],
    ['startswith("a", "b")', '[[false],{}]'],
    ['1; false', ''],
    ['x := 1; x == 2', ''],
    ['[false][_]', ''],
    ['data.a.base[i]', '[[2],{"i":1}]'],
    ['not true', ''],
    ['not false', '[[true],{}]'],
    ['every x in [1] { x > 2 }', ''],
    ['x = 1', '[[true],{"x":1}]'],
    ['some x; x = 3', '[[true],{"x":3}]'],
    ['some x in [1, 2]', '[[true],{"x":1}] [[true],{"x":2}]'],
    ['[1, 2][_]', '[[1],{}] [[2],{}]'],
    ['print("seen"); 3', '[[true,3],{}]'],
    ['count([1], x)', '[[true],{"x":1}]'],
    ['data.a.f(input.n)', '[[4],{}]'],
    ['data.a.b + 1; {"k": x} = {"k": 2}', '[[2,true],{"x":2}]'],
  ];
  for (const [query, expected] of CASES) test(query, () => assert.equal(answers(query), expected));

  test('say where each literal stands', () => {
    const prepared = policy().results('x := 1;\ndata.a.b');
    assert.ok(prepared.ok);
    const [only] = prepared.evaluate(undefined);
    assert.deepEqual(
      only?.expressions.map(({ text, row, col }) => [text, row, col]),
      [
        ['x := 1', 1, 1],
        ['data.a.b', 2, 1],
      ],
    );
  });
});

describe('one evaluation', () => {
  test('of a query that is wrong, or fails, throws', () => {
    assert.throws(() => policy().evaluate({}, 'data.a.b +'), TypeError);
    const conflicting = policy('package a\n\nb := 1 if true\n\nb := 2 if true');
    assert.throws(() => conflicting.evaluate({}), EvaluationError);
  });

  test('gives all documents, or the one that is asked for', () => {
    assert.equal(toPlainJson(policy().evaluate({}) ?? null), '{"a":{"b":1,"base":[false,2]}}');
    assert.equal(policy().evaluate({}, 'data.a.b'), 1);
    assert.equal(policy().evaluate({}, 'data.a.nope'), undefined);
    assert.equal(policy().evaluate({ n: 1 }, 'data.a.f(input.n)'), 2);
    assert.equal(policy().evaluate(undefined, 'input'), undefined);
  });
});
