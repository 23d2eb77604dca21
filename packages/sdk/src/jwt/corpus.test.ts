/** The token section of the adversarial corpus, one row a case or neighbour, each with the code it must get. */
import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { tokenCorpus } from '../../../../tests/support/token-corpus.ts';
import { createSigningKey, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { checkConfirmation } from './binding.ts';
import { createPushedJwks } from './pushed-jwks.ts';
import { requireScopes } from './scope.ts';
import { createTokenVerifier, type TokenVerifierOptions, type VerifiedToken } from './verify.ts';

const USERS = 'https://idp.example.com/realms/users';
const SERVICES = 'https://idp.example.com/realms/services';
/** Seconds: the moment at which every token of this file is judged. */
const NOW = 1_790_000_000;

const corpus = tokenCorpus({ users: USERS, services: SERVICES, audience: 'order-service', now: NOW });
const { claims, header, keys, rawClaims, rows, token, valid } = corpus;
const { attacker, ed, es, rs } = keys;
const users = createPushedJwks(corpus.keySets.users);
const services = createPushedJwks(corpus.keySets.services);
const validSignature = valid.split('.')[2] ?? '';

const verifier = verifierWith({});
const single = verifierWith({ singleAudience: true });

function verifierWith(changes: Partial<TokenVerifierOptions>) {
  return createTokenVerifier({
    issuers: [
      { name: 'users', issuer: USERS, audiences: ['order-service'], keys: users },
      { name: 'services', issuer: SERVICES, audiences: ['order-service'], keys: services },
    ],
    clock: { now: () => NOW * 1000, monotonic: () => 0 },
    ...changes,
  });
}

for (const [title, code, text] of rows) {
  test(`${title} is refused as ${code}`, () => {
    assert.throws(() => verifier.verify(text), refusal(code));
  });
}

test('the base token passes, so every refusal above has its own reason', () => {
  const verified = accepted(valid);
  assert.equal(verified.subject, 'user-123');
  assert.equal(verified.clientId, 'web-app');
  assert.equal(verified.issuerName, 'users');
  assert.deepEqual(verified.audiences, ['order-service']);
  assert.equal(verified.acceptedUntil, NOW + 305);
});

for (const [title, text] of [
  ['every algorithm of the set', mint(claims(), { key: rs })],
  ['EdDSA', mint(claims(), { key: ed })],
  ['typ application/at+jwt', header({ typ: 'application/at+jwt' })],
  ['typ JWT', header({ typ: 'JWT' })],
  ['no typ', header({ typ: undefined })],
  ['typ claim Bearer', token({ typ: 'Bearer' })],
  ['a moment before the skew ends', token({ exp: NOW - 4 })],
  ['nbf and iat just within the skew', token({ nbf: NOW + 5, iat: NOW + 5 })],
  ['a lifetime of exactly an hour', token({ exp: NOW + 3600 })],
  ['several audiences, ours among them', token({ aud: ['api-gateway', 'order-service'] })],
  ['claims nested exactly to the limit', rawClaims(`"a":${'{"a":'.repeat(15)}1${'}'.repeat(15)}`)],
] as const) {
  test(`${title} is accepted`, () => {
    assert.equal(accepted(text).subject, 'user-123');
  });
}

test('C-009 jku and C-010 x5u are never dereferenced', async () => {
  let connections = 0;
  await using server = createServer(() => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const url = `https://127.0.0.1:${address.port}/keys`;
  for (const member of ['jku', 'x5u']) {
    const forged = token({}, { key: attacker, header: { [member]: url } });
    assert.throws(() => verifier.verify(forged), refusal('token_key_not_found'));
    assert.equal(accepted(header({ [member]: url })).keyId, 'es');
  }
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(connections, 0);
});

test('C-017 a token without kid is refused when several keys fit', () => {
  const another = createSigningKey('ES256', 'es-2');
  const keys = createPushedJwks(keySetBytes(es.jwk(), another.jwk()));
  const issuers = [{ name: 'users', issuer: USERS, audiences: ['order-service'], keys }];
  assert.throws(() => verifierWith({ issuers }).verify(header({ kid: undefined })), refusal('token_kid_required'));
  assert.equal(accepted(header({ kid: undefined })).keyId, 'es', 'one key that fits needs no name');
});

test('C-044 several audiences are refused where one is required', () => {
  const both = token({ aud: ['order-service', 'payment-service'] });
  assert.throws(() => single.verify(both), refusal('token_aud_multiple'));
  assert.throws(() => single.verify(token({ aud: ['order-service', 'order-service'] })), refusal('token_aud_multiple'));
});

for (const scope of [
  'payment:charge_all',
  'payment:charge\u00a0',
  'payment:charge\tother',
  'payment:charge,other',
  'PAYMENT:CHARGE',
  'payment:charg',
  '',
  ['payment:charge other'],
  undefined,
]) {
  test(`C-049 scope ${JSON.stringify(scope)} does not grant payment:charge`, () => {
    const { scopes } = accepted(token({ scope }));
    assert.throws(() => requireScopes(scopes, ['payment:charge']), refusal('insufficient_scope'));
  });
}

test('C-049 what is no scope token is left out, it grants nothing under any name', () => {
  assert.deepEqual(accepted(token({ scope: 'a  b\tc é d"e f\u0000 g' })).scopes, ['a', 'g']);
  assert.deepEqual(accepted(token({ scope: ['a', '', 'b c'] })).scopes, ['a']);
});

test('C-049 a scope is granted by its exact name, in a string or an array', () => {
  for (const scope of ['openid payment:charge', ['openid', 'payment:charge']]) {
    requireScopes(accepted(token({ scope })).scopes, ['payment:charge', 'openid']);
  }
});

test('C-053 as many integer-like claim names as a token can hold are read like any others', () => {
  const names = Array.from({ length: 650 }, (_, index) => `"${index * 7}":0`).join();
  const full = token({}, { key: ed, rawPayload: `{${names},${JSON.stringify(claims()).slice(1)}` });
  assert.ok(full.length > 7000);
  assert.equal(Object.keys(accepted(full).claims).length, 650 + Object.keys(claims()).length);
});

test('C-054 claims named like prototype members are inert data', () => {
  const verified = accepted(rawClaims('"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}'));
  assert.equal(Object.getPrototypeOf(verified.claims), null);
  assert.equal(verified.claims['admin'], undefined);
  assert.equal(({} as Record<string, unknown>)['admin'], undefined);
  assert.deepEqual(Object.keys(verified.claims).slice(-2), ['__proto__', 'constructor']);
});

test('C-058 a token bound to another certificate is refused', () => {
  const own = 'A'.repeat(43);
  const bound = accepted(token({ cnf: { 'x5t#S256': own } }));
  assert.throws(() => checkConfirmation(bound, 'B'.repeat(43)), refusal('token_binding_mismatch'));
  assert.throws(() => checkConfirmation(bound, undefined), refusal('token_binding_mismatch'));
  checkConfirmation(bound, own);
  checkConfirmation(accepted(valid), undefined);
  for (const cnf of [
    null,
    'x',
    [],
    { 'x5t#S256': 1 },
    { 'x5t#S256': 'short' },
    { 'x5t#S256': `${own}=` },
    { jkt: null },
  ]) {
    assert.throws(() => verifier.verify(token({ cnf })), refusal('token_claim_type'), JSON.stringify(cnf));
  }
});

test('C-059 a token bound to a DPoP key or by an unknown method needs a proof', () => {
  const thumbprint = 'A'.repeat(43);
  for (const cnf of [{ jkt: thumbprint }, { jkt: thumbprint, 'x5t#S256': thumbprint }, { jwk: {} }, {}]) {
    const bound = accepted(token({ cnf }));
    assert.throws(() => checkConfirmation(bound, thumbprint), refusal('token_binding_required'), JSON.stringify(cnf));
  }
});

test('a refusal never repeats the token and quotes what it shows', () => {
  for (const [title, , text] of rows) {
    const problem = catchProblem(() => verifier.verify(text));
    assert.match(problem.message, /^[\x20-\x7e…\p{L}]{1,600}$/u, title);
    assert.ok(text.length < 20 || !problem.message.includes(text), title);
    if (validSignature !== '') assert.ok(!problem.message.includes(validSignature), title);
  }
});

function accepted(text: string): VerifiedToken {
  const verified = verifier.verify(text);
  assert.ok(!(verified instanceof Promise));
  return verified;
}

function refusal(code: ProblemCode) {
  return (error: unknown) => {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

function catchProblem(run: () => unknown): Problem {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error;
  }
  throw new assert.AssertionError({ message: 'no problem was thrown' });
}
