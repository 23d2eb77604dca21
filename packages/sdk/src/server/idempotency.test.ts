import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manualTime } from '../../../../tests/support/manual-time.ts';
import { Problem, type ProblemCode } from '../problem.ts';
import { type Command, createIdempotency } from './idempotency.ts';
import { memoryIdempotencyStore } from './memory-idempotency-store.ts';
import type { Principal } from './principal.ts';

const callerNamed = (name: string): Principal => ({
  proofs: ['bearer'],
  service: { name, spiffeId: undefined },
  user: undefined,
  scopes: [],
  roles: ['system'],
  claims: undefined,
});

const CHARGE: Command = {
  principal: callerNamed('order-service'),
  key: '8e03978e-40d5-43dd-bc93-6894a57f9324',
  operation: 'charge',
  payload: { order_id: 'o1', amount_cents: 500 },
};

/** A bank that counts what it was told to do. */
function bank(maxEntries = 100) {
  const time = manualTime();
  const once = createIdempotency({
    store: memoryIdempotencyStore({ maxEntries, clock: time.clock }),
    ttlSeconds: 60,
    runtime: time,
  });
  let charges = 0;
  return {
    time,
    charges: () => charges,
    charge: (changed: Partial<Command> = {}, run = async () => ({ receipt: charges }) as unknown) =>
      once({ ...CHARGE, ...changed }, () => {
        charges += 1;
        return run();
      }),
  };
}

const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code;

for (const [title, key] of [
  ['none', undefined],
  ['an empty one', ''],
  ['one with a blank', 'a b'],
  ['one with a line break', 'a\nb'],
  ['one outside ASCII', 'ключ'],
  ['one that is too long', 'x'.repeat(256)],
  ['quotes around nothing', '""'],
] as const) {
  test(`S0-69 a command with ${title} for a key does not run`, async () => {
    const { charge, charges } = bank();
    await assert.rejects(charge({ key }), refused('idempotency_key_missing'));
    assert.equal(charges(), 0);
  });
}

test('S0-69 a repeat with the same key does not charge twice, and has the same answer', async () => {
  const { charge, charges, time } = bank();
  assert.deepEqual(await charge(), { receipt: 1 });
  time.advance(59_999);
  assert.deepEqual(await charge(), { receipt: 1 });
  assert.deepEqual(await charge({ key: `"${CHARGE.key}"` }), { receipt: 1 }, 'quoted it is the same key');
  assert.equal(charges(), 1);
});

test('S0-69 of parallel repeats one charges, and the others are told to wait', async () => {
  const { charge, charges } = bank();
  const settled = await Promise.allSettled([charge(), charge(), charge()]);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected'],
  );
  for (const each of settled.slice(1))
    assert.ok(each.status === 'rejected' && refused('idempotency_in_progress')(each.reason));
  assert.equal(charges(), 1);
});

test('the same key with another payload is refused', async () => {
  const { charge, charges } = bank();
  await charge();
  await assert.rejects(
    charge({ payload: { order_id: 'o1', amount_cents: 50_000 } }),
    refused('idempotency_key_reused'),
  );
  assert.equal(charges(), 1);
});

test('the key of another caller, user or operation is another key', async () => {
  const { charge, charges } = bank();
  await charge();
  await charge({ principal: callerNamed('report-service') });
  await charge({ principal: { ...CHARGE.principal, user: { id: 'mary', roles: [] } } });
  await charge({ operation: 'refund' });
  assert.equal(charges(), 4);
});

test('a charge that failed may be tried again', async () => {
  const { charge, charges } = bank();
  await assert.rejects(
    charge({}, () => Promise.reject(new Error('the bank is closed'))),
    /the bank is closed/,
  );
  await charge();
  assert.equal(charges(), 2);
});

test('what cannot be remembered does not run, and what has expired makes room', async () => {
  const { charge, charges, time } = bank(2);
  await charge({ key: 'k1' });
  await charge({ key: 'k2' });
  await assert.rejects(charge({ key: 'k3' }), refused('replay_store_full'));
  assert.equal(charges(), 2);
  time.advance(60_000);
  await charge({ key: 'k3' });
  assert.equal(charges(), 3);
});

test('a command without an answer has none at its repeat either', async () => {
  const { charge } = bank();
  assert.equal(await charge({}, async () => undefined), undefined);
  assert.equal(await charge({}, async () => undefined), null);
});

test('a charge whose result cannot be kept does not run again', async () => {
  const { charge, charges } = bank();
  await assert.rejects(
    charge({}, async () => ({ cents: 1n })),
    TypeError,
  );
  await assert.rejects(charge(), refused('idempotency_in_progress'));
  assert.equal(charges(), 1);
});
