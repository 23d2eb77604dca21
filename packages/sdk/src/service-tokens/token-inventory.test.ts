import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type InventoryToken, issuedLine, readTokenInventory, revokedLine } from './token-inventory.ts';

const NOW = Date.UTC(2026, 0, 1);
const DAY = 86_400_000;

const entry = (id: string, days: number, changes: Partial<InventoryToken> = {}): InventoryToken => ({
  id,
  service: 'orders-service',
  issuedAt: NOW,
  expiresAt: NOW + days * DAY,
  key: 'key-2026-01',
  ...changes,
});

describe('an inventory is refused, with its line,', () => {
  for (const [title, text, reason] of [
    ['that is no JSON', 'canary\n', /line 1 of/],
    [
      'with an event that nobody knows',
      `${issuedLine(entry('a', 1))}{"event":"lost"}\n`,
      /line 2 of .*neither issued nor revoked/,
    ],
    [
      'with a token without expiry',
      '{"event":"issued","id":"a","service":"b","issued_at":"2026-01-01","key":"k"}',
      /expires_at/,
    ],
    [
      'with a time that is none',
      issuedLine(entry('a', 1)).replaceAll(/2026-\d\d-\d\dT/g, 'never'),
      /issued_at is not a time/,
    ],
    ['whose line names a member twice', '{"event":"revoked","id":"a","id":"b"}', /line 1/],
    ['with a line cut off', issuedLine(entry('a', 1)).slice(0, 60), /line 1/],
  ] as const) {
    test(title, () => {
      assert.throws(() => readTokenInventory(text, NOW), { name: 'RangeError', message: reason });
    });
  }
});

test('what a token is: live, replaced by a newer one, expired or revoked', () => {
  const text = [
    issuedLine(entry('a', 40)),
    issuedLine(
      entry('b', 50, { replaces: 'a', tenants: ['t-1'], operations: ['tenant:delete'], storedIn: 'secret/b' }),
    ),
    issuedLine(entry('c', 1)),
    issuedLine(entry('d', 45)),
    revokedLine('d', NOW),
  ].join('');
  const inventory = readTokenInventory(text, NOW + 2 * DAY);
  assert.deepEqual(
    inventory.tokens.map(({ id, state }) => `${id} ${state}`),
    ['c expired', 'a replaced', 'd revoked', 'b live'],
  );
  assert.deepEqual([inventory.isRevoked('d'), inventory.isRevoked('b')], [true, false]);
  const [, , , { state, ...b }] = inventory.tokens as unknown as [
    unknown,
    unknown,
    unknown,
    InventoryToken & { state: string },
  ];
  assert.equal(state, 'live');
  assert.deepEqual(
    b,
    entry('b', 50, { replaces: 'a', tenants: ['t-1'], operations: ['tenant:delete'], storedIn: 'secret/b' }),
  );
});

test('S1-094 what expires soon is told before it does, and only as long as nothing has taken its place', () => {
  const text = issuedLine(entry('a', 31)) + issuedLine(entry('b', 365));
  const ids = (written: string, days: number) =>
    readTokenInventory(written, NOW + days * DAY)
      .expiring(30 * DAY)
      .map(({ id }) => id);
  assert.deepEqual(ids(text, 0), []);
  assert.deepEqual(ids(text, 1), ['a']);
  assert.deepEqual(ids(text + issuedLine(entry('c', 365, { replaces: 'a' })), 1), []);
});

test('an inventory of nothing is an inventory', () => {
  assert.deepEqual(readTokenInventory('\n', NOW).tokens, []);
});
