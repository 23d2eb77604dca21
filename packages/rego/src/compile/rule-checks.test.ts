/** Conflicts, imports, shadowed names, `with` targets and strict mode: OPA's words at OPA's positions. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CompileOptions, compile } from '../index.ts';

/** `row:column code: message`; the row of the package clause is 0. */
function findings(text: string, options: CompileOptions = {}): string[] {
  const result = compile([{ file: 'p.rego', text: `package p\n${text}` }], options);
  if (result.ok) return [];
  return result.diagnostics.map(({ code, message, location: { row, col } }) => `${row - 1}:${col} ${code}: ${message}`);
}

const REFUSED: readonly (readonly [text: string, ...findings: string[]])[] = [
  ['p contains 1\np := 2', '1:1 rego_type_error: conflicting rules data.p.p found'],
  ['p := 2\np contains 1\np(x) := 3', '1:1 rego_type_error: conflicting rules data.p.p found'],
  ['p(_) := 1\np(_, _) := 2', '1:1 rego_type_error: conflicting rules data.p.p found'],
  ['a.b := 1\na := 2', '2:1 rego_type_error: rule data.p.a conflicts with:\n  rule data.p.a.b at p.rego:2'],
  [
    'a.b.c := 1\na.b.d := 1\na := 2\na.b := 3',
    '3:1 rego_type_error: rule data.p.a conflicts with:\n  rule data.p.a.b at p.rego:5',
    '4:1 rego_type_error: rule data.p.a.b conflicts with:\n  rule data.p.a.b.c at p.rego:2\n  rule data.p.a.b.d at p.rego:3',
  ],
  ['a.b(x) := 1\na := 2', '2:1 rego_type_error: rule data.p.a conflicts with:\n  rule data.p.a.b at p.rego:2'],
  [
    'default p := 1\ndefault p := 2\ndefault p := 3',
    '0:1 rego_type_error: multiple default rules data.p.p found at p.rego:2, p.rego:3, p.rego:4',
  ],
  [
    'default f(x) := 1\ndefault f(y) := 2',
    '0:1 rego_type_error: multiple default rules data.p.f found at p.rego:2, p.rego:3',
  ],
  [
    'p if q\nq if p',
    '1:1 rego_recursion_error: rule data.p.p is recursive: data.p.p -> data.p.q -> data.p.p',
    '2:1 rego_recursion_error: rule data.p.q is recursive: data.p.q -> data.p.p -> data.p.q',
  ],
  ['p if data.p[_]', '1:1 rego_recursion_error: rule data.p.p is recursive: data.p.p -> data.p.p'],
  [
    'p[x] := y if { x := "a"; y := p.b }',
    '1:1 rego_recursion_error: rule data.p.p[x] is recursive: data.p.p[x] -> data.p.p[x]',
  ],
  [
    'p := x if { x := 1 with data.p.p as 2 }',
    '1:1 rego_recursion_error: rule data.p.p is recursive: data.p.p -> data.p.p',
  ],
  ['f(x) := f(x)', '1:1 rego_recursion_error: rule data.p.f is recursive: data.p.f -> data.p.f'],
  [
    'p if q\nelse if r\nr if p\nq := 1',
    '2:1 rego_recursion_error: rule data.p.p is recursive: data.p.p -> data.p.r -> data.p.p',
    '3:1 rego_recursion_error: rule data.p.r is recursive: data.p.r -> data.p.p -> data.p.r',
  ],
  [
    'a[x].b := 1 if { x := "q" }\na.c.b.d := 2\na.c := 3',
    '3:1 rego_type_error: rule data.p.a.c conflicts with:\n  rule data.p.a.c.b.d at p.rego:3',
  ],
  ['a[x] := 1 if { x := "q" }\na contains 3', '1:1 rego_type_error: conflicting rules data.p.a found'],
  ['a[x] contains 1 if { x := "q" }\na.z := 3'],
  ['p := 1\np.q contains 3', '1:1 rego_type_error: rule data.p.p conflicts with:\n  rule data.p.p.q at p.rego:3'],
  ['import data.a\nimport data.b.a\nx := 1', '2:1 rego_compile_error: import must not shadow import data.a'],
  [
    'import data.a\nimport data.a\nimport data.a as b\nx := 1',
    '2:1 rego_compile_error: import must not shadow import data.a',
  ],
  ['import input.foo\nfoo := 1'],
  ['import data.foo as bar\nbar if true'],
  [
    'import rego.v1\nimport rego.v1\nimport future.keywords\nx := 1',
    '2:1 rego_compile_error: import must not shadow import rego.v1',
  ],
  [
    'import future.keywords.in\nimport future.keywords.in\nx := 1',
    '2:1 rego_compile_error: import must not shadow import future.keywords["in"]',
  ],
  ['import data.foo\nx := foo.bar\ny if { foo := 1; foo == 1 }'],
  [
    'f(input) := 1\ng(data, x) := x\nx := [input | input := 1]\ny if { some input in [1]; every data in [1] { data } }',
    '4:45 rego_parse_error: unexpected { token: expected value to be a variable',
  ],
  [
    'input.x := 1\ndefault data := 3',
    '1:1 rego_compile_error: rules must not shadow input (use a different rule name)',
    '2:1 rego_compile_error: rules must not shadow data (use a different rule name)',
  ],
  [
    'x if input.x with foo as 1',
    '1:19 rego_type_error: with keyword target must reference existing input, data, or a function',
  ],
  [
    'x if true with data.p.f as 1\nf(a) := a\ny if true with data.p.f.x as 3\nz if true with input.x[y] as 1',
    '3:16 rego_compile_error: with keyword cannot partially replace virtual document(s)',
  ],
  ['x if true with time.now_ns as f\nf() := 1'],
  [
    'x if true with foo.bar as 1\ny if true with p as 3\nz if true with x.y as 3\np := 1',
    '1:16 rego_type_error: with keyword target must reference existing input, data, or a function',
    '3:16 rego_compile_error: with keyword cannot partially replace virtual document(s)',
  ],
  [
    'x if true with walk as 1\ny if true with data.z as count\nw if data.z with data.z as data.p.f\nf(a) := a\nv if true with input as f\nu if true with f as f',
    '1:16 rego_compile_error: with keyword replacing built-in function: target must not be a relation',
  ],
  [
    'x if { any([true]); all([true]); re_match("a", "b"); set_diff({1}, {2}); not any([]); y := any([z | z := all([true])]) ; y}',
    '1:8 rego_type_error: deprecated built-in function calls in expression: any',
    '1:21 rego_type_error: deprecated built-in function calls in expression: all',
    '1:34 rego_type_error: deprecated built-in function calls in expression: re_match',
    '1:54 rego_type_error: deprecated built-in function calls in expression: set_diff',
    '1:74 rego_type_error: deprecated built-in function calls in expression: any',
    '1:92 rego_type_error: deprecated built-in function calls in expression: any',
    '1:106 rego_type_error: deprecated built-in function calls in expression: all',
  ],
  ['import data.fx\ny := fx(1)', '2:6 rego_type_error: undefined function data.fx'],
  ['x if { y := 1; y := 2 }\nzz if 1 == "a"', '1:16 rego_compile_error: var y assigned above'],
  ['x if { y = 1; y := 2 }\nzz if 1 == "a"', '1:15 rego_compile_error: var y referenced above'],
  ['x if { 1 := 2 }\nzz if 1 == "a"', '1:8 rego_compile_error: cannot assign to number'],
  ['x if { f(x) := 2 }\nf(a) := a\nzz if 1 == "a"', '1:8 rego_compile_error: cannot assign to call'],
  ['x if { input.a := 2 }\nzz if 1 == "a"', '1:8 rego_compile_error: cannot assign to ref'],
  [
    'x if { some z; true }\nzz if 1 == "a"',
    '1:8 rego_compile_error: declared var z unused',
    '2:7 rego_type_error: match error',
  ],
  ['f(a) if { a := 1; a == "x" }\nzz if 1 == "a"', '1:11 rego_compile_error: arg a redeclared'],
  ['x if { not y := 1 }\nzz if 1 == "a"', '1:8 rego_compile_error: cannot assign vars inside negated expression'],
  [
    'import data.a\nimport data.a\nb if data.c.d == 3 + "a"\nzz if 1 == "a"',
    '2:1 rego_compile_error: import must not shadow import data.a',
    '3:18 rego_type_error: plus: invalid argument(s)',
    '4:7 rego_type_error: match error',
  ],
  [
    'x if { [1, y] := [1, 2]; {1: z} := {1: 2}; y > z; {q} := {1} }\nzz if 1 == "a"',
    '1:9 rego_compile_error: cannot assign to number',
    '1:51 rego_compile_error: cannot assign to set',
  ],
  ['x if { some x, y in {1: 2}; x == y }\nzz if 1 == "a"', '2:7 rego_type_error: match error'],
  ['x if { y := 2; some y; y }\nzz if 1 == "a"', '1:16 rego_compile_error: var y assigned above'],
  ['x if { some y in [1]; some y in [2]; y }\nzz if 1 == "a"', '1:23 rego_compile_error: var y declared above'],
  ['x if { every y in [1] { y := 2; y } }\nzz if 1 == "a"', '1:25 rego_compile_error: var y declared above'],
  ['x if { [y | y := 1; y := 2] }\nzz if 1 == "a"', '1:21 rego_compile_error: var y assigned above'],
  ['x if { y := z; w := 3 }\nzz if 1 == "a"', '1:8 rego_unsafe_var_error: var z is unsafe'],
  ['x if { y := 1 with input as y }\nzz if 1 == "a"', '1:8 rego_compile_error: var y referenced above'],
  ['x if { y == 1; y := 1; unk(1) }\nzz if 1 == "a"', '1:16 rego_compile_error: var y referenced above'],
];
const STRICT: readonly (readonly [text: string, ...findings: string[]])[] = [
  [
    'import data.foo\nimport data.bar as baz\nimport input.q\nx := q',
    '1:1 rego_compile_error: import data.foo unused',
    '2:1 rego_compile_error: import data.bar as baz unused',
  ],
  ['x if { y := 1; z := 2; z == 2 }', '1:8 rego_compile_error: assigned var y unused'],
  [
    'f(a) := 1\ng(a, b) := a\nh(_) := 1\ni([a, b]) := 2\nj({"x": a}) := a',
    '1:1 rego_compile_error: unused argument a. (hint: use _ (wildcard variable) instead)',
    '2:1 rego_compile_error: unused argument b. (hint: use _ (wildcard variable) instead)',
    '4:1 rego_compile_error: unused argument a. (hint: use _ (wildcard variable) instead)',
    '4:1 rego_compile_error: unused argument b. (hint: use _ (wildcard variable) instead)',
  ],
  ['x if { some y in [1]; some z; input[z] }\nx2 if { some a, b in [1]; b == 1 }'],
  ['x if { y = 1; [z, w] := [1, 2]; z == 1 }', '1:15 rego_compile_error: assigned var w unused'],
  [
    'x if { any([true]); all([true]); re_match("a", "b"); set_diff({1}, {2}); net.cidr_overlap("10.0.0.0/8", "10.0.0.1"); cast_string("a") == "a"}',
    '1:8 rego_type_error: deprecated built-in function calls in expression: any',
    '1:21 rego_type_error: deprecated built-in function calls in expression: all',
    '1:34 rego_type_error: deprecated built-in function calls in expression: re_match',
    '1:54 rego_type_error: deprecated built-in function calls in expression: set_diff',
    '1:74 rego_type_error: deprecated built-in function calls in expression: net.cidr_overlap',
    '1:118 rego_type_error: deprecated built-in function calls in expression: cast_string',
  ],
  [
    'x if { y := 1; y := 2 }\nz if { w := 3 }\nv := count(1)',
    '1:16 rego_compile_error: var y assigned above',
    '2:8 rego_compile_error: assigned var w unused',
  ],
  [
    'x if { y := input.a; true }\nelse := z if { z := 1; u := 3 }',
    '1:8 rego_compile_error: assigned var y unused',
    '2:24 rego_compile_error: assigned var u unused',
  ],
  [
    'f(x) := y if { y := [x | x := 1] }\ng(x) := [x | some x in [1]]',
    '1:1 rego_compile_error: unused argument x. (hint: use _ (wildcard variable) instead)',
    '2:1 rego_compile_error: unused argument x. (hint: use _ (wildcard variable) instead)',
  ],
  ['import data.foo\nimport data.foo.bar\nx := foo\ny if { foo := 1; foo == bar }'],
  ['import data.foo\nx if { foo := 1; foo == 1 }', '1:1 rego_compile_error: import data.foo unused'],
  ['import data.foo\nfoo.bar := 1\nx := data.foo', '1:1 rego_compile_error: import data.foo unused'],
  ['import data.foo\nf(foo) := foo\ny := count(foo)'],
  ['x if { _ := 1; some _ in [1]; [_, y] := [1, 2] }', '1:31 rego_compile_error: assigned var y unused'],
  ['x if { input.foo with input as {"a": y}; y := 1 }', '1:42 rego_compile_error: var y referenced above'],
  ['x if { y := 1; print(y) }'],
];

