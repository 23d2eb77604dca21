import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { answer, testContext } from '../../../../tests/support/rego-context.ts';
import type { Value } from '../value/value.ts';

const SCHEMA = `
  type Query { user(id: ID!): User  search(filter: Filter, first: Int = 10): [Node!]! }
  interface Node { id: ID! }
  type User implements Node { id: ID! name: String! role: Role friends(first: Int): [User!] }
  type Order implements Node { id: ID! total: Float }
  enum Role { ADMIN READER }
  input Filter { name: String role: Role! }
`;
const check = (query: string) => answer('graphql.parse', [query, SCHEMA]);
const refusal = (text: string) => ({ refusal: `eval_builtin_error: ${text}` });

describe('graphql.parse', () => {
  const refused: readonly (readonly [query: string, message: string])[] = [
    ['{ user(id: 1) { secret } }', 'Cannot query field "secret" on type "User" in GraphQL string at location 1:17'],
    [
      '{ user { id } }',
      'Field "user" argument "id" of type "ID!" is required, but it was not provided in GraphQL string at location 1:3',
    ],
    ['{ user(id: 1, x: 2) { id } }', 'Unknown argument "x" on field "Query.user" in GraphQL string at location 1:3'],
    [
      '{ user(id: true) { id } }',
      'ID cannot represent a non-string and non-integer value: true\n in GraphQL string at location 1:12',
    ],
    [
      '{ user(id: 1) { id: name id } }',
      'Fields "id" conflict because "name" and "id" are different fields. Use different aliases on the fields to fetch both if this was intentional in GraphQL string at location 1:26',
    ],
    [
      '{ user(id: 1) { x: name } user(id: 1) { x: role } }',
      'Fields "user" conflict because subfields "x" conflict because "name" and "role" are different fields. Use different aliases on the fields to fetch both if this was intentional in GraphQL string at location 1:27',
    ],
    [
      '{ search { ... on User { x: name } ... on Order { x: total } } }',
      'Fields "x" conflict because they return conflicting types "String!" and "Float". Use different aliases on the fields to fetch both if this was intentional in GraphQL string at location 1:51',
    ],
    [
      '{ search(first: 9223372036854775808) { id } }',
      'Int cannot represent non 32-bit signed integer value: 9223372036854775808\n in GraphQL string at location 1:17',
    ],
    [
      '{ search(filter: { role: ADMIN, role: ADMIN }) { id } }',
      'There can be only one input field named "role" in GraphQL string at location 1:39',
    ],
    [
      '{ user(id: 1) { name { x } } }',
      'Field "name" must not have a selection since type "String!" has no subfields in GraphQL string at location 1:17',
    ],
    [
      '{ search(filter: { role: OWNER }) { id } }',
      'Expected value of type "Role!", found OWNER in GraphQL string at location 1:26',
    ],
    [
      '{ search(filter: {}) { id } }',
      'Field "Filter.role" of required type "Role!" was not provided in GraphQL string at location 1:18',
    ],
    ['{ search { ...F } }', 'Unknown fragment "F" in GraphQL string at location 1:12'],
    ['{ search { id } } fragment F on User { id }', 'Fragment "F" is never used in GraphQL string at location 1:19'],
    [
      '{ ...F } fragment F on Query { ...G } fragment G on Query { ...F }',
      'Cannot spread fragment "F" within itself via "G" in GraphQL string at location 1:39',
    ],
    ['query($a: Int) { search { id } }', 'Variable "$a" is never used in GraphQL string at location 1:7'],
    [
      'query($a: Int) { user(id: $a) { id } }',
      'Variable "$a" of type "Int" used in position expecting type "ID!" in GraphQL string at location 1:27',
    ],
    ['{ user(id: $a) { id } }', 'Variable "$a" is not defined in GraphQL string at location 1:12'],
    ['mutation { x }', 'Schema does not support operation type "mutation" in GraphQL string at location 1:1'],
    ['{ user(id: 1) @own { id } }', 'Unknown directive "@own" in GraphQL string at location 1:15'],
    [
      '{ user(id: 1) { ... on Order { id } } }',
      'Fragment cannot be spread here as objects of type "User" can never be of type "Order" in GraphQL string at location 1:17',
    ],
  ];
  for (const [query, message] of refused) {
    test(`${query} is refused`, () => {
      assert.deepEqual(check(query), refusal(message));
    });
  }

  test('fields of one name that mean the same, or can never meet, are merged', () => {
    for (const query of [
      '{ user(id: 1) { id name } user(id: 1) { name role } }',
      '{ search { ... on User { x: id } ... on Order { x: id } } }',
      '{ search(filter: { role: ADMIN, name: "a" }, first: 1) { id } search(first: 1, filter: { role: ADMIN, name: "a" }) { id } }',
    ]) {
      assert.equal(answer('graphql.is_valid', [query, SCHEMA]), true, query);
    }
  });

  test('descriptions stand before operations, fragments and variables', () => {
    const query = '"one" query Q("two" $a: ID!) { user(id: $a) { ...F } } "three" fragment F on User { id }';
    const shown = JSON.stringify(answer('graphql.parse_query', [query]));
    for (const text of ['one', 'two', 'three']) assert.ok(shown.includes(`"Description":"${text}"`), shown);
    assert.equal(answer('graphql.is_valid', ['"one" { user(id: 1) { id } }', SCHEMA]), false);
  });

  test('a query that fits is answered with both documents', () => {
    const query =
      'query($f: Filter!) { search(filter: $f) { id ... on User { name role } __typename } __schema { types { name } } }';
    assert.ok(Array.isArray(check(query)));
    assert.equal(answer('graphql.is_valid', [query, SCHEMA]), true);
  });

  test('fragments that multiply use up the steps of the evaluation', () => {
    const fragments = Array.from({ length: 40 }, (_, i) => `fragment F${i} on User { ...F${i + 1} ...F${i + 1} }`);
    const query = `{ user(id: 1) { ...F0 } } ${fragments.join(' ')} fragment F40 on User { id }`;
    let steps = 100_000;
    const context = testContext({
      spend: (count) => {
        steps -= count;
        if (steps < 0) throw new Error('out of steps');
      },
    });
    assert.throws(() => answer('graphql.is_valid', [query, SCHEMA], context), new Error('out of steps'));
  });
});

