import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Revocation } from './revocation.ts';
import { type RevocableToken, Revocations } from './revocations.ts';

const NOW = 1_790_000_000;
const IDS = 100_000;

function open(maxEntries = 100) {
  const time = { seconds: NOW };
  const revocations = new Revocations({ maxEntries, clock: { now: () => time.seconds * 1000 } });
  const revoke = (revocation: Partial<Revocation> & Pick<Revocation, 'kind' | 'value'>): boolean =>
    revocations.apply({
      operation: 'revoke',
      revocation: { issuedUntil: undefined, endsAt: undefined, ...revocation },
    });
  return { revocations, time, revoke };
}

const token = (changes: Partial<RevocableToken> = {}): RevocableToken => ({
  subject: 'user-123',
  clientId: 'web-app',
  claims: { jti: 'jti-1', iat: NOW - 10 },
  ...changes,
});
const peer = { spiffeId: 'spiffe://example.org/a', clientId: 'a-client', notBefore: (NOW - 10) * 1000 };

const REFUSED: readonly (readonly [title: string, Pick<Revocation, 'kind' | 'value'>, RevocableToken])[] = [
  ['by its jti', { kind: 'jti', value: 'jti-1' }, token()],
  ['by its jti, though nobody knows its client', { kind: 'jti', value: 'jti-1' }, token({ clientId: undefined })],
  ['by its client', { kind: 'client', value: 'web-app' }, token()],
  ['by its subject', { kind: 'subject', value: 'user-123' }, token()],
  [
    'by the workload that is its subject',
    { kind: 'spiffe_id', value: 'spiffe://example.org/a' },
    token({ subject: 'spiffe://example.org/a' }),
  ],
];
for (const [title, revoked, refused] of REFUSED) {
  test(`a token is revoked ${title}, until that is lifted; its neighbours are not`, () => {
    const { revocations, revoke } = open();
    assert.equal(revocations.ofToken(refused), undefined);
    revoke(revoked);
    assert.equal(revocations.ofToken(refused), revoked.kind);
    for (const value of ['', `${revoked.value} `, revoked.value.toUpperCase(), 'constructor', '__proto__']) {
      const other = token({ subject: value, clientId: value, claims: { jti: value, iat: NOW } });
      assert.equal(revocations.ofToken(other), undefined, value);
    }
    const lifted = { ...revoked, issuedUntil: undefined, endsAt: undefined };
    revocations.apply({ operation: 'lift', revocation: lifted });
    assert.equal(revocations.ofToken(refused), undefined);
  });
}

test('a kind counts for itself: a client is no subject, and a subject no jti', () => {
  const { revocations, revoke } = open();
  for (const kind of ['client', 'subject', 'jti'] as const) revoke({ kind, value: `the-${kind}` });
  assert.equal(
    revocations.ofToken(token({ clientId: 'the-subject', subject: 'the-jti', claims: { jti: 'the-client', iat: 0 } })),
    undefined,
  );
});

for (const kind of ['client', 'subject'] as const) {
  test(`what was issued to a ${kind} so far is revoked, to the second; what comes later counts`, () => {
    const { revocations, revoke } = open();
    revoke({ kind, value: kind === 'client' ? 'web-app' : 'user-123', issuedUntil: NOW });
    const issued = (iat: number | undefined) => token({ claims: iat === undefined ? { jti: 'x' } : { jti: 'x', iat } });
    for (const iat of [0, NOW - 1, NOW, NOW + 0.9, undefined]) assert.equal(revocations.ofToken(issued(iat)), kind);
    assert.equal(revocations.ofToken(issued(NOW + 1)), undefined);
  });
}

