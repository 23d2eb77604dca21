/** What the type checker refuses, in OPA's words and at OPA's positions, and what it must let pass. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from '../../index.ts';

/** `row:column code: message`; the row of the package clause is 0. */
function findings(text: string): string[] {
  const result = compile([{ file: 'p.rego', text: `package p\n${text}` }]);
  if (result.ok) return [];
  return result.diagnostics.map(({ code, message, location: { row, col } }) => `${row - 1}:${col} ${code}: ${message}`);
}

function details(text: string): readonly string[] {
  const result = compile([{ file: 'p.rego', text: `package p\n${text}` }]);
  assert.ok(!result.ok);
  return result.diagnostics.flatMap((each) => each.details ?? []);
}

const REFUSED: readonly (readonly [text: string, ...findings: string[]])[] = [
  [
    'na := 2\nnb := [1 | count([v | some v; na[v]]) > 0 with na as input.b]',
    '2:31 rego_type_error: undefined ref: data.p.na[v]',
  ],
  [
    'nc := 2\nnd if { every x in input.a { x; every y in x { y; z := [v | some v; nc[v]]; z } } }',
    '2:69 rego_type_error: undefined ref: data.p.nc[v]',
  ],
  [
    'ne := 2\nnf := [[v | ne[v]], [v | ne[v][v]]]',
    '2:13 rego_type_error: undefined ref: data.p.ne[v]',
    '2:26 rego_type_error: undefined ref: data.p.ne[v][v]',
  ],
  ['ma if { 1 in ["a"] }', '1:9 rego_type_error: match error'],
  ['mb if { "b", 1 in ["a"] }', '1:9 rego_type_error: match error'],
  ['mc if { not 1 in {"a"} }', '1:9 rego_type_error: match error'],
  ['md if { some y in [1]; y in ["a"] }', '1:24 rego_type_error: match error'],
  ['me if { input == 1 with input.a as 2 }', '1:9 rego_type_error: match error'],
  ['mf := {}\nmg if { mf.a }', '2:9 rego_type_error: undefined ref: data.p.mf.a'],
  ['mh := null\nmi if { mj with input as mh[1] }\nmj if input', '2:26 rego_type_error: undefined ref: data.p.mh[1]'],
  ['mk if { y := [1, 2]; y[1e0] }', '1:22 rego_type_error: undefined ref: y[1e0]'],
  ['ml if { y := [1, 2]; y[100000000000000000000] }', '1:22 rego_type_error: undefined ref: y[100000000000000000000]'],
  ['d if { some 1 in ["a"] }', '1:8 rego_type_error: match error'],
  ['e if { not 1 == "a" }', '1:8 rego_type_error: match error'],
  ['f if { x := {"a": 1}; x.b }', '1:23 rego_type_error: undefined ref: x.b'],
  ['g if { count(5) }', '1:8 rego_type_error: count: invalid argument(s)'],
  ['h if { x := [1,2]; x.foo == 1 }', '1:20 rego_type_error: undefined ref: x.foo'],
  ['i := [y | y := 1; y == "a"]', '1:19 rego_type_error: match error'],
  ['j if { startswith("a", 1) }', '1:8 rego_type_error: startswith: invalid argument(s)'],
  ['k if { fn("a") }\nfn(x) := x + 1', '1:8 rego_type_error: data.p.fn: invalid argument(s)'],
  ['t if { input.foo == input.bar; x := {1,2}; x["a"] }', '1:44 rego_type_error: undefined ref: x.a'],
  ['u if { x := input.a; y := x + "a" }', '1:27 rego_type_error: plus: invalid argument(s)'],
  ['v if { walk(1, [z, "x"]); z == "q" }', '1:27 rego_type_error: match error'],
  ['y if { {"a": x, "b": 1} = {"a": 1, "b": x}; x == "q" }', '1:45 rego_type_error: match error'],
  [
    'aa if { x := [y | y := 1; y == "a"]; z := {q | q := 2; q == "s"}; x == z }',
    '1:27 rego_type_error: match error',
    '1:56 rego_type_error: match error',
  ],
  ['d2 if { count([1]) with count as data.p.g2 }\ng2(_, _) := 3', '1:20 rego_type_error: count: arity mismatch'],
  [
    'e2 if { x := {"a": 1}; some y; x[y] == "s"; y == 1 }',
    '1:32 rego_type_error: match error',
    '1:45 rego_type_error: match error',
  ],
  ['h2 if { x := {1: "a"}; x["1"] }', '1:24 rego_type_error: undefined ref: x["1"]'],
  ['i2 if { x := {"a", "b"}; x[1] }', '1:26 rego_type_error: undefined ref: x[1]'],
  ['w2 if { x := sprintf("%v", 1); y := x + 1 }', '1:14 rego_type_error: sprintf: invalid argument(s)'],
  [
    'z2 if { x := object.get({}, "a", 1); x == 1; y := object.union({}, []) }',
    '1:51 rego_type_error: object.union: invalid argument(s)',
  ],
  ['a3 if { x := json.unmarshal("a"); x.foo; y := [1, 2, "a"][_]; y == true }', '1:63 rego_type_error: match error'],
  ['b3 if { x := {"a": {"b": 1}}; x.a.c }', '1:31 rego_type_error: undefined ref: x.a.c'],
  ['e3 if { x := 1; x.y }', '1:17 rego_type_error: undefined ref: x.y'],
  ['f3 if { x := "abc"; x[0] }', '1:21 rego_type_error: undefined ref: x[0]'],
  ['g3 if { input[x]; x == 1; array.concat([1], "a") }', '1:27 rego_type_error: array.concat: invalid argument(s)'],
  ['i3 := h3.a + h3.b\nh3 := {"a": 1, "b": "c"}', '1:7 rego_type_error: plus: invalid argument(s)'],
  ['j3 := h3.zz\nh3 := {"a": 1, "b": "c"}', '1:7 rego_type_error: undefined ref: data.p.h3.zz'],
  ['k3 := h3[_].q\nh3 := {"a": 1, "b": "c"}', '1:7 rego_type_error: undefined ref: data.p.h3[_].q'],
  ['m3 if { l3.a; l3[true] }\nl3 contains "a"\nl3 contains 1', '1:15 rego_type_error: undefined ref: data.p.l3[true]'],
  [
    'o3 if { n3.a == "s"; n3[1] }\nn3[k] := v if { k := "a"; v := 1 }',
    '1:9 rego_type_error: match error',
    '1:22 rego_type_error: undefined ref: data.p.n3[1]',
  ],
  [
    'q3 if { p3.s["a"] }\np3[x] contains y if { x := "s"; y := 1 }',
    '1:9 rego_type_error: undefined ref: data.p.p3.s.a',
  ],
  ['s3 if { r3.s.t == "q"; r3.s.v; r3.s[1]; r3.x }\nr3.s.t := 1\nr3.s.u := "q"', '1:9 rego_type_error: match error'],
  ['u3 if { t3 == true }\nt3 := x if { x := 1 } else := "s"', '1:9 rego_type_error: match error'],
  ['v3 if { data.p.fn }\nfn(x) := x + 1', '1:9 rego_type_error: function data.p.fn used as reference, not called'],
  [
    'w3 if { data.p.fn.x == 1 }\nfn(x) := x + 1',
    '1:9 rego_type_error: function data.p.fn.x used as reference, not called',
  ],
  [
    'z3 if { is_number("a"); numbers.range(1, "2"); concat(",", [1]) }',
    '1:25 rego_type_error: numbers.range: invalid argument(s)',
    '1:48 rego_type_error: concat: invalid argument(s)',
  ],
  ['a4 if { x := 1 == "a"; y := {1} & [2]; z := 1 - {2} }', '1:29 rego_type_error: and: invalid argument(s)'],
  [
    'b4 if { trim("a", 1) == 2; x = split("a", ","); x[0] == 1 }',
    '1:9 rego_type_error: trim: invalid argument(s)',
    '1:49 rego_type_error: match error',
  ],
  [
    'c4 if { x := {k: v | some k, v in {"a": 1}}; x.a == "b"; x[1] }',
    '1:46 rego_type_error: match error',
    '1:58 rego_type_error: undefined ref: x[1]',
  ],
  [
    'e4 if { d4(1, 1); d4(1, "c") == 5 }\nd4(x, "a") := x\nd4(x, "b") := [x]',
    '1:9 rego_type_error: data.p.d4: invalid argument(s)',
  ],
  [
    'f4 if { [x, y] := input.foo; x == 1; [p, q] := [1, "a"]; p == "x"; q == 1 }',
    '1:58 rego_type_error: match error',
    '1:68 rego_type_error: match error',
  ],
  [
    'g4 if { time.now_ns() == "a"; x := time.clock(1); x[3]; x[0] == "a" }',
    '1:9 rego_type_error: match error',
    '1:51 rego_type_error: undefined ref: x[3]',
    '1:57 rego_type_error: match error',
  ],
  [
    'h4 if { io.jwt.decode("a", [h, p, s]); s == 1 ; h.alg == 1; p == "x" }',
    '1:40 rego_type_error: match error',
    '1:61 rego_type_error: match error',
  ],
  [
    'i4 if { {"a", "b"} == {1, 2} ; {"a": 1} == {"a": "b"}; {"a": 1} == {"b": 1}; [1] == [1, 2]; null == false }',
    '1:9 rego_type_error: match error',
    '1:32 rego_type_error: match error',
    '1:56 rego_type_error: match error',
    '1:78 rego_type_error: match error',
    '1:93 rego_type_error: match error',
  ],
  [
    'j4 if { set() == {1}; [] == ["a"]; {} == {"a": 1}; [] == {} }',
    '1:23 rego_type_error: match error',
    '1:36 rego_type_error: match error',
    '1:52 rego_type_error: match error',
  ],
  ['k4 if { x := [1, "a", true]; some y in x; y == null }', '1:43 rego_type_error: match error'],
  ['l4 if { x := {1, "a"}; some y in x; y == null; y == 1 }', '1:37 rego_type_error: match error'],
  ['m4 if { input.x.y.z[1][_].foo == count({1, 2}) + "s" }', '1:34 rego_type_error: plus: invalid argument(s)'],
  ['n4 := [1, 2][5]', '1:7 rego_type_error: undefined ref: [1, 2][5]'],
  ['o4 := {"a": 1}["b"]', '1:7 rego_type_error: undefined ref: {"a": 1}.b'],
  ['p4 := x.y if { x := {"z": 1} }', '1:7 rego_type_error: undefined ref: x.y'],
  ['x if 1 == "a"', '1:6 rego_type_error: match error'],
  ['x if { [] == ["a"] }', '1:8 rego_type_error: match error'],
  ['x if { {} == {"a": 1} }', '1:8 rego_type_error: match error'],
  ['x if { y := []; y[0] == 1 }', '1:17 rego_type_error: undefined ref: y[0]'],
  ['x if { y := {}; y.a == 1 }', '1:17 rego_type_error: undefined ref: y.a'],
  ['x if { y := set(); y.a }', '1:20 rego_type_error: undefined ref: y.a'],
  ['x if { y := {"a": {"b": []}}; y.a.b == [1] }', '1:31 rego_type_error: match error'],
  ['default n := []\nn := [1] if input.x\nx if { n == [1, 2] }', '3:8 rego_type_error: match error'],
  ['x if { f([]) }\nf(x) := y if { [y] = x }', '1:8 rego_type_error: data.p.f: invalid argument(s)'],
  ['x if { {"a": y} = {"a": "s"}; y == 1 }', '1:31 rego_type_error: match error'],
  ['f("a") := 1\nx := f(1)', '2:6 rego_type_error: data.p.f: invalid argument(s)'],
  ['x := lower(upper(1))', '1:12 rego_type_error: upper: invalid argument(s)'],
  ['x if { some d in count(input.x) }', '1:18 rego_type_error: undefined ref: count(input.x)[__local0__]'],
  ['x if { y := 1; z := y.a; z == "b"; z == 2 }', '1:21 rego_type_error: undefined ref: y.a'],
  [
    'x if { y := [1]; "a" * y.b }',
    '1:18 rego_type_error: mul: invalid argument(s)',
    '1:24 rego_type_error: undefined ref: y.b',
  ],
  ['x := object.union({}, {}) == 1\ny if object.union({}, {}) == 1', '2:6 rego_type_error: match error'],
];
const ACCEPTED: readonly string[] = [
  'r := 1\nx if { r == "a" with data.p.r as "a" }',
  'r := 1\ns := r\nx if { s == "a" with data.p.r as "a" }',
  'r := {}\nx if { r.a with data.p.r as {"a": 1} }',
  'x if { input.b with input.a as 1 }',
  'x := y if { y := 1; z := $"{y}"; y == "a"; z }',
  'a if { every x in ["a"] { x == 1 } }',
  'b if { every x in ["a"] { 1 == "b"; x } }',
  'c if { every x in 5 { x } }',
  'x if { f([]) }\nf(x) := x[0]',
  'x if every y in [1] { count(y) == 2 }',
  'x := {y: z | some y, z in {"a": 1}}.a == "b"',
  'x if input.foo[data.p.y] == 1\ny := {"a"}',
  'x if { some d in 2 }',
  'x := [input.y[i] | true]\ny := {input.k[_]: input.v[_] | true}',
  'f(x) := [x | true]\nx if { some y in f(1); y == 2 }',
  'f(x) := count({x | input.a})',
  'f(x) := count({x: x | input.a})',
  'x if { some y, z in []; y == "a"; z }',
  'x if data.base[1].b',
];

