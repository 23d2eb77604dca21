/** What revocations promise on every database behind the authority: one table, run on SQLite and on PostgreSQL. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Revocation, RevocationChange } from '@sidegate/sdk';
import { RevocationJournal } from '../../packages/sidegate/src/authority/events/revocation-journal.ts';
import { storedRevocations } from '../../packages/sidegate/src/authority/store/revocations.ts';
import type { OpenedDatabase } from './database-table.ts';

const NOW = 1_790_000_000;
const clock = { now: () => NOW * 1000 };

const change = (
  value: string,
  changes: Partial<Revocation> = {},
  operation: RevocationChange['operation'] = 'revoke',
) => ({
  operation,
  revocation: { kind: 'jti', value, issuedUntil: undefined, endsAt: NOW + 300, ...changes } satisfies Revocation,
});
const valuesOf = (journal: RevocationJournal): string[] => [...journal.revocations.entries()].map(({ value }) => value);

export function revocationTable(name: string, prepare: () => Promise<OpenedDatabase>): void {
  const openReplica = async (prepared: OpenedDatabase, realm = 'services') => {
    const database = await prepared.open();
    const stored = storedRevocations(database, clock.now);
    const journal = await RevocationJournal.open({ store: await stored.open(realm), maxEntries: 10_000, clock });
    return { database, stored, journal };
  };

  test(`${name}: what one replica has revoked or lifted is known to another when it looks, and after a restart`, async () => {
    await using prepared = await prepare();
    const [first, second] = [await openReplica(prepared), await openReplica(prepared)];
    assert.equal(first.journal.epoch, second.journal.epoch);
    const heard: unknown[] = [];
    second.journal.onChange((changes) =>
      heard.push(...changes.map(({ change: { operation, revocation } }) => [operation, revocation.value])),
    );
    const forever = change('client', { kind: 'client', endsAt: undefined, issuedUntil: NOW });
    await first.journal.record([change('a'), change('b'), forever]);
    await first.journal.record([change('b', {}, 'lift')]);
    assert.deepEqual(valuesOf(second.journal), []);
    await second.journal.follow();
    assert.deepEqual(valuesOf(second.journal), ['a', 'client']);
    assert.deepEqual(second.journal.revocations.get('client', 'client'), forever.revocation);
    assert.deepEqual(heard, [
      ['revoke', 'a'],
      ['revoke', 'client'],
      ['lift', 'b'],
    ]);
    assert.deepEqual([first.journal.sequence, second.journal.sequence], [4, 4]);
    const third = await openReplica(prepared);
    assert.deepEqual(valuesOf(third.journal), ['a', 'client']);
    assert.deepEqual([third.journal.epoch, third.journal.sequence], [first.journal.epoch, 4]);
    await Promise.all([first, second, third].map(({ database }) => database.close()));
  });

  test(`${name}: two replicas that revoke at once miss nothing of each other, in one order`, async () => {
    await using prepared = await prepare();
    const replicas = [await openReplica(prepared), await openReplica(prepared)];
    const orders = replicas.map(({ journal }) => {
      const order: number[] = [];
      journal.onChange((changes) => order.push(...changes.map(({ sequence }) => sequence)));
      return order;
    });
    await Promise.all(
      replicas.flatMap(({ journal }, replica) =>
        Array.from({ length: 50 }, (_, index) => journal.record([change(`jti-${replica}-${index}`)])),
      ),
    );
    await Promise.all(replicas.map(({ journal }) => journal.follow()));
    for (const [index, { journal }] of replicas.entries()) {
      assert.equal(new Set(valuesOf(journal)).size, 100);
      assert.deepEqual(
        orders[index],
        Array.from({ length: 100 }, (_, place) => place + 1),
      );
    }
    await Promise.all(replicas.map(({ database }) => database.close()));
  });

  test(`${name}: realms have a history each, and what has ended is swept without a trace in the rest`, async () => {
    await using prepared = await prepare();
    const services = await openReplica(prepared);
    const users = await openReplica(prepared, 'users');
    await services.journal.record([change('soon', { endsAt: NOW + 10 }), change('later', { endsAt: NOW + 1_000 })]);
    await users.journal.record([change('users', { endsAt: undefined })]);
    await services.stored.sweep((NOW + 100) * 1000);
    const again = await openReplica(prepared);
    assert.deepEqual(valuesOf(again.journal), ['later']);
    assert.equal(again.journal.sequence, 2);
    assert.deepEqual(valuesOf((await openReplica(prepared, 'users')).journal), ['users']);
    await Promise.all([services, users, again].map(({ database }) => database.close()));
  });
}
