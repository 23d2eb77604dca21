/** What every store of commands does alike: one table, run on memory and SQLite by `npm test`, on PostgreSQL and Redis by `npm run test:peers`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem, type ProblemCode } from '@sidegate/sdk';
import { type Command, createIdempotency, type IdempotencyStore } from '@sidegate/sdk/server';

export interface OpenedStores extends AsyncDisposable {
  /** The store as each replica has it: one and the same for what one process remembers by itself. */
  readonly replicas: readonly [IdempotencyStore, IdempotencyStore];
}

const COMMAND: Command = {
  principal: {
    proofs: ['bearer'],
    service: { name: 'order-service', spiffeId: undefined },
    user: undefined,
    scopes: [],
    roles: ['system'],
    claims: undefined,
  },
  key: '8e03978e-40d5-43dd-bc93-6894a57f9324',
  operation: 'charge',
  payload: { order_id: 'o1', amount_cents: 500 },
};
const refused = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function idempotencyTable(name: string, prepare: () => Promise<OpenedStores>): void {
  const bank = async (ttlSeconds = 60) => {
    const stores = await prepare();
    const [here, there] = stores.replicas.map((store) => createIdempotency({ store, ttlSeconds }));
    assert.ok(here !== undefined && there !== undefined);
    let charges = 0;
    const run = async (): Promise<unknown> => ({ receipt: (charges += 1), text: 'done "ü"\n' });
    return { here, there, run, charges: () => charges, [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose]() };
  };

  test(`S0-69 ${name}: a repeat at another replica does not charge twice, and has the same answer`, async () => {
    await using at = await bank();
    const first = await at.here(COMMAND, at.run);
    assert.deepEqual(await at.there(COMMAND, at.run), first);
    assert.deepEqual(await at.here(COMMAND, at.run), first);
    assert.equal(at.charges(), 1);
  });

  test(`S0-69 ${name}: of a hundred parallel ones at two replicas one charges, and the others are told to wait`, async () => {
    await using at = await bank();
    const begun = Promise.withResolvers<void>();
    const slow = async () => {
      await begun.promise;
      return at.run();
    };
    let waiting = 0;
    const told = (error: unknown): never => {
      if ((waiting += 1) === 99) begun.resolve();
      throw error;
    };
    const all = Array.from({ length: 50 }, () => [at.here(COMMAND, slow), at.there(COMMAND, slow)]).flat();
    const settled = Promise.allSettled(all.map((one) => one.catch(told)));
    const outcomes = await settled;
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Problem).code] : []));
    assert.deepEqual([...new Set(codes)], ['idempotency_in_progress']);
    assert.equal(at.charges(), 1);
  });

  test(`${name}: the same key with another payload is refused, while it runs and afterwards`, async () => {
    await using at = await bank();
    const other = { ...COMMAND, payload: { order_id: 'o1', amount_cents: 50_000 } };
    await at.here(COMMAND, async () => {
      await assert.rejects(at.there(other, at.run), refused('idempotency_key_reused'));
      return at.run();
    });
    await assert.rejects(at.there(other, at.run), refused('idempotency_key_reused'));
    assert.equal(at.charges(), 1);
  });

  test(`${name}: a charge that failed may be tried again at another replica`, async () => {
    await using at = await bank();
    const failing = () => Promise.reject(new Error('the bank is closed'));
    await assert.rejects(at.here(COMMAND, failing), /the bank is closed/);
    await at.there(COMMAND, at.run);
    assert.equal(at.charges(), 1);
  });

  test(`${name}: a key is forgotten when it expires, and a run that outlived it ends no later one`, async () => {
    await using at = await bank(1);
    const late = Promise.withResolvers<void>();
    const outlived = at.here(COMMAND, async () => {
      await late.promise;
      return { receipt: 'of the first' };
    });
    await pause(1_100);
    const second = at.there(COMMAND, async () => {
      late.resolve();
      await outlived;
      await assert.rejects(at.here(COMMAND, at.run), refused('idempotency_in_progress'));
      return { receipt: 'of the second' };
    });
    assert.deepEqual(await second, { receipt: 'of the second' });
    await pause(1_100);
    await at.here(COMMAND, at.run);
    assert.equal(at.charges(), 1);
  });
}
