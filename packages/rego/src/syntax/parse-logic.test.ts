/** `and`, `or` and `not` with future keywords: what may stand beside them. Each row was asked of OPA 1.22. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from '../index.ts';

const HEAD = `package p
import future.keywords.and
import future.keywords.or
import future.keywords.not
`;

/** A body, and the columns and texts of what is wrong with it. */
const REFUSED: readonly (readonly [body: string, ...findings: string[]])[] = [
  [
    'not {1 | true; 2}',
    '12 parse: ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension (hint: write `not ({1 | true; 2})` for the comprehension, or `not {(1 | true); 2}` for the set union)',
  ],
  [
    'not {1: 2 | true} == 3 with input as 4',
    '12 parse: `{...}` in an operand position must contain expression(s), got: objectcomprehension (hint: write `not ({1: 2 | true} == 3)` to negate the value, or `not {{1: 2 | true} == 3}` for a body holding it)',
  ],
  ['not {}', '13 parse: found empty body'],
  ['not {"a": 1, 2}', '16 parse: unexpected : token: expected \\n or ; or }'],
  [
    'not {1, 2} & input.s == set()',
    '12 parse: `{...}` in an operand position must contain expression(s), got: set (hint: write `not ({1, 2} & input.s == set())` to negate the value, or `not {{1, 2} & input.s == set()}` for a body holding it)',
  ],
  [
    'not {"a": 1}["a"] == 2',
    '12 parse: `{...}` in an operand position must contain expression(s), got: ref (hint: write `not ({"a": 1}["a"] == 2)` to negate the value, or `not {{"a": 1}["a"] == 2}` for a body holding it)',
  ],
  ['not {2 | 3; 4 5}', '22 parse: unexpected number token: expected \\n or ; or }'],
  [
    'true or {1, 2}',
    '16 parse: operand of `or` cannot begin with `{` unless the braces hold a body (hint: wrap the operand to keep the value: `({1, 2}) or ...`)',
  ],
  ['true and {}', '18 parse: found empty body'],
  ['{} and true', '8 parse: found empty body'],
  [
    '{1, 2} and true',
    '8 parse: operand of `and` cannot begin with `{` unless the braces hold a body (hint: wrap the operand to keep the value: `({1, 2}) and ...`)',
  ],
  [
    '{1 | 2; true} and true',
    '8 parse: ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension (hint: write `({1 | 2; true})` for the comprehension, or `{(1 | 2); true}` for the set union)',
  ],
  [
    'true and {1 | 2; true} and true',
    '17 parse: ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension (hint: write `({1 | 2; true})` for the comprehension, or `{(1 | 2); true}` for the set union)',
  ],
  [
    '({1 | 2} and true)',
    '9 parse: ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension (hint: write `({1 | 2})` for the comprehension, or `{(1 | 2)}` for the set union)',
  ],
  [
    'not {not {1}; not {2 | 3}}',
    '26 parse: ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension (hint: write `not ({2 | 3})` for the comprehension, or `not {(2 | 3)}` for the set union)',
  ],
  [
    '1 and ({1; 2})',
    '14 parse: `(...)` in an operand position cannot contain a body (hint: drop the parens to keep the body: `{1; 2}`)',
  ],
  [
    'not ({1; 2})',
    '12 parse: `(...)` in an operand position cannot contain a body (hint: drop the parens to keep the body: `not {1; 2}`)',
  ],
  ['true and ()', '17 parse: empty parenthesized group'],
  [
    'print(1) and input.x',
    '8 parse: operand of `and` cannot consist only of calls to `print` (hint: `print` produces no value and always succeeds, so the operand can never fail; move it out of the operand, or add an expression that can fail)',
  ],
  [
    'input.x or {print(1); print(2)} or 3',
    '20 parse: operand of `or` cannot consist only of calls to `print` (hint: `print` produces no value and always succeeds, so the operand can never fail; move it out of the operand, or add an expression that can fail)',
  ],
  [
    'input.x with input as 1 or 2',
    '16 parse: `with` modifier is not allowed on operand of `or` (hint: Wrap the operand in `(...)` or `{...}` to scope, or move `with` after the `or` expression to apply it to the whole expression)',
  ],
  ['1 or input.x with input as 1 or 2', '37 parse: unexpected or keyword: expected \\n or ; or }'],
  [
    '(1 with input as 1 or 3)',
    '11 parse: `with` modifier is not allowed on operand of `or` (hint: Wrap the operand in `(...)` or `{...}` to scope, or move `with` after the `or` expression to apply it to the whole expression)',
  ],
  ['some y or 3', '15 parse: unexpected or keyword: expected \\n or ; or }'],
  ['3 or some y', '13 parse: unexpected some keyword'],
  ['every y in [1] {y} or 2', '27 parse: unexpected or keyword: expected \\n or ; or }'],
  ['(2 or 3', '16 parse: expected ) to close parenthesized group'],
  ['3 or', '13 parse: unexpected } token'],
  ['(3 or)', '13 parse: unexpected ) token'],
  ['{3; 4} or', '18 parse: unexpected } token'],
  ['y := 3 or 4', '8 compile: cannot assign vars inside implicit or operand'],
  ['4 or (y := 3)', '16 parse: non-terminated expression'],
  ['not (y := 3)', '15 parse: non-terminated expression'],
  ['y := 1; not y := 2', '16 compile: cannot assign vars inside negated expression'],
  ['input.y or {input.z == q}; q := 1', '35 compile: var q referenced above'],
  ['some y with input as 1; y = 1', '15 parse: unexpected with keyword: expected \\n or ; or }'],
  ['not f(1)', '8 type: undefined function f'],
  [
    'not {1 | true}["a"]',
    '12 parse: ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension (hint: write `not ({1 | true})` for the comprehension, or `not {(1 | true)}` for the set union)',
  ],
  ['{3 or 4}', '11 parse: unexpected or keyword: non-terminated set'],
  ['{3; 4}', '10 parse: unexpected ; token: non-terminated set'],
  ['not not input.x', '12 parse: unexpected not keyword'],
];

const ACCEPTED: readonly string[] = [
  'not ({1, 2})',
  'not {1} or {2}',
  'not (1 or {2}) or {3}',
  'not ((1 or {2})) or {3}',
  'not (not 2) or {3}',
  '(not 2) or {3}',
  '(not 2)',
  '(1 | 2) and true',
  '1 and ({1})',
  '1 or input.x with input as 1',
  '(1 or input.x with input as 1) or 2',
  '(1 with input as 1) or 2',
  '{1; 2} or {3; 4}',
  'not {y := 3; y}',
];

function findings(body: string): string[] {
  const result = compile([{ file: 'p.rego', text: `${HEAD}x if { ${body} }` }]);
  if (result.ok) return [];
  return result.diagnostics.map(
    ({ code, message, location: { col } }) => `${col} ${code.replace(/^rego_(.*)_error$/, '$1')}: ${message}`,
  );
}

describe('beside and, or and not', () => {
  for (const [body, ...expected] of REFUSED) {
    it(`${body} is refused`, () => assert.deepEqual(findings(body), expected));
  }
  for (const body of ACCEPTED) it(`${body} is accepted`, () => assert.deepEqual(findings(body), []));

  it('braces that cannot be read either way take no time that doubles with each level', () => {
    for (const [open, close] of [
      ['not {a | b; ', '}'],
      ['{a | ({a; ', '})}'],
      ['true or {', '}'],
      ['({', '}) and ('],
    ] as const) {
      const [found] = findings(`${open.repeat(60)} ! ${close.repeat(60)}`);
      assert.ok(found !== undefined);
    }
  });
});
