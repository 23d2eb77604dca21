import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requireScopes } from '../jwt/scope.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { serviceAuthError } from './service-auth-error.ts';

for (const code of [
  'jwks_unavailable',
  'client_certificate_missing',
  'replay_store_full',
  'internal',
  'upstream_unreachable',
] as const) {
  test(`S4-061 ${code} is told as what it is, never as a refused token`, () => {
    assert.equal(serviceAuthError(new Problem(code, 'reason')), undefined);
  });
}

const TABLE: readonly (readonly [ProblemCode, string, string | undefined])[] = [
  ['token_missing', 'MISSING_TOKEN', undefined],
  ['token_expired', 'TOKEN_EXPIRED', 'Service token has expired'],
  ['token_signature_invalid', 'TOKEN_INVALID', 'Service token signature is invalid'],
  ['token_aud_missing', 'AUDIENCE_MISMATCH', 'Token was not issued for this service'],
  ['token_aud_mismatch', 'AUDIENCE_MISMATCH', 'Token was not issued for this service'],
  ['token_malformed', 'TOKEN_INVALID', 'The token is not a compact JWS'],
  ['dpop_proof_replayed', 'TOKEN_INVALID', 'The DPoP proof was used before'],
];

for (const [code, expected, message] of TABLE) {
  test(`${code} is ${expected}, and its reason stays in the log`, () => {
    assert.deepEqual(serviceAuthError(new Problem(code, 'a reason for the log')), { code: expected, message });
  });
}

test('a detail of one refusal takes the place of the words that all have', () => {
  const problem = new Problem('token_key_not_found', 'reason', { detail: 'Key k2 not found' });
  assert.deepEqual(serviceAuthError(problem), { code: 'UNKNOWN_KEY_ID', message: 'Key k2 not found' });
});

test('every scope that is missing is named, in the order in which they are required', () => {
  assert.throws(
    () => requireScopes(['b'], ['a', 'b', 'c']),
    (error) => error instanceof Problem && serviceAuthError(error)?.message === 'Missing scopes: a, c',
  );
});
