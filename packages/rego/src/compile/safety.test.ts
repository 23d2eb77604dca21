/** Which variables get a value, and which literals must wait for it. Each row was asked of OPA 1.22. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from '../index.ts';

/** A call that needs its own result. OPA 1.22 takes some of them and fails when it evaluates them. */
const CIRCULAR: readonly string[] = [
  'x := y if { intersection({y, {1}}, y) }',
  'x := y if { object.remove({"a": {y: 1}}, {"z"}, y) }',
  'x := y if { count([y], y) }',
  'x := y if { f({y}, y) }\nf(a) := a',
];

/** A policy, and the places of its unsafe variables, or what else is wrong. */
const UNSAFE: readonly (readonly [text: string, ...findings: string[]])[] = [
  ['x if { y := {[v | some v in input.a]: v[v]}; v = 1 }', '2:39 type: undefined ref: v[v]'],
  ['x := y if { y := [v | v = z]; z = y }', '2:13 z'],
  ['x if { [v | v = z] = z }', '2:8 z'],
  ['x if { z = [v | v = z] }', '2:8 z'],
  ['x if { y = {z} }', '2:8 z'],
  ['x if { [x1, x1[0]] = [input.list, y] }', '2:8 y'],
  ['x if { y = z; z = y }', '2:8 y', '2:8 z'],
  ['x if { {y: 1} = input }', '2:8 y'],
  ['x if { input[[y | y = w]] }', '2:19 w', '2:19 y'],
  ['x if { input[count(y)] }', '2:14 y'],
  ['x if { input == 1 with input as y; y := 2 }', '2:36 compile: var y referenced above'],
  ['x if { input == 1 with input as y.a }', '2:33 y'],
  ['x if { input == 1 with input as [y.a] }', '2:33 y'],
  ['x if { every a in y { a } }', '2:19 y'],
  ['x if { every a in [z | z = q] { a } }', '2:24 q', '2:24 z'],
  ['x if { every a in [1] { a == q } }', '2:25 q'],
  ['x if { every a, b in [1] { a == b; c } }', '2:36 c'],
  ['x if input.a[{"a": y.list[0]}]', '2:6 y'],
  ['x if count(input.a[[y[0]]]) == 1', '2:6 y'],
  ['x if { z := input[{y[z2]}] }', '2:8 y'],
  ['x if { not input[y] }', '2:8 y'],
  ['x if { not [z | z = y] }', '2:17 y', '2:17 z'],
  ['x if { y := z; z := y }', '2:16 compile: var z referenced above'],
  ['x if { y := [z]; [z] = y }', '2:8 z'],
  ['x if { y := z }', '2:8 z'],
  ['x if { [y, q] := z }', '2:8 z'],
  ['x if { y := z; q = w }', '2:8 z', '2:16 q', '2:16 w'],
  ['x if { plus(y, 1, z) }', '2:8 y', '2:8 z'],
  ['x if { plus(1, 1, z); plus(z, 1, q); q > w }', '2:38 w'],
  ['x if { f({y}) }\nf(a) := 1', '2:8 y'],
  ['x if { f({y: 1}, z) }\nf(a) := 1', '2:8 y'],
  ['x if { f([y], z) }\nf(a) := 1', '2:8 y', '2:8 z'],
  ['x if { walk(y, [p, v]) }', '2:8 p', '2:8 v', '2:8 y'],
  ['x if { walk(input, {p, v}); p; v }', '2:8 p', '2:8 v'],
  ['x := $"{y}"', '2:6 y'],
  ['x if { y == 1; z == y }', '2:8 y', '2:16 z'],
  ['x[y] := z if { y = 1 }', '2:9 z'],
  ['x[y] := z', '2:3 y', '2:9 z'],
  ['x contains y', '2:12 y'],
  ['x contains [y | y = z]', '2:17 y', '2:17 z'],
  ['f(y) := z if { y }', '2:9 z'],
  ['f([y, z[0]]) := 1 if { true }', '2:3 z'],
  ['f(y) := [y | q]', '2:14 q'],
  ['x := [y | input[z]]', '2:6 y'],
  ['x := {y: z | input[z]}', '2:6 y'],
  ['x := [y | y := z; z := 1]', '2:19 compile: var z referenced above'],
  ['x := [[z | z = y] | y = z]', '2:7 y', '2:7 z'],
  ['import future.keywords.or\nx if { y or z }', '3:8 y', '3:8 z'],
  ['import future.keywords.or\nx if { {y = 1} or {z = 2; q} }', '3:27 q'],
  ['import future.keywords.or\nx if { y == count([1 | input[z]]) or true }', '3:8 y'],
  ['import future.keywords.or\nx if { f(g(y)) or true }\nf(a) := a\ng(a) := a', '3:8 y'],
  ['import future.keywords.not\nx if { not f(g(y)) }\nf(a) := a\ng(a) := a', '3:8 y'],
  ['import future.keywords.not\nx if { not f(input[y]) }\nf(a) := a', '3:8 y'],
  ['import future.keywords.not\nx if { not input[y].z[q] == w }', '3:8 q', '3:8 w', '3:8 y'],
  ['x if { y = [z | z = y] }', '2:8 y'],
  ['x if { y = 1; y = [z | z = y] }', '2:15 type: match error'],
  ['x if { a = b; b = c; c = a }', '2:8 a', '2:8 b', '2:15 c'],
  ['x if { [a, b] = a }', '2:8 a', '2:8 b'],
  ['x if { a = {"x": a} }', '2:8 a'],
  ['x if { {"x": a} = {"y": b} }', '2:8 a', '2:8 b'],
  ['x if { {"x": a} = [b] }', '2:8 a', '2:8 b'],
  ['x if { [a] = [b, c] }', '2:8 a', '2:8 b', '2:8 c'],
  ['x if { {a | true} = {1} }', '2:8 a'],
  ['x if { {a} = {1} }', '2:8 a'],
  ['x if { {a} == {1}; a }', '2:8 a'],
  ['x if { count(a) = 1 }', '2:8 a'],
  ['x if { {"a": a} = {"a": 1 | true}; a }', '2:8 a'],
  ['x if { {1 | true} = {a}; a }', '2:8 a'],
  ['f([x | x]) := 1', '2:8 x'],
  ['f(input.a) := 1', '2:3 input'],
  ['f(g(1)) := 1\ng(x) := x', '2:3 compile: rule arguments cannot contain calls'],
  ['f(y, [z | z := y]) := z if { true }', '2:23 z'],
  ['x := {k: 1 | some kcount(), v6 in {[1]: 2}}', '2:19 type: undefined function kcount'],
  // OPA 1.22 forgets y while the closure waits for w.
  ['x if { f(y, [z | z = w]); w = 1 }\nf(a, b) := 1', '2:8 y'],
];

