import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSigningKey, encode, keySetBytes, type MintOptions, mint } from '../../../../tests/support/tokens.ts';
import { createPushedJwks } from '../jwt/pushed-jwks.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import type { Revocation } from './revocation.ts';
import { parsePlace, type RevocationEvent, securityEventClaims, verifySecurityEvent } from './security-event.ts';

const issuer = 'https://idp.example.com/realms/services';
const now = 1_790_000_000;
const key = createSigningKey('ES256', 'signs');
const other = createSigningKey('ES256', 'signs');
const keys = createPushedJwks(keySetBytes(key.jwk()));
const epoch = 'epoch-of-this-history';
const revocation: Revocation = { kind: 'jti', value: 'jti-1', issuedUntil: undefined, endsAt: now + 300 };
const change: RevocationEvent = {
  type: 'change',
  epoch,
  sequence: 7,
  previous: 6,
  change: { operation: 'revoke', revocation },
};
const state: RevocationEvent = { type: 'state', epoch, sequence: 7, part: 0, last: true, revocations: [revocation] };

const signed = (claims: object, options: Partial<MintOptions> = {}): string =>
  mint(claims, { key, header: { typ: 'secevent+jwt' }, ...options });
const claimsOf = (event: RevocationEvent, at = now) =>
  securityEventClaims(event, { issuer, now: at }) as Record<string, unknown>;
const verified = (token: string) => verifySecurityEvent(token, { issuer, keys, now });

const KINDS: readonly (readonly [Revocation, event: string, subject: object])[] = [
  [revocation, 'session-revoked', { format: 'jwt_id', iss: issuer, jti: 'jti-1' }],
  [
    { kind: 'subject', value: 'user-123', issuedUntil: now, endsAt: now + 360 },
    'session-revoked',
    { format: 'iss_sub', iss: issuer, sub: 'user-123' },
  ],
  [
    { kind: 'client', value: 'order-service', issuedUntil: undefined, endsAt: undefined },
    'session-revoked',
    { format: 'complex', application: { format: 'iss_sub', iss: issuer, sub: 'order-service' } },
  ],
  [
    { kind: 'spiffe_id', value: 'spiffe://example.org/a', issuedUntil: undefined, endsAt: undefined },
    'credential-change',
    { format: 'uri', uri: 'spiffe://example.org/a' },
  ],
];
for (const [revoked, event, subject] of KINDS) {
  test(`RFC 8417, RFC 9493 and CAEP: a ${revoked.kind} that is revoked is a ${event} of its subject, and is read as it was said`, async () => {
    for (const operation of ['revoke', 'lift'] as const) {
      const told: RevocationEvent = { ...change, change: { operation, revocation: revoked } };
      const claims = JSON.parse(JSON.stringify(claimsOf(told))) as Record<string, unknown>;
      assert.deepEqual(claims['sub_id'], subject);
      assert.deepEqual([claims['iss'], claims['aud'], claims['iat']], [issuer, `${issuer}/events`, now]);
      const [type = '', ...more] = Object.keys(claims['events'] as object);
      assert.deepEqual(more, []);
      if (operation === 'revoke') assert.ok(type.endsWith(`/caep/event-type/${event}`), type);
      assert.deepEqual(await verified(signed(claims)), told);
    }
  });
}

test('parts of a state are read as they were said', async () => {
  const revocations = KINDS.map(([revoked]) => revoked);
  for (const [part, last] of [
    [0, false],
    [1, true],
  ] as const) {
    const told: RevocationEvent = { ...state, part, last, revocations };
    assert.deepEqual(await verified(signed(claimsOf(told))), told);
  }
});

