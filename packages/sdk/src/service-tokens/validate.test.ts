import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createSigningKey, hmac, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import { serviceAuthError } from '../server/service-auth-error.ts';
import { createServiceTokenValidator, type ServiceTokenValidatorOptions, type ValidationOptions } from './validate.ts';

const time = manualTime();
const NOW = time.clock.now() / 1000;
const checkout = createSigningKey('RS256', 'key-2026-04');
const old = createSigningKey('RS256', 'key-2026-01');
const retired = createSigningKey('RS256', 'key-2025-10');
const fulfillment = createSigningKey('ES256', 'fulfillment-1');
const admin = createSigningKey('EdDSA', 'admin-1');

const issuers = {
  'checkout-service': createPushedJwks(keySetBytes(old.jwk(), checkout.jwk())),
  'fulfillment-service': createPushedJwks(keySetBytes(fulfillment.jwk())),
  'admin-service': createPushedJwks(keySetBytes(admin.jwk())),
};
const expected: ValidationOptions = {
  expectedAudience: 'order-service',
  allowedIssuers: ['checkout-service', 'fulfillment-service'],
};

/** As the seed's services write them. */
const claims = (changes: Readonly<Record<string, unknown>> = {}): object => ({
  iss: 'checkout-service',
  sub: 'checkout-service',
  aud: 'order-service',
  iat: NOW - 10,
  exp: NOW + 290,
  jti: '5f0c8c1e-1b52-4a44-9a8e-000000000001',
  scope: ['orders:create', 'orders:read'],
  ...changes,
});
const token = (
  changes: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): string => mint(claims(changes), { key: checkout, header: { typ: 'JWT', ...header } });

function validatorWith(options: Partial<ServiceTokenValidatorOptions> = {}) {
  return createServiceTokenValidator({ issuers, ...options }, time);
}
const validate = (text: string, changes: Partial<ValidationOptions> = {}) =>
  validatorWith().validateServiceToken(text, { ...expected, ...changes });

type Row = readonly [
  title: string,
  text: string,
  problem: ProblemCode,
  code: string,
  message: string,
  changes?: Partial<ValidationOptions>,
];

const SIGNATURE = 'Service token signature is invalid';
const AUDIENCE = 'Token was not issued for this service';
const foreign = createSigningKey('RS256', 'key-2026-04');
const publicPem = checkout.publicKey.export({ type: 'spki', format: 'pem' });