const SAFE: readonly string[] = [
  'x := {[v | v = [1]]: v[v]} if { v = input.x }',
  'x if { y = {z}; z = 1 }',
  'x if { x1[0] = input.a[x1] }',
  'x if { y = z; z = y; y = 1 }',
  'x if { [y, z] = [z, 1] }',
  'x if { {"a": y} = {"a": z}; z = 2 }',
  'x if { {y: 1} = {y: z}; y = 1 }',
  'x if { input[{y, 1}] }',
  'x contains y if { input[{y, 1}] }',
  'x if { input[[y, 1]] ; y }',
  'x if { input[{"a": y}] ; y }',
  'x if { input[{y: 1}] ; y }',
  'x if { input[y[z]]; y = input.a }',
  'x contains i if { input == 1 with input as [1, 2][i] }',
  'x contains i if { input == 1 with input as data.foo[i] }',
  'x if { every a in input[b] { a }; b }',
  'x if { every a in [1] { a == q }; q = 1 }',
  'x if { every a in [1] { q = a }; q = 1 }',
  'x if { not y == 1; y = 1 }',
  'x if { not y; input[y] }',
  'x if { not [z | z = y]; y = 2 }',
  'x if { y := z; z = 1 }',
  'x if { walk(input, [p, v]); p; v }',
  'f({y: z}) := 1 if { true }',
  'f({y}) := 1 if { true }',
  'f(y, [y | y]) := 1',
  'x := {z: [z | input[q]; q = z] | input[z]}',
  'x := [[z | z = y; y = 2] | z = 1]',
  'import future.keywords.not\nx if { not input[y] == 1; y = 2 }',
  'import future.keywords.not\nx if { not {y := input[z]; z == y} }',
  'import future.keywords.not\nx if { not {y == 1}; y = 1 }',
  'import future.keywords.not\nx if { not y == [z | z = q]; y = 1; q = 2 }',
  'x if { input.a = [z | z = y]; y = 1 }',
  'x if { y[0]; y = z[0]; z = [[1]] }',
  'x if { [a, b] = [c, d]; [c, d] = input }',
  'x if { a = [b, c]; a = input }',
  'x if { "a" = a; a = b }',
  'x if { count(input) = a; a = b }',
  'x if { input.x = [a, {"b": b}, {c}]; a; b }',
  'x if { input.x = [a, {"b": b}, {c}]; c }',
  'x if { [1 | true] = [a]; a }',
  'x if { {"a": 1 | true} = {"a": a}; a }',
  'f([x | x = 1]) := x if { x = 2 }',
  'f(x, {x: 1}) := 1',
  'f(x, x[0]) := 1',
  'f(x, [x[0]]) := 1',
  'f($"a{input.x}") := 1',
];

function findings(text: string): string[] {
  const result = compile([{ file: 'p.rego', text: `package p\n${text}` }]);
  if (result.ok) return [];
  return result.diagnostics.map(({ code, message, location: { row, col } }) => {
    const unsafe = /^var (\w+) is unsafe$/.exec(message)?.[1];
    return `${row}:${col} ${unsafe ?? `${code.replaceAll(/rego_|_error/g, '')}: ${message}`}`;
  });
}

describe('the safety of variables', () => {
  for (const [text, ...expected] of UNSAFE) {
    it(`${JSON.stringify(text)} is refused`, () => assert.deepEqual(findings(text).toSorted(), expected.toSorted()));
  }
  for (const text of CIRCULAR) {
    it(`${JSON.stringify(text)} is refused`, () => assert.match(findings(text).join(), /^\d+:\d+ y/));
  }
  for (const text of SAFE) it(`${JSON.stringify(text)} is accepted`, () => assert.deepEqual(findings(text), []));
});
