import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { createSigningKey, keySetBytes, mint } from '../../../../tests/support/tokens.ts';
import { createPushedJwks } from './pushed-jwks.ts';
import { cacheTokens } from './token-cache.ts';
import { createTokenVerifier, type TokenVerifier } from './verify.ts';

const ISSUER = 'https://idp.example.com/realms/users';
const first = createSigningKey('ES256', 'first');
const second = createSigningKey('ES256', 'second');

/** A cached verifier that counts how often it really verifies. */
function open({ audience = 'order-service', maxTokens = 100 } = {}) {
  const time = manualTime();
  const keys = createPushedJwks(keySetBytes(first.jwk(), second.jwk()));
  const verifier = createTokenVerifier({
    issuers: [{ name: 'users', issuer: ISSUER, audiences: [audience], keys }],
    clock: time.clock,
  });
  let verified = 0;
  const counting: TokenVerifier = {
    ...verifier,
    verify(text) {
      verified += 1;
      return verifier.verify(text);
    },
  };
  const cached = cacheTokens(counting, { clock: time.clock, maxTokens });
  return { time, keys, cached, verified: () => verified };
}

function token(sub: string = 'u', { key = first, lifetime = 300, startMs = 1_790_000_000_000 } = {}): string {
  const now = startMs / 1000;
  return mint({ iss: ISSUER, aud: 'order-service', sub, iat: now, exp: now + lifetime }, { key });
}

function accept(verifier: TokenVerifier, text: string): void {
  assert.ok(!(verifier.verify(text) instanceof Promise), 'nothing had to be fetched');
}

test('C-062 a cached token is refused after its exp', () => {
  const { cached, time } = open();
  const text = token();
  accept(cached, text);
  time.advance(304_999);
  accept(cached, text);
  time.advance(1);
  assert.throws(() => cached.verify(text), { code: 'token_expired' });
});

test('C-062 a token that was seen expired stays refused when the clock is set back', () => {
  const { cached, time } = open();
  const text = token();
  accept(cached, text);
  time.advance(400_000);
  assert.throws(() => cached.verify(text), { code: 'token_expired' });
  time.stepWallClock(-3600_000);
  assert.throws(() => cached.verify(text), { code: 'token_expired' });
});

test('C-062 a token expires on the monotonic clock although the wall clock stands still or runs back', () => {
  for (const step of [-300_000, -3600_000]) {
    const { cached, time } = open();
    const text = token();
    accept(cached, text);
    time.stepWallClock(step);
    accept(cached, text);
    time.advance(305_000);
    assert.throws(() => cached.verify(text), { code: 'token_expired' });
  }
});

test('C-062 a token expires at once when the wall clock jumps ahead', () => {
  const { cached, time } = open();
  const text = token();
  accept(cached, text);
  time.stepWallClock(3600_000);
  assert.throws(() => cached.verify(text), { code: 'token_expired' });
  time.stepWallClock(-3600_000);
  assert.throws(() => cached.verify(text), { code: 'token_expired' }, 'and does not come back');
});

test('C-062 a cached token is refused as soon as its key is removed, tokens of other keys are verified anew', () => {
  const { cached, keys, verified } = open();
  const removed = token('a');
  const kept = token('b', { key: second });
  accept(cached, removed);
  accept(cached, kept);
  keys.push(keySetBytes(second.jwk()));
  assert.throws(() => cached.verify(removed), { code: 'token_key_not_found' });
  accept(cached, kept);
  accept(cached, kept);
  assert.equal(verified(), 4);
  keys.push(keySetBytes(first.jwk()));
  accept(cached, removed);
});

test('C-061 what one configuration accepted is not accepted by another', () => {
  const orders = open();
  const payments = open({ audience: 'payment-service' });
  const text = token();
  accept(orders.cached, text);
  accept(orders.cached, text);
  assert.throws(() => payments.cached.verify(text), { code: 'token_aud_mismatch' });
});

test('a cached token is the very same value and costs no verification', () => {
  const { cached, verified } = open();
  const text = token();
  const value = cached.verify(text);
  assert.equal(cached.verify(Buffer.from(text).toString()), value);
  assert.equal(verified(), 1);
});

test('a token that differs in one character is another token', () => {
  const { cached } = open();
  const text = token();
  accept(cached, text);
  for (const other of [`${text} `, `${text}=`, text.slice(0, -1), text.toLowerCase()]) {
    assert.throws(() => cached.verify(other));
  }
});

test('a token with the signature of one that comes all the time is another token', () => {
  const { cached } = open();
  const text = token('alice');
  for (let i = 0; i < 3; i += 1) accept(cached, text);
  const [header = '', , signature = ''] = text.split('.');
  const forged = `${header}.${token('admin').split('.')[1]}.${signature}`;
  assert.throws(() => cached.verify(forged), { code: 'token_signature_invalid' });
});

test('refusals are not remembered, nor do they push out successes', () => {
  const { cached, verified } = open({ maxTokens: 2 });
  const kept = token();
  accept(cached, kept);
  for (let index = 0; index < 10; index += 1) assert.throws(() => cached.verify(`bad.${index}`));
  assert.throws(() => cached.verify('bad.0'));
  accept(cached, kept);
  assert.equal(verified(), 12);
});

test('the cache is bounded and loses only the token used longest ago', () => {
  const { cached, verified } = open({ maxTokens: 3 });
  const [a = '', b = '', c = '', d = ''] = ['a', 'b', 'c', 'd'].map((sub) => token(sub));
  for (const text of [a, b, c, a, d]) accept(cached, text);
  assert.equal(verified(), 4);
  for (const text of [a, c, d]) accept(cached, text);
  assert.equal(verified(), 4, 'only b had to go');
  accept(cached, b);
  assert.equal(verified(), 5);
});

test('a token whose keys had to be awaited is cached as well', async () => {
  const { cached, time } = open();
  const text = token();
  const value = await Promise.resolve(cached.verify(text));
  let verified = 0;
  const slow = cacheTokens(
    { verify: async () => ((verified += 1), value), remembers: () => false, isCurrent: () => true, close() {} },
    { clock: time.clock },
  );
  assert.equal(await slow.verify(text), value);
  assert.equal(slow.verify(text), value);
  assert.equal(verified, 1);
});

test('it remembers what it would accept without a signature, and nothing else', () => {
  const { cached, time } = open();
  const text = token();
  assert.equal(cached.remembers(text), false);
  accept(cached, text);
  assert.equal(cached.remembers(text), true);
  assert.equal(cached.remembers(`${text}x`), false);
  time.advance(3_700_000);
  assert.equal(cached.remembers(text), false);
});
