/**
 * The signing keys of all realms: what is published, what signs, and how one follows the other. Every change is a row that says when it
 * holds; replicas read the rows every few seconds, and a key is published long before it signs.
 */
import type { Clock } from '@sidegate/sdk';
import type { KeyRing, SignatureAlgorithm, SigningKey } from '../issuer/signing-key.ts';
import type { Database } from '../store/database.ts';
import type { KeyCustody } from './key-custody.ts';
import { type KeyRecord, type KeyState, keyState } from './key-life.ts';
import { addKey, allKeys, forgetHandle, markRetired } from './key-table.ts';

export interface KeyStoreOptions {
  readonly database: Database;
  readonly custody: KeyCustody;
  readonly clock: Pick<Clock, 'now'>;
  /** The longest life of a token, and what clocks may differ. */
  readonly keepVerifyingMs: number;
}

export interface ListedKey extends Omit<KeyRecord, 'handle'> {
  readonly state: KeyState;
}

export interface KeyStore {
  /** What this replica knows of a realm's keys, as of the last refresh. */
  ring(realm: string): KeyRing;
  /** @throws StoreUnavailable, or Error when a key that must sign cannot be opened; what was known stays */
  refresh(): Promise<void>;
  list(): readonly ListedKey[];
  /**
   * Adds a key that signs from then on; the one before it verifies until its last token has expired. Of replicas that do it at once
   * one succeeds.
   *
   * @returns the newest key, whoever added it
   */
  rotate(realm: string, algorithm: SignatureAlgorithm, activateAt: number): Promise<ListedKey>;
  /**
   * Takes a key away at once, with every token that it signed: for a key that others may have. Where it was the signing one, a new one
   * signs at once.
   *
   * @throws UnknownKey
   */
  retire(kid: string): Promise<void>;
}

export class UnknownKey extends Error {
  override readonly name = 'UnknownKey';
}

interface Opened {
  readonly record: KeyRecord;
  readonly key: SigningKey;
}

export function keyStore({ database, custody, clock, keepVerifyingMs }: KeyStoreOptions): KeyStore {
  let records: readonly KeyRecord[] = [];
  let opened: ReadonlyMap<string, Opened> = new Map();

  const familyOf = ({ realm, algorithm }: Pick<KeyRecord, 'realm' | 'algorithm'>): KeyRecord[] =>
    records.filter((record) => record.realm === realm && record.algorithm === algorithm);
  const stateOf = (record: KeyRecord): KeyState =>
    keyState(record, familyOf(record), { nowMs: clock.now(), keepVerifyingMs });

  async function refresh(): Promise<void> {
    const read = await allKeys(database);
    const ready = new Map<string, Opened>();
    records = read;
    for (const record of read) {
      const state = stateOf(record);
      if (state === 'retired' && record.handle !== '') await forgetHandle(database, record.kid);
      if (state !== 'current' && state !== 'next') continue;
      ready.set(record.kid, opened.get(record.kid) ?? { record, key: await custody.open(record) });
    }
    opened = ready;
  }

  async function rotate(realm: string, algorithm: SignatureAlgorithm, activateAt: number): Promise<ListedKey> {
    const newest = familyOf({ realm, algorithm }).at(-1);
    const made = await custody.create(algorithm);
    const createdAt = clock.now();
    const generation = (newest?.generation ?? 0) + 1;
    await addKey(database, { ...made, realm, generation, createdAt, activateAt, retiredAt: undefined });
    await refresh();
    const last = familyOf({ realm, algorithm }).at(-1);
    if (last === undefined) throw new Error(`no key of ${realm} was kept`);
    return listed(last);
  }

  function listed(record: KeyRecord): ListedKey {
    const { handle: _, ...shown } = record;
    return { ...shown, state: stateOf(record) };
  }

  return {
    ring: (realm) => ({
      current: (algorithm) => {
        const signing = familyOf({ realm, algorithm }).find((record) => stateOf(record) === 'current');
        return signing && opened.get(signing.kid)?.key;
      },
      published: () =>
        records
          .filter((record) => record.realm === realm && stateOf(record) !== 'retired')
          .map(({ publicJwk }) => publicJwk),
    }),
    refresh,
    list: () => records.map(listed),
    rotate,
    retire: async (kid) => {
      await refresh();
      const record = records.find((record) => record.kid === kid);
      if (record === undefined) throw new UnknownKey(`there is no key ${kid}`);
      const signed = stateOf(record) === 'current';
      await markRetired(database, kid, clock.now());
      await refresh();
      if (signed) await rotate(record.realm, record.algorithm, clock.now());
    },
  };
}