const REFUSED: readonly Row[] = [
  [
    'S4-052 S4-054 expired 6 seconds ago',
    token({ exp: NOW - 6 }),
    'token_expired',
    'TOKEN_EXPIRED',
    'Service token has expired',
  ],
  [
    'S4-055 signed by a key of nobody',
    mint(claims(), { key: foreign }),
    'token_signature_invalid',
    'TOKEN_INVALID',
    SIGNATURE,
  ],
  ['with a claim changed after signing', tampered(), 'token_signature_invalid', 'TOKEN_INVALID', SIGNATURE],
  [
    'S4-051 without a signature, alg none',
    token({}, { alg: 'none' }),
    'token_alg_not_allowed',
    'TOKEN_INVALID',
    'The signature algorithm is not allowed',
  ],
  [
    'HS256 under the public key',
    mint(claims(), { key: checkout, header: { alg: 'HS256' }, sign: hmac('sha256', publicPem) }),
    'token_alg_not_allowed',
    'TOKEN_INVALID',
    'The signature algorithm is not allowed',
  ],
  [
    'S4-056 of a service that may not call',
    mint(claims({ iss: 'admin-service', sub: 'admin-service' }), { key: admin }),
    'peer_not_allowed',
    'UNAUTHORIZED_ISSUER',
    'Service admin-service is not authorized',
  ],
  [
    'of a service that nobody knows',
    token({ iss: 'mallory', sub: 'mallory' }),
    'token_issuer_mismatch',
    'UNAUTHORIZED_ISSUER',
    'Service mallory is not authorized',
  ],
  [
    'S4-049 of one service under the key of another, as it names it',
    mint(claims({ iss: 'fulfillment-service', sub: 'fulfillment-service' }), { key: checkout }),
    'token_key_not_found',
    'UNKNOWN_KEY_ID',
    'Key key-2026-04 not found',
  ],
  [
    'of one service under the key of another, by its kid',
    mint(claims(), { key: old, header: { kid: 'key-2026-04' } }),
    'token_signature_invalid',
    'TOKEN_INVALID',
    SIGNATURE,
  ],
  [
    'S4-057 S4-058 S4-070 S4-072 for another service',
    token({ aud: 'inventory-service' }),
    'token_aud_mismatch',
    'AUDIENCE_MISMATCH',
    AUDIENCE,
  ],
  ['S4-071 for nobody', token({ aud: undefined }), 'token_aud_missing', 'AUDIENCE_MISMATCH', AUDIENCE],
  ['for an empty list', token({ aud: [] }), 'token_aud_missing', 'AUDIENCE_MISMATCH', AUDIENCE],
  [
    'for a service whose name begins like ours',
    token({ aud: 'order-service-2' }),
    'token_aud_mismatch',
    'AUDIENCE_MISMATCH',
    AUDIENCE,
  ],
  [
    'S4-059 without two scopes that are required',
    token({ scope: ['orders:read'] }),
    'insufficient_scope',
    'INSUFFICIENT_SCOPE',
    'Missing scopes: orders:create, orders:delete',
    { requiredScopes: ['orders:create', 'orders:read', 'orders:delete'] },
  ],
  [
    'S4-113 with the scope *',
    token({ scope: ['*'] }),
    'token_claim_type',
    'TOKEN_INVALID',
    'A claim has the wrong type',
  ],
  [
    'S4-099 of a key that is not there',
    mint(claims(), { key: retired }),
    'token_key_not_found',
    'UNKNOWN_KEY_ID',
    'Key key-2025-10 not found',
  ],
  [
    'S4-100 without kid, signed by none of the active keys',
    mint(claims(), { key: retired, header: { kid: undefined } }),
    'token_signature_invalid',
    'TOKEN_INVALID',
    'No active key could verify this token',
  ],
  [
    'whose subject is another service',
    token({ sub: 'admin-service' }),
    'token_sub_invalid',
    'TOKEN_INVALID',
    'The subject is missing or not usable',
  ],
  [
    'S4-111 that lives longer than a quarter of an hour',
    token({ iat: NOW, exp: NOW + 901 }),
    'token_lifetime_exceeded',
    'TOKEN_INVALID',
    'The token lives longer than allowed',
  ],
  [
    'without iat',
    token({ iat: undefined }),
    'token_claim_missing',
    'TOKEN_INVALID',
    'A claim that is required here is missing',
  ],
  [
    'without jti',
    token({ jti: undefined }),
    'token_claim_missing',
    'TOKEN_INVALID',
    'A claim that is required here is missing',
  ],
  ['without exp', token({ exp: undefined }), 'token_exp_missing', 'TOKEN_INVALID', 'The token has no expiry'],
  [
    'with a user that is a number',
    token({ user_id: 7 }),
    'token_claim_type',
    'TOKEN_INVALID',
    'A claim has the wrong type',
  ],
  [
    'with roles that are a text',
    token({ user_id: 'u', user_roles: 'admin' }),
    'token_claim_type',
    'TOKEN_INVALID',
    'A claim has the wrong type',
  ],
  [
    'that is a client assertion',
    token({}, { typ: 'client-authentication+jwt' }),
    'token_typ_mismatch',
    'TOKEN_INVALID',
    'This kind of token is not an access token',
  ],
  ['that is no token', 'canary', 'token_malformed', 'TOKEN_INVALID', 'The token is not a compact JWS'],
];

function tampered(): string {
  const [head = '', , signature = ''] = token().split('.');
  return `${head}.${Buffer.from(JSON.stringify(claims({ scope: ['orders:delete'] }))).toString('base64url')}.${signature}`;
}