test('an AST of the wrong shape is refused, not trusted', () => {
  const wrong: readonly Value[] = [
    { Operations: 1 },
    { Operations: [null] },
    { Operations: [{ Operation: 1 }] },
    { Operations: [{ Operation: 'query', SelectionSet: [{ Name: {} }] }] },
  ];
  for (const query of wrong) {
    assert.equal(answer('graphql.is_valid', [query, SCHEMA]), false);
    assert.match(
      (answer('graphql.parse', [query, SCHEMA]) as { refusal: string }).refusal,
      /GraphQL AST has an unexpected value/,
    );
  }
});

test('deep nesting is refused', () => {
  assert.match(
    (answer('graphql.parse_query', ['{a'.repeat(10_000)]) as { refusal: string }).refusal,
    /nests too deeply/,
  );
});

test('any text is parsed or refused with a location', () => {
  const words = fc.constantFrom(
    '{',
    '}',
    '(',
    ')',
    '[',
    ']',
    ':',
    '!',
    '$a',
    '...',
    'on',
    '@x',
    '|',
    '=',
    '&',
    'type',
    'A',
    '"s"',
    '"""',
    '1.5',
    'query',
    'fragment',
    'extend',
    'input',
    '#c\n',
    '\r',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
      for (const name of ['graphql.parse_query', 'graphql.parse_schema']) {
        const result = answer(name, [parts.join(' ')]);
        if (typeof result === 'object' && result !== null && 'refusal' in result) {
          assert.match(result.refusal as string, / in GraphQL string at location \d+:\d+$/);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
