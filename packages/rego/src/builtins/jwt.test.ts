import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { answer, NOW, testContext } from '../../../../tests/support/rego-context.ts';
import { toJson } from '../value/json.ts';
import type { Value } from '../value/value.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' });
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const seconds = Number(NOW / 1_000_000_000n);

const rs256 = (header: object, claims: unknown): string => {
  const signed = `${base64url({ alg: 'RS256', ...header })}.${base64url(claims)}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url')}`;
};
const hs256 = (secret: string, header: object, claims: unknown): string => {
  const signed = `${base64url({ alg: 'HS256', ...header })}.${base64url(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
};
const decodeVerify = (token: string, constraints: Value) => answer('io.jwt.decode_verify', [token, constraints]);
const REFUSED: Value = [false, {}, {}];

describe('io.jwt.decode_verify', () => {
  const cert = pem(rsa.publicKey);
  const claims = { sub: 'amal', exp: seconds + 60 };
  const refused: readonly (readonly [name: string, token: string, constraints: Value])[] = [
    ['a public key used as an HMAC secret', hs256(cert, {}, claims), { cert }],
    ['no signature', `${base64url({ alg: 'none' })}.${base64url(claims)}.`, { cert }],
    ['a missing alg', `${base64url({})}.${base64url(claims)}.`, { cert }],
    ['another algorithm than the constraint', rs256({}, claims), { cert, alg: 'ES256' }],
    ['another key', rs256({}, claims), { cert: pem(ec.publicKey) }],
    ['an unknown critical parameter', rs256({ crit: ['exp2'], exp2: true }, claims), { cert }],
    ['a changed payload', rs256({}, claims).replace(/\..*\./, `.${base64url({ ...claims, sub: 'eve' })}.`), { cert }],
    ['the very second of expiry', rs256({}, { exp: seconds }), { cert }],
    ['a later start', rs256({}, { nbf: seconds + 1 }), { cert }],
    ['an audience nobody asked for', rs256({}, { aud: 'api' }), { cert }],
    ['a missing audience', rs256({}, claims), { cert, aud: 'api' }],
    ['another audience', rs256({}, { aud: ['a', 'b'] }), { cert, aud: 'api' }],
    ['another issuer', rs256({}, { iss: 'https://evil.example' }), { cert, iss: 'https://good.example' }],
    ['an issuer that is no text', rs256({}, { iss: ['https://good.example'] }), { cert, iss: 'https://good.example' }],
    ['another secret', hs256('one', {}, claims), { secret: 'two' }],
    ['an asymmetric token for a secret', rs256({}, claims), { secret: cert }],
  ];
  for (const [name, token, constraints] of refused) {
    test(`${name} is refused`, () => {
      assert.deepEqual(decodeVerify(token, constraints), REFUSED);
    });
  }

  const errors: readonly (readonly [name: string, token: string, constraints: Value, message: string])[] = [
    ['an unknown constraint', rs256({}, claims), { cert, key: 'x' }, 'unknown token validation constraint: key'],
    ['no key', rs256({}, claims), {}, 'no key constraint'],
    ['two keys', rs256({}, claims), { cert, secret: 'x' }, 'duplicate key constraints'],
    ['an expiry that is no number', rs256({}, { exp: 'never' }), { cert }, 'exp value must be a number'],
    ['a negative time', rs256({}, claims), { cert, time: -1 }, 'token time constraint: must not be negative'],
    ['two parts', 'a.b', { cert }, 'encoded JWT must have 3 sections, found 2'],
    ['an empty crit', rs256({ crit: [] }, claims), { cert }, 'crit: must be a nonempty list'],
    ['claims that are no object', rs256({}, ['sub']), { cert }, 'decoded JSON type was not an Object'],
    ['data after the certificate', rs256({}, claims), { cert: `${cert}x` }, 'extra data after a PEM certificate block'],
  ];
  for (const [name, token, constraints, message] of errors) {
    test(`${name} is an error`, () => {
      assert.deepEqual(decodeVerify(token, constraints), { refusal: `eval_builtin_error: ${message}` });
    });
  }

  test('a token that holds gives its header and claims', () => {
    const token = rs256({ kid: '1' }, { ...claims, aud: ['api', 'b'], iss: 'i' });
    const result = decodeVerify(token, { cert, alg: 'RS256', aud: 'api', iss: 'i' }) as Value;
    assert.equal(
      toJson(result),
      `[true,{"alg":"RS256","kid":"1"},{"aud":["api","b"],"exp":${seconds + 60},"iss":"i","sub":"amal"}]`,
    );
  });

  test('the key that a token names is the only one tried', () => {
    const jwks = (ids: readonly [string, string]): string =>
      JSON.stringify({
        keys: [
          { ...ec.publicKey.export({ format: 'jwk' }), kid: ids[0] },
          { ...rsa.publicKey.export({ format: 'jwk' }), kid: ids[1] },
        ],
      });
    const token = rs256({ kid: 'one' }, claims);
    assert.deepEqual(decodeVerify(token, { cert: jwks(['one', 'two']) }), REFUSED);
    assert.notDeepEqual(decodeVerify(token, { cert: jwks(['two', 'one']) }), REFUSED);
    assert.notDeepEqual(decodeVerify(token, { cert: jwks(['three', 'two']) }), REFUSED);
  });

  test('tokens within tokens are followed to a depth', () => {
    let token: string = rs256({}, claims);
    const wrap = (inner: string): string => {
      const signed = `${base64url({ alg: 'RS256', cty: 'JWT' })}.${Buffer.from(inner).toString('base64url')}`;
      return `${signed}.${sign('sha256', Buffer.from(signed), rsa.privateKey).toString('base64url')}`;
    };
    assert.notDeepEqual(decodeVerify(wrap(token), { cert }), REFUSED);
    for (let depth = 0; depth < 10; depth += 1) token = wrap(token);
    assert.deepEqual(decodeVerify(token, { cert }), { refusal: 'eval_builtin_error: token is nested too deeply' });
  });
});

describe('io.jwt.encode_sign', () => {
  test('what it signs verifies with the other half of the key, and with nothing else', () => {
    const key = { ...ec.privateKey.export({ format: 'jwk' }) } as Value;
    const token = answer('io.jwt.encode_sign', [{ alg: 'ES256' }, { sub: 'amal' }, key]) as string;
    assert.equal(answer('io.jwt.verify_es256', [token, pem(ec.publicKey)]), true);
    assert.equal(answer('io.jwt.verify_rs256', [token, pem(rsa.publicKey)]), false);
    assert.equal(answer('io.jwt.verify_es256', [`${token.slice(0, -4)}AAAA`, pem(ec.publicKey)]), false);
  });

  test('an algorithm that the key cannot sign with is refused', () => {
    const key = { ...ec.privateKey.export({ format: 'jwk' }) } as Value;
    assert.deepEqual(answer('io.jwt.encode_sign', [{ alg: 'RS256' }, {}, key]), {
      refusal:
        'eval_builtin_error: jwsbb.Sign: invalid key type *jwk.ecdsaPrivateKey. *rsa.PrivateKey is required: failed to ' +
        'produce rsa.PrivateKey from *jwk.ecdsaPrivateKey: jwk.Export: no suitable exporter found for key type ' +
        "'*jwk.ecdsaPrivateKey'",
    });
    assert.deepEqual(answer('io.jwt.encode_sign', [{ alg: 'none' }, {}, key]), {
      refusal: 'eval_builtin_error: unknown JWS algorithm: none',
    });
  });
});

test('without cryptography the builtins say so', () => {
  assert.deepEqual(answer('io.jwt.verify_hs256', ['a.b.cccc', 's'], testContext({ host: {} })), {
    refusal: 'eval_builtin_error: cryptography is not available here',
  });
});
