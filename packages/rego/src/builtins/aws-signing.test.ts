import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { answer } from '../../../../tests/support/rego-context.ts';
import { objectGet } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';

const REQUEST = { method: 'get', url: 'https://example.com' };
const CONFIG = { aws_service: 'es', aws_access_key: 'key', aws_secret_access_key: 'secret', aws_region: 'eu-1' };
const sign = (request: Value, config: Value = {}, time: Value = 0) =>
  answer('providers.aws.sign_req', [request, { ...CONFIG, ...(config as object) }, time]);
const headers = (signed: unknown): ObjectValue => objectGet(signed as ObjectValue, 'headers') as ObjectValue;

describe('providers.aws.sign_req', () => {
  const refused: readonly (readonly [what: string, request: Value, refusal: string])[] = [
    ['what no request says', { ...REQUEST, unknown: 1 }, 'operand 1 invalid request parameters(s): {"unknown"}'],
    ['a request without a place', { method: 'get' }, 'operand 1 missing required request parameters(s): {"url"}'],
    ['headers that are none', { ...REQUEST, headers: null }, 'operand 0 must be object but got null'],
  ];
  for (const [what, request, refusal] of refused) {
    test(`refuses ${what}`, () => {
      assert.deepEqual(sign(request), { refusal: `eval_type_error: ${refusal}` });
    });
  }

  test('only some services are told the hash of the body, signed or not', () => {
    for (const disable_payload_signing of [false, true]) {
      assert.equal(objectGet(headers(sign(REQUEST, { disable_payload_signing })), 'x-amz-content-sha256'), undefined);
    }
    const stored = sign(REQUEST, { aws_service: 's3', disable_payload_signing: true });
    assert.equal(objectGet(headers(stored), 'x-amz-content-sha256'), 'UNSIGNED-PAYLOAD');
  });

  test('a moment before 1970 belongs to the second before', () => {
    assert.equal(objectGet(headers(sign(REQUEST, {}, -1)), 'x-amz-date'), '19691231T235959Z');
  });
});
