import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { createSigningKey, encode, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { Problem } from '../problem.ts';
import { ALGORITHMS } from './algorithms.ts';
import { createPushedJwks } from './pushed-jwks.ts';
import { createTokenVerifier, type TokenVerifierOptions, type TrustedIssuer, type VerifiedToken } from './verify.ts';

const ISSUER = 'https://idp.example.com/realms/users';
const NOW = 1_790_000_000;
const CLOCK = { now: () => NOW * 1000, monotonic: () => 0 };
const CLAIMS = { iss: ISSUER, aud: 'order-service', sub: 'user-123', iat: NOW, exp: NOW + 300 };

const keys = {
  ES256: createSigningKey('ES256', 'es'),
  RS256: createSigningKey('RS256', 'rs'),
  EdDSA: createSigningKey('EdDSA', 'ed'),
};
const keySet = createPushedJwks(keySetBytes(...Object.values(keys).map((key) => key.jwk())));

function open(issuer: Partial<TrustedIssuer> = {}, options: Partial<TokenVerifierOptions> = {}) {
  const issuers = [{ name: 'users', issuer: ISSUER, audiences: ['order-service'], keys: keySet, ...issuer }];
  return createTokenVerifier({ issuers, clock: CLOCK, ...options });
}

function synchronous(result: VerifiedToken | Promise<VerifiedToken>): VerifiedToken {
  assert.ok(!(result instanceof Promise));
  return result;
}

test('a token in which any character was changed never verifies', () => {
  const verifier = open();
  for (const key of Object.values(keys)) {
    const valid = mint(CLAIMS, { key });
    synchronous(verifier.verify(valid));
    const character = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 2 }),
      fc.constantFrom('', '.', '=', 'A', '_', '-'),
    );
    fc.assert(
      fc.property(fc.nat(valid.length - 1), character, (at, inserted) => {
        const changed = valid.slice(0, at) + inserted + valid.slice(at + 1);
        fc.pre(changed !== valid);
        assert.throws(() => verifier.verify(changed), Problem);
      }),
      { numRuns: 300 },
    );
  }
});

test('segments of different valid tokens cannot be combined', () => {
  const verifier = open();
  const tokens = Object.values(keys).flatMap((key) => [
    mint(CLAIMS, { key }),
    mint({ ...CLAIMS, sub: 'admin' }, { key }),
  ]);
  const parts = tokens.map((token) => token.split('.'));
  for (const [i, header] of parts.entries()) {
    for (const [j, payload] of parts.entries()) {
      for (const [k, signature] of parts.entries()) {
        const combined = `${header[0]}.${payload[1]}.${signature[2]}`;
        if (tokens.includes(combined)) continue;
        assert.throws(() => verifier.verify(combined), { code: 'token_signature_invalid' }, `${i} ${j} ${k}`);
      }
    }
  }
});

test('text of any kind is refused with a Problem, never with anything else', () => {
  const verifier = open();
  const member = fc.constantFrom(
    'alg',
    'kid',
    'typ',
    'crit',
    'b64',
    'zip',
    'jwk',
    'iss',
    'sub',
    'aud',
    'exp',
    'cnf',
    'scope',
  );
  const segment = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.dictionary(member, fc.jsonValue({ maxDepth: 3 })).map((value) => encode(JSON.stringify(value))),
    fc.constant(encode('{"alg":"ES256","kid":"es"}')),
    fc.uint8Array({ maxLength: 70 }).map((value) => encode(Buffer.from(value))),
  );
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
      assert.throws(() => verifier.verify(segments.join('.')), Problem);
    }),
    { numRuns: 2000 },
  );
});

test('signed claims of any shape are accepted whole or refused with a Problem', () => {
  const verifier = open();
  const member = fc.constantFrom(
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'nbf',
    'azp',
    'client_id',
    'scope',
    'typ',
    'cnf',
    'events',
  );
  fc.assert(
    fc.property(fc.dictionary(member, fc.jsonValue({ maxDepth: 2 })), (changes) => {
      try {
        const { subject, claims } = synchronous(verifier.verify(mint({ ...CLAIMS, ...changes }, { key: keys.EdDSA })));
        assert.equal(subject, claims['sub']);
      } catch (error) {
        assert.ok(error instanceof Problem);
      }
    }),
    { numRuns: 500 },
  );
});

