/** Rules that are found by what they demand answer as rules that are tried one by one. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile, type Policy, type Value } from '../index.ts';

const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'];
const PATHS = ['/a', '/b', '/c', '/d', '/e', '/f'];

/** A rule for each method and path, and others that demand only a user, or nothing that an index knows. */
const RULES = [
  ...PATHS.flatMap((path) =>
    METHODS.map(
      (method) => `x contains "${method} ${path}" if { input.path == "${path}"; input.method == "${method}" }`,
    ),
  ),
  ...METHODS.map((name) => `x contains "user ${name}" if input.user == "${name}"`),
  'x contains "long" if count(input.path) > 2',
].join('\n');

const ROWS: readonly (readonly [title: string, input: Value, x: readonly string[]])[] = [
  ['nothing applies to nothing', {}, []],
  ['nothing applies to another type', { path: 1, method: ['GET'], user: null }, []],
  ['a path alone is not enough', { path: '/a' }, []],
  ['one of many applies', { path: '/d', method: 'DELETE' }, ['DELETE /d']],
  ['rules of both indexes and of none apply', { path: '/a', method: 'PUT', user: 'GET' }, ['PUT /a', 'user GET']],
  ['rules that demand no constant are tried', { path: '/toString', method: 'PUT' }, ['long']],
];

function policy(text: string, backend: 'generated' | 'closures'): Policy {
  const result = compile([{ file: 'p.rego', text: `package p\n${text}` }], { backend });
  if (!result.ok) throw new Error(result.diagnostics[0]?.message);
  return result.policy;
}

describe('indexed rules', () => {
  for (const backend of ['generated', 'closures'] as const) {
    const evaluate = policy(RULES, backend).prepare('data.p.x');
    for (const [title, input, x] of ROWS) {
      it(`${title} (${backend})`, () => {
        assert.deepEqual([...(evaluate(input) as Iterable<Value>)], x);
      });
    }
  }
});
