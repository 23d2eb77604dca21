import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answer } from '../../../../tests/support/rego-context.ts';
import type { Value } from '../value/value.ts';

describe('json.verify_schema', () => {
  const refused: readonly (readonly [schema: Value, message: string])[] = [
    ['{', 'invalid JSON string'],
    ['[1]', 'schema is invalid'],
    [{ type: 1 }, 'Invalid type. Expected: type, given: string/Array Of Strings'],
    [{ type: ['string', 'string'] }, 'string type is duplicated'],
    [{ minimum: 'x' }, 'minimum must be of a Number'],
    [{ minLength: -1 }, 'minLength must be greater than or equal to 0'],
    [{ minLength: 2, maxLength: 1 }, 'minLength cannot be greater than maxLength'],
    [{ multipleOf: 0 }, 'multipleOf must be strictly greater than 0'],
    [{ pattern: '(' }, 'pattern must be a valid regex'],
    [{ required: ['a', 'a'] }, 'required items must be unique'],
    [{ properties: { a: { items: 1 } } }, 'Invalid type. Expected: Valid Schema/Array Of Schemas, given: items'],
    [{ $ref: '#/nope' }, "Object has no key 'nope'"],
    [{ $ref: 'http://169.254.169.254/' }, 'remote reference loading disabled: http://169.254.169.254/'],
    [{ $ref: 'file:///etc/passwd' }, 'remote reference loading disabled: file:///etc/passwd'],
  ];
  for (const [schema, message] of refused) {
    test(`${JSON.stringify(schema)} is refused`, () => {
      assert.deepEqual(answer('json.verify_schema', [schema]), [false, `jsonschema: ${message}`]);
    });
  }

  test('a schema is accepted as text and as an object', () => {
    assert.deepEqual(answer('json.verify_schema', ['{"type":"object"}']), [true, null]);
    assert.deepEqual(answer('json.verify_schema', [{ properties: { a: { $ref: '#' } } }]), [true, null]);
  });
});

describe('json.match_schema', () => {
  const mismatches: readonly (readonly [document: Value, schema: Value, error: string])[] = [
    [{ a: 1.5 }, { properties: { a: { type: 'integer' } } }, 'a: Invalid type. Expected: integer, given: number'],
    [
      { a: null },
      { properties: { a: { type: ['string', 'number'] } } },
      'a: Invalid type. Expected: [string,number], given: null',
    ],
    [{}, { required: ['z'] }, '(Root): z is required'],
    [{ x: 1 }, { additionalProperties: false }, '(Root): Additional property x is not allowed'],
    [
      { constructor: 1 },
      { properties: { toString: {} }, additionalProperties: false },
      '(Root): Additional property constructor is not allowed',
    ],
    [{ a: [1, 1] }, { properties: { a: { uniqueItems: true } } }, 'a: array items[0,1] must be unique'],
    [{ a: 5 }, { properties: { a: { exclusiveMinimum: 5 } } }, 'a: Must be greater than 5'],
    [{ a: 'q' }, { properties: { a: { enum: ['a', 1] } } }, 'a: a must be one of the following: "a", 1'],
    [{ a: 'q' }, { properties: { a: { format: 'ipv4' } } }, "a: Does not match format 'ipv4'"],
    [
      { a: { b: [{ c: 1 }] } },
      { properties: { a: { properties: { b: { items: { properties: { c: { type: 'string' } } } } } } } },
      'a.b.0.c: Invalid type. Expected: string, given: integer',
    ],
  ];
  for (const [document, schema, error] of mismatches) {
    test(`${error} is reported`, () => {
      const [matches, errors] = answer('json.match_schema', [document, schema]) as readonly [
        boolean,
        readonly { error: string }[],
      ];
      assert.equal(matches, false);
      assert.equal(errors[0]?.error, error);
    });
  }

  test('a schema that refers to itself without end is an error', () => {
    assert.deepEqual(answer('json.match_schema', [{}, { $ref: '#' }]), {
      refusal: 'eval_builtin_error: schema nests too deeply',
    });
  });
});