test('a peer is revoked by its SPIFFE ID or by its client, and with what was issued so far only by an old certificate', () => {
  const { revocations, revoke } = open();
  revoke({ kind: 'subject', value: peer.spiffeId });
  assert.equal(revocations.ofPeer(peer), undefined);
  revoke({ kind: 'client', value: 'a-client', issuedUntil: NOW });
  assert.equal(revocations.ofPeer(peer), 'client');
  assert.equal(revocations.ofPeer({ ...peer, clientId: undefined }), undefined);
  assert.equal(revocations.ofPeer({ ...peer, notBefore: (NOW + 1) * 1000 }), undefined);
  revoke({ kind: 'spiffe_id', value: peer.spiffeId });
  assert.equal(revocations.ofPeer({ ...peer, notBefore: (NOW + 1) * 1000 }), 'spiffe_id');
  assert.equal(revocations.ofPeer({ ...peer, spiffeId: 'spiffe://example.org/b', clientId: 'b' }), undefined);
});

test('what is full refuses what is new, forgets nothing that counts, and has room when something has ended', () => {
  const { revocations, revoke, time } = open(3);
  for (const value of ['a', 'b']) assert.equal(revoke({ kind: 'jti', value, endsAt: NOW + 100 }), true);
  assert.equal(revoke({ kind: 'client', value: 'c', endsAt: NOW + 1_000 }), true);
  assert.equal(revoke({ kind: 'jti', value: 'd', endsAt: NOW + 100 }), false);
  assert.equal(revoke({ kind: 'jti', value: 'a', endsAt: NOW + 100 }), true, 'what is known takes no more room');
  assert.equal(revocations.size, 3);
  time.seconds += 200;
  assert.equal(revoke({ kind: 'jti', value: 'd', endsAt: NOW + 400 }), true);
  assert.equal(revocations.size, 2);
  assert.deepEqual([...revocations.entries()].map(({ value }) => value).sort(), ['c', 'd']);
});

test('a jti that was revoked once more ends when the later one does', () => {
  const { revocations, revoke, time } = open();
  revoke({ kind: 'jti', value: 'jti-1', endsAt: NOW + 20 });
  revoke({ kind: 'jti', value: 'jti-1', endsAt: NOW + 500 });
  time.seconds += 100;
  revoke({ kind: 'jti', value: 'other', endsAt: NOW + 500 });
  assert.equal(revocations.ofToken(token()), 'jti');
  time.seconds += 1_000;
  revoke({ kind: 'jti', value: 'another', endsAt: NOW + 5_000 });
  assert.equal(revocations.ofToken(token()), undefined);
});

test('who is blocked gets nothing more, who lost what was issued so far does', () => {
  const { revocations, revoke, time } = open();
  revoke({ kind: 'client', value: 'blocked', endsAt: NOW + 50 });
  revoke({ kind: 'client', value: 'renewed', issuedUntil: NOW });
  assert.deepEqual(
    ['blocked', 'renewed', 'unknown'].map((client) => revocations.blocks('client', client)),
    [true, false, false],
  );
  time.seconds += 50;
  assert.equal(revocations.blocks('client', 'blocked'), false);
});

test('many revoked ids cost a look-up what a few cost, and some 150 bytes each', () => {
  const many = open(IDS);
  const hundred = open();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < IDS; index += 1) {
    many.revoke({ kind: 'jti', value: `jti-of-22-characters-${index}`, endsAt: NOW + 300 });
  }
  const bytes = (process.memoryUsage().heapUsed - before) / IDS;
  for (let index = 0; index < 100; index += 1)
    hundred.revoke({ kind: 'jti', value: `jti-${index}`, endsAt: NOW + 300 });
  const nanoseconds = (revocations: Revocations): number => {
    const tokens = Array.from({ length: 1_000 }, (_, index) =>
      token({ claims: { jti: `jti-of-22-characters-${index * 977}x`, iat: NOW } }),
    );
    const times = Array.from({ length: 15 }, () => {
      const begun = process.hrtime.bigint();
      for (let round = 0; round < 20; round += 1) for (const each of tokens) revocations.ofToken(each);
      return Number(process.hrtime.bigint() - begun) / 20_000;
    });
    return times.toSorted((a, b) => a - b)[7] ?? 0;
  };
  const [few, all] = [nanoseconds(hundred.revocations), nanoseconds(many.revocations)];
  assert.ok(bytes < 500, `${bytes} bytes each`);
  assert.ok(all < 20 * few + 2_000, `${all} ns, ${few} ns with a hundred`);
});
