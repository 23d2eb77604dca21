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

/** So many rules that each has a function of its own: of a document, and of a function's argument. */
const NUMBERS = Array.from({ length: 100 }, (_, i) => i);
const MANY = [
  'default allow := false',
  ...NUMBERS.map((i) => `allow if { input.path == "/${i}"; some role in input.roles; role == "r${i}" }`),
  'allow if input.user == "root"',
  ...NUMBERS.map((i) => `f("${i}", x) if x > ${i}`),
  'f(_, x) if x == -1',
].join('\n');

describe('a hundred rules', () => {
  const ROWS_OF_MANY: readonly (readonly [title: string, input: Value, allow: boolean])[] = [
    ['nothing applies to nothing', {}, false],
    ['the rest of a rule counts', { path: '/99', roles: ['r98'] }, false],
    ['a name that objects inherit is no path', { path: 'constructor', roles: ['r0'] }, false],
    ['the first applies', { path: '/0', roles: ['x', 'r0'] }, true],
    ['the last applies', { path: '/99', roles: ['r99'] }, true],
    ['what demands no path is tried as well', { path: '/99', user: 'root' }, true],
  ];
  const CALLS: readonly (readonly [query: string, holds: boolean])[] = [
    ['data.p.f("7", 7)', false],
    ['data.p.f("x", 7)', false],
    ['data.p.f("7", 8)', true],
    ['data.p.f("x", -1)', true],
  ];
  for (const backend of ['generated', 'closures'] as const) {
    const many = policy(MANY, backend);
    const decide = many.prepareDecision('data.p.allow');
    for (const [title, input, allow] of ROWS_OF_MANY) {
      it(`${title} (${backend})`, () => assert.equal(decide(input).value, allow));
    }
    it(`the rule that decided is named (${backend})`, () => {
      assert.equal(decide({ path: '/41', roles: ['r41'] }).rule?.row, 44);
      assert.equal(decide({}).rule?.row, 2);
    });
    for (const [query, holds] of CALLS) {
      it(`${query} is ${holds} (${backend})`, () => {
        const prepared = many.query(query);
        assert.ok(prepared.ok);
        assert.equal(prepared.evaluate({}).length, holds ? 1 : 0);
      });
    }
  }
});