const eventOf = (member: Record<string, unknown>): object => {
  const events = claimsOf(change)['events'] as Record<string, object>;
  return {
    events: Object.fromEntries(Object.entries(events).map(([type, payload]) => [type, { ...payload, ...member }])),
  };
};
const HOSTILE: readonly (readonly [title: string, ProblemCode, token: () => string])[] = [
  ['signed by another key of the same name', 'token_signature_invalid', () => signed(claimsOf(change), { key: other })],
  [
    'signed by nobody',
    'token_alg_not_allowed',
    () => signed(claimsOf(change), { header: { alg: 'none', typ: 'secevent+jwt' } }),
  ],
  ['that is an access token', 'token_typ_mismatch', () => signed(claimsOf(change), { header: { typ: 'at+jwt' } })],
  ['without a type', 'token_typ_mismatch', () => signed(claimsOf(change), { header: { typ: undefined } })],
  ['of another issuer', 'token_issuer_mismatch', () => signed({ ...claimsOf(change), iss: `${issuer}/` })],
  ['for another stream', 'token_aud_mismatch', () => signed({ ...claimsOf(change), aud: `${issuer}/other` })],
  ['for several streams', 'token_aud_mismatch', () => signed({ ...claimsOf(change), aud: [`${issuer}/events`] })],
  [
    'about a token of another issuer',
    'token_issuer_mismatch',
    () => signed({ ...claimsOf(change), sub_id: { format: 'jwt_id', iss: 'https://other.example.com', jti: 'x' } }),
  ],
  ['without a place', 'token_malformed', () => signed({ ...claimsOf(change), jti: 'random' })],
  [
    'with a place of many digits',
    'token_malformed',
    () => signed({ ...claimsOf(change), jti: `${epoch}.${'9'.repeat(40)}` }),
  ],
  ['without jti', 'token_malformed', () => signed({ ...claimsOf(change), jti: undefined })],
  ['that stands before itself', 'token_malformed', () => signed({ ...claimsOf(change), ...eventOf({ previous: 7 }) })],
  [
    'that stands behind nothing',
    'token_malformed',
    () => signed({ ...claimsOf(change), ...eventOf({ previous: '6' }) }),
  ],
  ['that ends at a text', 'token_malformed', () => signed({ ...claimsOf(change), ...eventOf({ ends_at: 'never' }) })],
  ['that ends before time', 'token_malformed', () => signed({ ...claimsOf(change), ...eventOf({ ends_at: -1 }) })],
  ['without events', 'token_malformed', () => signed({ ...claimsOf(change), events: {} })],
  [
    'with a list of events',
    'token_malformed',
    () => signed({ ...claimsOf(change), events: [claimsOf(change)['events']] }),
  ],
  ['of a type that is not known', 'token_malformed', () => signed({ ...claimsOf(change), events: { 'urn:x:y': {} } })],
  [
    'with two events',
    'token_malformed',
    () =>
      signed({
        ...claimsOf(change),
        events: { ...(claimsOf(change)['events'] as object), ...(claimsOf(state)['events'] as object) },
      }),
  ],
  ['without a subject', 'token_malformed', () => signed({ ...claimsOf(change), sub_id: undefined })],
  [
    'about an e-mail address',
    'token_malformed',
    () => signed({ ...claimsOf(change), sub_id: { format: 'email', email: 'a@b' } }),
  ],
  [
    'about a name of two thousand characters',
    'token_malformed',
    () => signed({ ...claimsOf(change), sub_id: { format: 'uri', uri: 'x'.repeat(2_000) } }),
  ],
  [
    'with the same claim twice',
    'token_duplicate_member',
    () => signed({}, { rawPayload: `{"iss":"${issuer}","iss":"${issuer}"}` }),
  ],
  ['of ten thousand characters', 'token_too_large', () => signed({ ...claimsOf(change), padding: 'x'.repeat(10_000) })],
  ['of two segments', 'token_malformed', () => `${encode('{}')}.${encode('{}')}`],
  ['that is no token', 'token_malformed', () => 'hello'],
  ['with a state that was signed long ago', 'token_expired', () => signed(claimsOf(state, now - 600))],
  ['with a state of the future', 'token_expired', () => signed(claimsOf(state, now + 600))],
  ['with a state without parts', 'token_malformed', () => signed({ ...claimsOf(state), jti: `${epoch}.7` })],
];
for (const [title, code, token] of HOSTILE) {
  test(`an event ${title} is none`, async () => {
    await assert.rejects(verified(token()), (error) => {
      assert.ok(error instanceof Problem);
      assert.equal(error.code, code, error.message);
      return true;
    });
  });
}

test('an event that was signed long ago is still what happened then', async () => {
  assert.deepEqual(await verified(signed(claimsOf(change, now - 86_400))), change);
});

test('a place is an epoch and a number, written in one way', () => {
  assert.deepEqual(parsePlace('a.0'), { epoch: 'a', sequence: 0 });
  for (const text of ['', 'a', 'a.', '.1', 'a.01', 'a.-1', 'a.1.2', 'a.1e3', 'ä.1', `${'a'.repeat(65)}.1`, 'a.1\n']) {
    assert.equal(parsePlace(text), undefined, text);
  }
});
