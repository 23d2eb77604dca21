import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answer } from '../../../../tests/support/rego-context.ts';
import { toPlainJson } from '../value/json.ts';
import type { Value } from '../value/value.ts';

describe('rego.parse_module', () => {
  const refused: readonly (readonly [file: string, text: Value, refusal: string])[] = [
    ['a.rego', '', 'eval_builtin_error: a.rego:0: rego_parse_error: empty module'],
    ['', '# only', 'eval_builtin_error: 0:0: rego_parse_error: empty module'],
    ['', 1, 'eval_type_error: operand 1 must be string but got number'],
    [
      'a.rego',
      'package p\nx { true }',
      'eval_builtin_error: 1 error occurred: a.rego:2: rego_parse_error: `if` keyword is required before rule body',
    ],
    ['', 'package p\n\n}', 'eval_builtin_error: 1 error occurred: 3:1: rego_parse_error: unexpected } token\n\t}\n\t^'],
    [
      'a.rego',
      'package p\nx if { y := }\n',
      'eval_builtin_error: 1 error occurred: a.rego:2: rego_parse_error: unexpected } token\n\tx if { y := }\n\t            ^',
    ],
  ];
  for (const [file, text, refusal] of refused) {
    test(`${JSON.stringify(text)} is refused`, () => {
      assert.deepEqual(answer('rego.parse_module', [file, text]), { refusal });
    });
  }

  test('the mark stands below what was read last', () => {
    const { refusal } = answer('rego.parse_module', ['', 'package p\nx := ']) as { refusal: string };
    assert.match(
      refusal,
      /^eval_builtin_error: 2 errors occurred:\n2:5: rego_parse_error: unexpected eof token\n\tx := \n\t {3}\^\n/,
    );
  });

  test('a template string stays one', () => {
    const module = answer('rego.parse_module', ['a', 'package p\nx := $"a{f(y)}{z}"\ny := $`{[1]}`']) as {
      rules: readonly { head: { value: Value } }[];
    };
    const text = module.rules.map(({ head }) => toPlainJson(head.value)).join('\n');
    assert.equal(
      text,
      [
        '{"type":"templatestring","value":{"multi_line":false,"parts":[{"type":"string","value":"a"},{"index":0,"terms":[{"type":"ref","value":[{"type":"var","value":"f"}]},{"type":"var","value":"y"}]},{"index":0,"terms":{"type":"var","value":"z"}}]}}',
        '{"type":"templatestring","value":{"multi_line":true,"parts":[{"index":0,"terms":{"type":"array","value":[{"type":"number","value":1}]}}]}}',
      ].join('\n'),
    );
  });
});