describe('rules that contradict each other or hide names', () => {
  for (const [text, ...expected] of REFUSED) it(JSON.stringify(text), () => assert.deepEqual(findings(text), expected));

  it('packages and rules do not share a name', () => {
    const result = compile([
      { file: 'a.rego', text: 'package a\nb.c := 1' },
      { file: 'b.rego', text: 'package a.b.c\nx := 1' },
    ]);
    assert.ok(!result.ok);
    assert.deepEqual(
      result.diagnostics.map(({ message, location: { file, row } }) => `${file}:${row} ${message}`),
      [
        'a.rego:1 package a.b.c conflicts with rule b.c defined at a.rego:2',
        'a.rego:2 rule data.a.b.c conflicts with:\n  rule data.a.b.c.x at b.rego:2',
      ],
    );
  });

  it('v0 files may hide names and use what was given up', () => {
    const text = 'import data.a\nimport data.a\nx { any([true]) }\ninput = 1';
    assert.deepEqual(findings(text, { version: 'v0' }), []);
    assert.deepEqual(findings(text, { version: 'v0', strict: true }).toSorted(), [
      '1:1 rego_compile_error: import data.a unused',
      '2:1 rego_compile_error: import data.a unused',
      '2:1 rego_compile_error: import must not shadow import data.a',
      '3:5 rego_type_error: deprecated built-in function calls in expression: any',
      '4:1 rego_compile_error: rules must not shadow input (use a different rule name)',
    ]);
  });
});

describe('strict mode', () => {
  for (const [text, ...expected] of STRICT) {
    it(JSON.stringify(text), () => assert.deepEqual(findings(text, { strict: true }), expected));
  }

  it('is off when nobody asks for it', () => {
    assert.deepEqual(findings('import data.foo\nx if { y := 1; true }\nf(a) := 1'), []);
  });
});
