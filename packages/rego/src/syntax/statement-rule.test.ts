/** A statement is a rule, or reads as one, or is refused in OPA's words and at OPA's places. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile, toJson } from '../index.ts';

/** `row:column code: message`; the row of the package clause is 0. */
function findings(text: string): string[] {
  const result = compile([{ file: 'p.rego', text: `package p\n${text}` }]);
  if (result.ok) return [];
  return result.diagnostics.map(({ code, message, location: { row, col } }) => `${row - 1}:${col} ${code}: ${message}`);
}

const REFUSED: readonly (readonly [text: string, ...findings: string[]])[] = [
  ['x if { y := 1 <= f([1}) }', '1:22 rego_parse_error: unexpected } token: expected "," or "]"'],
  ['x := 1;', '1:7 rego_parse_error: unexpected eof token'],
  ['$"a{1}"', '1:1 rego_parse_error: templatestring cannot be used for rule name'],
  ['{1}', '1:1 rego_parse_error: set cannot be used for rule name'],
  ['{1 | true}', '1:1 rego_parse_error: setcomprehension cannot be used for rule name'],
  ['count(x)', '1:1 rego_parse_error: rule name conflicts with built-in function'],
  ['count()', '1:1 rego_parse_error: rule name conflicts with built-in function'],
  ['f()', '1:1 rego_parse_error: rule argument list must take at least one argument'],
  ['f(x).y', '1:1 rego_parse_error: invalid rule head: f(x).y'],
  ['input', '1:1 rego_parse_error: refs cannot be used for rule head'],
  ['every x in y { x }', '1:1 rego_parse_error: expression cannot be used for rule head'],
  ['some x in y', "1:1 rego_parse_error: 'some' declarations cannot be used for rule head"],
  ['not x', '1:1 rego_parse_error: negated expressions cannot be used for rule head'],
  ['x with input as 1', '1:1 rego_parse_error: expressions using with keyword cannot be used for rule head'],
  ['x := 1 with input as 1', '1:1 rego_parse_error: expressions using with keyword cannot be used for rule head'],
  ['x == 1', '1:1 rego_parse_error: rule name conflicts with built-in function'],
  ['f (x) := 1', '1:1 rego_parse_error: var cannot be used for rule name'],
  [
    'f [x] := 1',
    '1:1 rego_parse_error: var cannot be used for rule name',
    '1:3 rego_parse_error: array cannot be used for rule name',
  ],
  ['contains contains x if { x := 1 }', '1:1 rego_parse_error: contains keyword cannot be used for rule name'],
  ['(x)', '1:1 rego_parse_error: var cannot be used for rule name'],
  ['f(1)(2)', '1:5 rego_parse_error: number cannot be used for rule name'],
  [
    'p { true } { false }',
    '1:1 rego_parse_error: `if` keyword is required before rule body',
    '1:12 rego_parse_error: `if` keyword is required before rule body',
  ],
  ['{"a": x} := 1', '1:1 rego_parse_error: object cannot be used for rule name'],
  ['x in y', '1:1 rego_parse_error: rule name conflicts with built-in function'],
  [
    'x := y.\nz',
    '2:0 rego_parse_error: unexpected whitespace token: expected identifier',
    '2:0 rego_parse_error: unexpected whitespace token: expected rule value term (e.g., x := <VALUE> { ... })',
  ],
  [
    'import rego."azp"',
    '1:13 rego_parse_error: unexpected string token: expected identifier',
    '1:13 rego_parse_error: expected path',
  ],
  ['import rego.v1 as x', '1:19 rego_parse_error: `rego` imports cannot be aliased'],
  ['import future.keywords as x', '1:27 rego_parse_error: `future` imports cannot be aliased'],
  ['default p[x] := 1', '1:11 rego_unsafe_var_error: var x is unsafe'],
  [
    'p[x] { x := 1 } { x := 2 }',
    '1:1 rego_parse_error: `if` keyword is required before rule body',
    '1:1 rego_parse_error: `contains` keyword is required for partial set rules',
    '1:17 rego_parse_error: `if` keyword is required before rule body',
    '1:17 rego_parse_error: `contains` keyword is required for partial set rules',
  ],
  [
    'f(x) { true } else { false } else = 3 { true }',
    '1:1 rego_parse_error: `if` keyword is required before function body',
    '1:15 rego_parse_error: `if` keyword is required before function body',
    '1:30 rego_parse_error: `if` keyword is required before function body',
  ],
  ['not (x) := 1', '1:1 rego_parse_error: negated expressions cannot be used for rule head'],
  ['in contains x if x', '1:1 rego_parse_error: in keyword cannot be used for rule name'],
  ['default (p) := 2', '1:1 rego_parse_error: unexpected default keyword'],
  [
    '"a" contains "b"',
    '1:1 rego_parse_error: string cannot be used for rule name',
    '1:5 rego_parse_error: var cannot be used for rule name',
    '1:14 rego_parse_error: string cannot be used for rule name',
  ],
  [
    'p contains 1 contains 2',
    '1:14 rego_parse_error: var cannot be used for rule name',
    '1:23 rego_parse_error: number cannot be used for rule name',
  ],
  ['f(x)[y] := 1 if true', '1:14 rego_parse_error: unexpected if keyword'],
  [
    'p := {"a": 1, "b": 2 "c": 3}',
    '1:22 rego_parse_error: unexpected string token: expected "," or "}"',
    '1:22 rego_parse_error: unexpected string token: expected rule value term (e.g., p := <VALUE> { ... })',
  ],
  ['p := f(1)(2)', '1:10 rego_parse_error: number cannot be used for rule name'],
  ['p if { x := if.allowed }', '1:13 rego_parse_error: unexpected if keyword'],
  ['p if { not not.x }', '1:12 rego_parse_error: unexpected not keyword'],
  ['p if { some x in in.y }', '1:15 rego_parse_error: unexpected in keyword: expected \\n or ; or }'],
  [
    'p contains.x := 1',
    '1:12 rego_parse_error: unexpected identifier token: expected number',
    '1:12 rego_parse_error: unexpected identifier token: expected rule key term (e.g., p contains <VALUE> { ... })',
  ],
  ['p if { input.x with as.b as 1 }', '1:21 rego_parse_error: unexpected as keyword: expected ident'],
  [
    'p := {every.a: 1}',
    '1:7 rego_parse_error: unexpected every keyword',
    '1:7 rego_parse_error: unexpected every keyword: expected rule value term (e.g., p := <VALUE> { ... })',
  ],
  ['p if { f(x) == in.a }', '1:16 rego_parse_error: unexpected in keyword'],
  ['f(1).z := 1', '1:1 rego_parse_error: invalid rule head: f(1).z'],
  ['p + 1', '1:1 rego_parse_error: rule name conflicts with built-in function'],
];