describe('type errors', () => {
  for (const [text, ...expected] of REFUSED) it(JSON.stringify(text), () => assert.deepEqual(findings(text), expected));

  it('show the types of both sides', () => {
    assert.deepEqual(details('x if 1 == "a"'), ['left  : number', 'right : string']);
    assert.deepEqual(details('x if [] == ["a"]'), [
      'left  : array',
      'right : array<string>',
      'hint  : both sides are arrays but their types differ, so they can never be equal',
    ]);
  });

  it('show where a ref breaks off', () => {
    assert.deepEqual(details('x if { y := {"a": {"b": 1}}; y.a.c }'), [
      'y.a.c',
      '    ^',
      '    have: "c"',
      '    want (one of): ["b"]',
    ]);
    assert.deepEqual(details('x if { y := [1]; y.foo }'), ['y.foo', '  ^', '  have: "foo"', '  want (type): number']);
    assert.deepEqual(details('x if { y := 1; y.a }'), ['y.a', '^', 'have: number']);
  });

  it('show what a function wants', () => {
    assert.deepEqual(details('x := count(1)'), [
      'have: (number, ???)',
      'want: (any<string, array[any], object[any: any], set[any]>, number)',
    ]);
  });

  it('are all reported at once', () => {
    assert.equal(findings('x if 1 == "a"\ny if 2 == "b"\nz := [a | a := 1; a == "c"]').length, 3);
  });

  it('do not come from a rule that reads a broken one', () => {
    assert.deepEqual(findings('x := 1 + "a"\ny if x.foo == "b"'), ['1:6 rego_type_error: plus: invalid argument(s)']);
  });
});

describe('sound types', () => {
  for (const text of ACCEPTED) it(JSON.stringify(text), () => assert.deepEqual(findings(text), []));
});
