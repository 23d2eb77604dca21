import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type JsonValue, Problem } from '@sidegate/sdk';
import fc from 'fast-check';
import { readDecisionRequest, readJson } from './decision-request.ts';

const PLACE = { header: 'authorization', scheme: 'Bearer' };

/** The question as read, or the code of its refusal; anything else that is thrown fails the test. */
function read(value: JsonValue) {
  try {
    return readDecisionRequest(value, PLACE);
  } catch (error) {
    assert.ok(error instanceof Problem, String(error));
    return error.code;
  }
}

describe('whatever is asked', () => {
  test('any JSON is a question or is refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(read(value as JsonValue), 'invalid_request');
      }),
    );
  });

  test('any bytes are JSON or are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          readJson(Buffer.from(bytes));
        } catch (error) {
          assert.ok(error instanceof Problem && error.code === 'invalid_request', String(error));
        }
      }),
    );
  });

  test('any texts in their places never make another field than they name', () => {
    const text = fc.string({ unit: 'binary', maxLength: 40 });
    fc.assert(
      fc.property(text, text, text, fc.dictionary(text, text, { maxKeys: 4 }), (path, host, token, headers) => {
        const question = read({ request: { method: 'GET', path, host }, token, headers });
        if (typeof question === 'string') {
          assert.equal(question, 'invalid_request');
          return;
        }
        const { fields } = question.head;
        const names = ['host', 'authorization', ...Object.keys(headers).map((name) => name.toLowerCase())];
        assert.deepEqual(fields.lowerNames, names);
        assert.equal(fields.size, names.length);
        for (const [index, value] of Object.values(headers).entries()) {
          assert.equal(fields.value(index + 2), value.replaceAll(/^[\t ]+|[\t ]+$/g, ''));
        }
      }),
      { numRuns: 500 },
    );
  });
});

test('a question becomes the head that the wire would have brought', () => {
  const request = { method: 'POST', path: '/orders', query: 'a=1', host: 'order-service' };
  const question = read({ request, token: 'abc', headers: { 'X-Many': ['1', '2'], 'X-One': '3' } });
  assert.ok(typeof question !== 'string');
  const { method, target, version, fields } = question.head;
  assert.deepEqual([method, target, version], ['POST', '/orders?a=1', '1.1']);
  assert.deepEqual(
    ['host', 'authorization', 'x-many', 'x-one'].map((name) => fields.all(name)),
    [['order-service'], ['Bearer abc'], ['1', '2'], ['3']],
  );
  assert.equal(question.certificate, undefined);
});