describe('a token is refused', () => {
  for (const [title, text, problem, code, message, changes] of REFUSED) {
    test(title, async () => {
      await assert.rejects(validate(text, changes), (error) => {
        assert.ok(error instanceof Problem, String(error));
        assert.equal(error.code, problem, error.message);
        assert.deepEqual(serviceAuthError(error), { code, message });
        return true;
      });
    });
  }

  test('with an issuer that would forge the answer', async () => {
    const iss = 'x"}\u0000\u202e'.repeat(100);
    await assert.rejects(validate(token({ iss, sub: iss })), (error) => {
      const { message = '' } = serviceAuthError(error as Problem) ?? {};
      return message.length < 1_000 && !message.includes('\u0000') && !message.includes('\u202e');
    });
  });

  test('S4-112 by a validator that expects no audience, whatever the token', async () => {
    await assert.rejects(validate(token(), { expectedAudience: '' }), RangeError);
  });

  test('S4-115 the second time, where each is good for one use, and its id is forgotten when it has expired', async () => {
    const own = manualTime(NOW * 1000);
    const replays = memoryReplayStore({ maxEntries: 10, clock: own.clock });
    const once = createServiceTokenValidator({ issuers, replays }, own);
    await once.validateServiceToken(token(), expected);
    await assert.rejects(once.validateServiceToken(token(), expected), { code: 'token_replayed' });
    await once.validateServiceToken(token({ jti: 'another' }), expected);
    own.advance(297_000);
    assert.equal(replays.firstUse('after', own.clock.now() + 1_000), true);
    assert.equal(replays.size, 1);
  });

  test('and one that lacks a scope is not used up', async () => {
    const once = validatorWith({ replays: memoryReplayStore({ maxEntries: 10, clock: time.clock }) });
    await assert.rejects(once.validateServiceToken(token(), { ...expected, requiredScopes: ['x'] }));
    await once.validateServiceToken(token(), expected);
  });

  test('S4-051 for any algorithm but RS256, where only that is accepted', async () => {
    const text = mint(claims({ iss: 'fulfillment-service', sub: 'fulfillment-service' }), { key: fulfillment });
    await validate(text);
    const only = validatorWith({ algorithms: ['RS256'] });
    await assert.rejects(only.validateServiceToken(text, expected), { code: 'token_alg_not_allowed' });
    await only.validateServiceToken(token(), expected);
  });

  test('while there are no keys of its issuer, as a fault of ours', async () => {
    const none = createServiceTokenValidator({ issuers: { 'checkout-service': createPushedJwks() } }, time);
    await assert.rejects(none.validateServiceToken(token(), expected), { code: 'jwks_unavailable' });
  });
});

describe('a token for one operation', () => {
  const aud = 'order-service:GET:/orders/:id';
  const text = token({ aud, scope: 'orders:read' });

  test('S4-073 is good for it', async () => {
    const operation = { method: 'GET', path: '/orders/42' };
    assert.deepEqual((await validate(text, { operation, requiredScopes: ['orders:read'] })).scope, ['orders:read']);
  });

  for (const operation of [
    { method: 'DELETE', path: '/orders/42' },
    { method: 'GET', path: '/orders' },
    { method: 'GET', path: '/orders/42/lines' },
    undefined,
  ]) {
    test(`S4-074 is nothing at ${operation === undefined ? 'an unknown operation' : `${operation.method} ${operation.path}`}`, async () => {
      await assert.rejects(validate(text, { operation }), { code: 'token_aud_mismatch' });
    });
  }
});

describe('a token is accepted', () => {
  test('S4-050 and its claims are typed', async () => {
    assert.deepEqual(await validate(token(), { requiredScopes: ['orders:create'] }), claims());
  });

  test('S4-052 until 5 seconds behind its expiry', async () => {
    await validate(token({ exp: NOW - 4 }));
  });

  test('with its scopes in either form', async () => {
    assert.deepEqual((await validate(token({ scope: 'orders:create orders:read' }))).scope, [
      'orders:create',
      'orders:read',
    ]);
    assert.deepEqual((await validate(token({ scope: undefined }))).scope, []);
  });

  test('with the user in it', async () => {
    const { user_id: id, user_roles: roles } = await validate(token({ user_id: 'user-123', user_roles: ['customer'] }));
    assert.deepEqual([id, roles], ['user-123', ['customer']]);
  });

  for (const key of [old, checkout]) {
    test(`S4-100 without kid, signed by ${key.kid}, which is one of the active keys`, async () => {
      await validate(mint(claims(), { key, header: { kid: undefined } }));
    });
  }
});
