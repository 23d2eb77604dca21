/** What the passes refuse, with OPA's codes and texts, and what they must not refuse. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CompileOptions, compile } from '../index.ts';

function findings(text: string, options: CompileOptions = {}): string[] {
  const result = compile([{ file: 'p.rego', text: `package p\n${text}` }], options);
  if (result.ok) return [];
  return result.diagnostics.map(({ code, message, location: { row, col } }) => `${row - 1}:${col} ${code}: ${message}`);
}

const VALUE_OF_Y = '2:6 rego_parse_error: unexpected ] token: expected rule value term (e.g., y := <VALUE> { ... })';

const REFUSED: readonly (readonly [text: string, ...findings: string[]])[] = [
  // types
  ['x if 1 == "a"', '1:6 rego_type_error: match error'],
  ['x := 1 + "a"', '1:6 rego_type_error: plus: invalid argument(s)'],
  ['x := count(1)', '1:6 rego_type_error: count: invalid argument(s)'],
  ['x := lower(upper(1))', '1:12 rego_type_error: upper: invalid argument(s)'],
  ['x := sprintf("%v", "b")', '1:6 rego_type_error: sprintf: invalid argument(s)'],
  ['x := {1} - [1]', '1:6 rego_type_error: minus: invalid argument(s)'],
  ['y := {"a": 1}\nx := y.b', '2:6 rego_type_error: undefined ref: data.p.y.b'],
  ['y := [1, 2]\nx := y[5]', '2:6 rego_type_error: undefined ref: data.p.y[5]'],
  ['y contains 1\nx if y.a', '2:6 rego_type_error: undefined ref: data.p.y.a'],
  ['y := 1\nx := y.z', '2:6 rego_type_error: undefined ref: data.p.y.z'],
  ['f("a") := 1\nx := f(1)', '2:6 rego_type_error: data.p.f: invalid argument(s)'],
  ['x if { some a in [1, 2]; a == "s" }', '1:26 rego_type_error: match error'],
  ['x if { [a, _] = [1, 2]; a == "x" }', '1:25 rego_type_error: match error'],
  ['x := [a | some a in ["x"]; a == 1]', '1:28 rego_type_error: match error'],
  ['p[x] := y if { x := 1; y := 2 }\nq if p[1] == "a"', '2:6 rego_type_error: match error'],
  // functions
  ['x if nofn(1)', '1:6 rego_type_error: undefined function nofn'],
  ['x := time.now_ns(1)', '1:6 rego_type_error: time.now_ns: arity mismatch'],
  ['f(a) := a\nx if f(1, 2, 3)', '2:6 rego_type_error: function data.p.f has arity 1, got 3 arguments'],
  ['x if http.send({"url": "u"})', '1:6 rego_type_error: undefined function http.send (a decision must not call out)'],
  // safety
  ['x := y', '1:6 rego_unsafe_var_error: var y is unsafe'],
  ['x if not z == 1', '1:6 rego_unsafe_var_error: var z is unsafe'],
  ['x if not input.a[_] == 1', '1:6 rego_unsafe_var_error: var _ is unsafe'],
  ['x contains y if { y > 1 }', '1:19 rego_unsafe_var_error: var y is unsafe'],
  ['x := [y | z == 1]', '1:6 rego_unsafe_var_error: var y is unsafe', '1:11 rego_unsafe_var_error: var z is unsafe'],
  ['x if every y in z { y == 1 }', '1:17 rego_unsafe_var_error: var z is unsafe'],
  ['x if input.a with input.b as c', '1:6 rego_unsafe_var_error: var c is unsafe'],
  // locals
  ['x if { y := 1; y := 2; y == 3 }', '1:16 rego_compile_error: var y assigned above'],
  ['x if { y = 1; y := 2 }', '1:15 rego_compile_error: var y referenced above'],
  ['x if { y == z; z := 1 }', '1:16 rego_compile_error: var z referenced above'],
  ['x if { some z; true }', '1:8 rego_compile_error: declared var z unused'],
  ['f(a) if { a := 1; a == 1 }', '1:11 rego_compile_error: arg a redeclared'],
  ['x if { [1, a] := input; a }', '1:9 rego_compile_error: cannot assign to number'],
  ['x if { some [a, b] in input; some [b, c] in a; c }', '1:30 rego_compile_error: var b declared above'],
  ['x if { a := 1; some [a, b] in a; b }', '1:16 rego_compile_error: var a assigned before'],
  ['x if { a := 1; some [a, b] in input; b }', '1:16 rego_compile_error: var a assigned above'],
  ['x if { 1 := 2 }', '1:8 rego_compile_error: cannot assign to number'],
  // rules
  ['p contains 1\np := 2', '1:1 rego_type_error: conflicting rules data.p.p found'],
  ['p(_) := 1\np(_, _) := 2', '1:1 rego_type_error: conflicting rules data.p.p found'],
  ['a.b := 1\na := 2', '2:1 rego_type_error: rule data.p.a conflicts with:\n  rule data.p.a.b at p.rego:2'],
  [
    'default p := 1\ndefault p := 2',
    '0:1 rego_type_error: multiple default rules data.p.p found at p.rego:2, p.rego:3',
  ],
  [
    'p if q\nq if p',
    '1:1 rego_recursion_error: rule data.p.p is recursive: data.p.p -> data.p.q -> data.p.p',
    '2:1 rego_recursion_error: rule data.p.q is recursive: data.p.q -> data.p.p -> data.p.q',
  ],
  ['p if data.p[_]', '1:1 rego_recursion_error: rule data.p.p is recursive: data.p.p -> data.p.p'],
  // imports and with
  ['import data.a\nimport data.b.a\nx := 1', '2:1 rego_compile_error: import must not shadow import data.a'],
  ['data.foo := 1', '1:1 rego_compile_error: rules must not shadow data (use a different rule name)'],
  [
    'x if input.x with foo as 1',
    '1:19 rego_type_error: with keyword target must reference existing input, data, or a function',
  ],
  // syntax
  ['x := 1 { true }', '1:1 rego_parse_error: `if` keyword is required before rule body'],
  [
    'x[1] { true }',
    '1:1 rego_parse_error: `if` keyword is required before rule body',
    '1:1 rego_parse_error: `contains` keyword is required for partial set rules',
  ],
  ['x["a"]', '1:1 rego_parse_error: `contains` keyword is required for partial set rules'],
  ['x', '1:1 rego_parse_error: var cannot be used for rule name'],
  ['x if { y := count([1]); count := 2; y == count }', '1:25 rego_compile_error: var count referenced above'],
  ['x if { count := 2; y := count([1]); y }', '1:25 rego_compile_error: called function count shadowed'],
  ['f(input) := 1', '1:1 rego_compile_error: args must not shadow input (use a different variable name)'],
  ['f([data]) := 1', '1:1 rego_compile_error: args must not shadow data (use a different variable name)'],
  [
    'x.a(y) := y\nx[z] := 1 if z := input',
    '2:1 rego_type_error: rule data.p.x[z] conflicts with:\n  rule data.p.x.a at p.rego:2',
  ],
  ['x := 1a', '1:6 rego_parse_error: illegal number format'],
  ['x := 12e', '1:6 rego_parse_error: expected exponent'],
  ['f(x) { x }', '1:1 rego_parse_error: `if` keyword is required before function body'],
  [
    'x { 1 }\ny { 2 }',
    '1:1 rego_parse_error: `if` keyword is required before rule body',
    '2:1 rego_parse_error: `if` keyword is required before rule body',
  ],
  ['x\ny := ]', '2:6 rego_parse_error: unexpected ] token', VALUE_OF_Y],
  ['x if { 1 + ]; 2 + ) }', '1:12 rego_parse_error: unexpected ] token'],
  [
    'x if { count({"k": 1 | some}) }',
    '1:24 rego_parse_error: unexpected some keyword',
    '1:24 rego_parse_error: unexpected some keyword: non-terminated object',
  ],
  ['x if { 5[0] }', '1:8 rego_parse_error: illegal ref (head cannot be number)'],
  ['x if { input. a }', '1:14 rego_parse_error: unexpected whitespace token: expected identifier'],
  ['x := 1 if { true } { false } else := 2', '1:30 rego_parse_error: unexpected else keyword'],
  ['x if { z := $"{y} {y + 1}"; y := 1; z }', '1:29 rego_compile_error: var y referenced above'],
  ['x if every y in [1] { }', '1:23 rego_parse_error: found empty body'],
  ['x if { input.a input.b }', '1:16 rego_parse_error: unexpected identifier token: expected \\n or ; or }'],
  ['x if not some y in [1]', "1:10 rego_parse_error: unexpected some keyword: illegal negation of 'some'"],
  ['x := "a', '1:6 rego_parse_error: non-terminated string'],
  [
    'x := 01',
    '1:6 rego_parse_error: unexpected number token: expected number without leading zero',
    '1:6 rego_parse_error: unexpected number token: expected rule value term (e.g., x := <VALUE> { ... })',
  ],
  [
    'x := [1, 2',
    '1:10 rego_parse_error: unexpected eof token: expected "," or "]"',
    '1:10 rego_parse_error: unexpected eof token: expected rule value term (e.g., x := <VALUE> { ... })',
  ],
  ['x := $"{input.a[_]}"', '1:9 rego_compile_error: var _ is undeclared'],
  ['x := $"{y}"', '1:6 rego_unsafe_var_error: var y is unsafe'],
  ['x if every a in [1] { true }', '1:23 rego_compile_error: declared var a unused'],
  ['x if { input := 1 }', '1:8 rego_compile_error: variables must not shadow input (use a different variable name)'],
  ['x contains 1 { true }', '1:1 rego_parse_error: `if` keyword is required before rule body'],
  ['x := 1; y := 2', '1:1 rego_parse_error: multiple expressions cannot be used for rule head'],
  ['"x" := 1', '1:1 rego_parse_error: string cannot be used for rule name'],
  ['x if', '1:4 rego_parse_error: unexpected eof token'],
  [
    'import data.if',
    '1:13 rego_parse_error: unexpected import path, must not end with a keyword, got: if (hint: import a different path or use an alias)',
  ],
  ['contains("a") := 1', '1:1 rego_parse_error: contains keyword cannot be used for rule name'],
  ['x := input [0]', '1:12 rego_parse_error: array cannot be used for rule name'],
  // and, or, not: operands without braces have no variables of their own
  [
    'import future.keywords.or\nx if { y := 1 or true }',
    '2:8 rego_compile_error: cannot assign vars inside implicit or operand',
  ],
  ['import future.keywords.or\nx if { y = 1 or y = 2 }', '2:8 rego_unsafe_var_error: var y is unsafe'],
  ['import future.keywords.or\nx if input.a or y == 1', '2:6 rego_unsafe_var_error: var y is unsafe'],
  [
    'import future.keywords.or\nx if input.a or every y in [1] { y == 1 }',
    '2:17 rego_parse_error: unexpected every keyword',
  ],
  ['import future.keywords.not\nx if not input.a[_]', '2:6 rego_unsafe_var_error: var _ is unsafe'],
  ['import future.keywords.not\nx if { not y == 1; y := 2 }', '2:20 rego_compile_error: var y referenced above'],
  [
    'import future.keywords.or\nx if input.z with input.z as 1 or input.q',
    '2:14 rego_parse_error: `with` modifier is not allowed on operand of `or` (hint: Wrap the operand in `(...)` or `{...}` to scope, or move `with` after the `or` expression to apply it to the whole expression)',
  ],
  ['package q', '1:1 rego_parse_error: unexpected package'],
  ['x := `a', '1:6 rego_parse_error: non-terminated string'],
  ['f()', '1:1 rego_parse_error: rule argument list must take at least one argument'],
  ['default x := input.a', '1:1 rego_parse_error: illegal default rule (value cannot contain ref)'],
  ['default f(1) := 2', '1:1 rego_parse_error: illegal default rule (arguments cannot contain number)'],
  ['every := 1', '1:1 rego_parse_error: every keyword cannot be used for rule name'],
  [
    'import foo.bar',
    '1:8 rego_parse_error: unexpected import path, must begin with one of: {data, future, input, rego}, got: foo (hint: if this is unexpected, try updating OPA)',
  ],
  ['x if $"{not 1}"', "1:9 rego_parse_error: unexpected negation ('not') in template-string expression"],
];

const ACCEPTED: readonly string[] = [
  'x if { true } { false }',
  'x := -input.a',
  'x := -y.a[0] * 2 if { y := input }',
  'x contains 1 if { true } { false }',
  'x if "a" == input.x',
  'x := input.a.b.c == data.foo.bar',
  'x if "a" < 1',
  'x := object.get({}, "a", 1) + 1',
  'x if is_string(1)',
  'x if { y := input; y.a.b == 1 }',
  'f(1) := "a"\nf("b") := 2\nx := [f(1), f("b")]',
  'x if { a := [1, "b"]; a[_] == "b" }',
  'x := {"a": 1, "a": 2}',
  'y := 1 if input.a\nelse := "b"\nx if { y == 1 }\nz if { y == "b" }',
  'x if { not input.a; not data.b }',
  'x if count(input.a) == 1 with input.a as [1]',
  'if.x := 1\ny if { if.x }',
  'x contains y if some y, _ in {"a": 1}',
  'x := {k: v | some k; v := input[k]}',
  'x if { some i; input.a[i] == input.b[i] }',
  'x if { y == z; z = 1; y = 1 }',
  'x if {}',
];

describe('refused policies', () => {
  for (const [text, ...expected] of REFUSED) {
    it(JSON.stringify(text), () => assert.deepEqual(findings(text), expected));
  }

  const hinted: readonly (readonly [text: string, hint: string])[] = [
    ['x { "a" in input.b }', '`import future.keywords.in` for `x in xs` expressions'],
    ['x if { true }', '`import future.keywords.if` for `p if { ... }` rules'],
    ['x contains 1', '`import future.keywords.contains` for `p contains x` rules'],
  ];
  for (const [text, hint] of hinted) {
    it(`v0, ${JSON.stringify(text)}: the keyword to import is named`, () => {
      const [found = ''] = findings(text, { version: 'v0' });
      assert.ok(found.endsWith(` (hint: ${hint})`), found);
    });
  }

  it('every file with a syntax error is reported', () => {
    const result = compile([
      { file: 'b.rego', text: 'package b\nx := ' },
      { file: 'a.rego', text: 'packag a' },
    ]);
    assert.ok(!result.ok);
    assert.deepEqual(
      result.diagnostics.map(({ message, location }) => [location.file, location.row, message]),
      [
        ['a.rego', 1, 'package expected'],
        ['a.rego', 1, 'var cannot be used for rule name'],
        ['b.rego', 2, 'unexpected eof token'],
        ['b.rego', 2, 'unexpected eof token: expected rule value term (e.g., x := <VALUE> { ... })'],
      ],
    );
  });

  it('a type error says what does not match', () => {
    const result = compile([{ file: 'p.rego', text: 'package p\nx if 1 == "a"\ny := count(1)' }]);
    assert.ok(!result.ok);
    assert.deepEqual(
      result.diagnostics.map(({ details }) => details),
      [
        ['left  : number', 'right : string'],
        ['have: (number, ???)', 'want: (any<string, array[any], object[any: any], set[any]>, number)'],
      ],
    );
  });
});

describe('accepted policies', () => {
  for (const text of ACCEPTED) it(JSON.stringify(text), () => assert.deepEqual(findings(text), []));
});