/** What the package says when the statement is a rule after all. */
const RULES: readonly (readonly [text: string, json: string])[] = [
  ['(x) := 1', '{"x":1}'],
  ['x = 1', '{"x":1}'],
  ['default x', '{"x":true}'],
  ['default x f(1) := set()\ny := f(1)', '{"x":true,"y":[]}'],
  ['p + 1 := 2\nx := plus(3, 1)', '{"x":2}'],
  ['import rego.v2\nx if { 1 == 2 or not { 1 == 2 } }', '{"x":true}'],
  ['x := 1 y := 2', '{"x":1,"y":2}'],
];

/** As the real OPA refuses them under `--v0-compatible`. */
const REFUSED_V0: readonly (readonly [text: string, finding: string])[] = [
  ['x := $"a{1}"', '1:6 template strings are not supported by current capabilities'],
  [
    'x if { true }',
    '1:1 var cannot be used for rule name (hint: `import future.keywords.if` for `p if { ... }` rules)',
  ],
  [
    'x contains 1',
    '1:1 var cannot be used for rule name (hint: `import future.keywords.contains` for `p contains x` rules)',
  ],
];

describe('statements of v0', () => {
  for (const [text, expected] of REFUSED_V0) {
    it(`${JSON.stringify(text)} is refused`, () => {
      const result = compile([{ file: 'p.rego', text: `package p\n${text}` }], { version: 'v0' });
      assert.ok(!result.ok);
      const [{ message, location } = { message: '', location: { row: 0, col: 0 } }] = result.diagnostics;
      assert.equal(`${location.row - 1}:${location.col} ${message}`, expected);
    });
  }
});

describe('statements', () => {
  for (const [text, ...expected] of REFUSED) {
    it(`${JSON.stringify(text)} is refused`, () => assert.deepEqual(findings(text), expected));
  }
  for (const [text, json] of RULES) {
    it(`${JSON.stringify(text)} is a rule`, () => {
      const result = compile([{ file: 'p.rego', text: `package p\n${text}` }]);
      assert.ok(result.ok, JSON.stringify(findings(text)));
      assert.equal(toJson(result.policy.prepare('data.p')({}) ?? null), json);
    });
  }
});