test('S3-089 tokens of another implementation are accepted with every algorithm', async () => {
  for (const alg of ALGORITHMS.keys()) {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'foreign', alg };
    const token = await new SignJWT({ azp: 'web-app', scope: 'openid orders' })
      .setProtectedHeader({ alg, kid: 'foreign', typ: 'at+jwt' })
      .setIssuer(ISSUER)
      .setAudience(['api-gateway', 'order-service'])
      .setSubject('user-123')
      .setIssuedAt(NOW)
      .setExpirationTime(NOW + 300)
      .sign(privateKey);
    const verified = synchronous(open({ keys: createPushedJwks(keySetBytes(jwk)) }).verify(token));
    assert.deepEqual(verified.scopes, ['openid', 'orders']);
    assert.deepEqual(verified.header, { alg, kid: 'foreign', typ: 'at+jwt' });
    assert.equal(verified.clientId, 'web-app');
  }
});

test('an issuer may sign only with the algorithms that it was trusted with', () => {
  const verifier = open({ algorithms: ['ES256'] });
  synchronous(verifier.verify(mint(CLAIMS, { key: keys.ES256 })));
  assert.throws(() => verifier.verify(mint(CLAIMS, { key: keys.RS256 })), { code: 'token_alg_not_allowed' });
});

test('SD-18 a key of one issuer does not verify the tokens of another, even under the same kid', () => {
  const twin = createSigningKey('ES256', 'es');
  const other = `${ISSUER}-2`;
  const verifier = createTokenVerifier({
    clock: CLOCK,
    issuers: [
      { name: 'a', issuer: ISSUER, audiences: ['order-service'], keys: keySet },
      { name: 'b', issuer: other, audiences: ['order-service'], keys: createPushedJwks(keySetBytes(twin.jwk())) },
    ],
  });
  assert.equal(synchronous(verifier.verify(mint({ ...CLAIMS, iss: other }, { key: twin }))).issuerName, 'b');
  assert.throws(() => verifier.verify(mint({ ...CLAIMS, iss: other }, { key: keys.ES256 })), {
    code: 'token_signature_invalid',
  });
  assert.throws(() => verifier.verify(mint(CLAIMS, { key: twin })), { code: 'token_signature_invalid' });
});

test('S3-147 the issuer is compared exactly, and S3-148 the audience must be one of aud', () => {
  const accepts = (changes: Partial<TrustedIssuer>) => {
    try {
      return synchronous(open(changes).verify(mint(CLAIMS, { key: keys.ES256 }))).subject;
    } catch (error) {
      return error instanceof Problem ? error.code : undefined;
    }
  };
  assert.equal(accepts({ issuer: `${ISSUER}/` }), 'token_issuer_mismatch');
  assert.equal(accepts({ issuer: ISSUER.toUpperCase() }), 'token_issuer_mismatch');
  assert.equal(accepts({ audiences: ['order'] }), 'token_aud_mismatch');
  assert.equal(accepts({ audiences: [] }), 'token_aud_mismatch');
  assert.equal(accepts({ audiences: ['api-gateway', 'order-service'] }), 'user-123');
});

test('S3-092 a token for another audience is refused, S3-093 one with several is accepted', () => {
  const verifier = open();
  const aud = ['api-gateway', 'order-service', 'payment-service'];
  assert.throws(() => verifier.verify(mint({ ...CLAIMS, aud: 'api-gateway' }, { key: keys.ES256 })), {
    code: 'token_aud_mismatch',
  });
  assert.deepEqual(synchronous(verifier.verify(mint({ ...CLAIMS, aud }, { key: keys.ES256 }))).audiences, aud);
});

test('options that contradict themselves are refused', () => {
  for (const clockSkewSeconds of [-1, 61, Number.NaN]) assert.throws(() => open({}, { clockSkewSeconds }), RangeError);
  const issuer = { name: 'users', issuer: ISSUER, audiences: ['a'], keys: keySet };
  assert.throws(
    () => createTokenVerifier({ issuers: [issuer, { ...issuer, name: 'again' }], clock: CLOCK }),
    RangeError,
  );
});

test('a verified token cannot be changed by whoever gets it', () => {
  const token = synchronous(open().verify(mint({ ...CLAIMS, scope: 'a', cnf: {}, roles: ['x'] }, { key: keys.ES256 })));
  for (const part of [
    token,
    token.claims,
    token.claims['roles'],
    token.header,
    token.audiences,
    token.scopes,
    token.confirmation,
  ]) {
    assert.ok(Object.isFrozen(part));
  }
});

test('no keys at all is 503, and says when to come back', () => {
  const verifier = open({ keys: createPushedJwks() });
  assert.throws(
    () => verifier.verify(mint(CLAIMS, { key: keys.ES256 })),
    (error) => error instanceof Problem && error.code === 'jwks_unavailable' && error.retryAfterSeconds === 1,
  );
});
