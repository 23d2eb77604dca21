/** What generated policies are made of: names, values, inputs and operators. */
import type { Kind } from './builtin-calls.ts';

/** What the policy defines, in this order: a rule uses only what stands before it. */
export const RULES = ['r0', 'r1', 's0', 'o0', 'r2', 't0', 'r3', 's1', 'r4'] as const;

export const LITERALS: Readonly<Record<Exclude<Kind, 'any'>, readonly string[]>> = {
  number: ['0', '1', '2', '-1', '1.5', '100', '10', '0.1', '9007199254740993', '100000000000000000000'],
  string: ['"a"', '"b"', '""', '"ab"', '"a.b"', '"ü"', '"😀"', '"10"', '`a\\b`', '"A b"', '"[1]"'],
  boolean: ['true', 'false'],
  array: ['[]', '[1, 2]', '["a", "b"]', '[[1], [2, 3]]', '[1, "a", null]', '[{"a": 1}, {"a": 2}]', '[2, 1, 2]'],
  set: ['set()', '{1, 2}', '{"a", "b"}', '{[1], {"a": 1}}', '{1, "1", null}'],
  object: [
    '{}',
    '{"a": 1}',
    '{"a": {"b": 2}}',
    '{"a": [1, 2], "b": "x"}',
    '{1: "one", "b": "text"}',
    '{[1]: 2, null: 3}',
  ],
};
export const KINDS = Object.keys(LITERALS) as readonly Exclude<Kind, 'any'>[];
export const SCALAR_KINDS = ['number', 'string', 'boolean'] as const;
export const INPUTS = [
  'input',
  'input.a',
  'input.b',
  'input.a.b',
  'input.list',
  'input.list[0]',
  'input["b"]',
  'input.missing',
  'data.base.n',
  'data.base.list[1]',
  'data.base.users.amal',
  'data.base',
] as const;
export const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='] as const;
export const ARITHMETIC = ['+', '-', '*', '/', '%'] as const;
export const TARGETS = [
  'input',
  'input.a',
  'input.b',
  'input.list',
  'data.base.n',
  'data.base',
  'data.other.x',
] as const;

/** What can be named at a place in the policy. */
export interface Scope {
  /** How many of RULES stand before. */
  readonly rules: number;
  readonly functions: readonly string[];
  readonly variables: readonly string[];
  readonly depth: number;
}
