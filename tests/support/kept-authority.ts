/** An authority that stops and starts again, and knows what it has revoked. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { storedRevocations } from '../../packages/sidegate/src/authority/store/revocations.ts';
import { openSqlite } from '../../packages/sidegate/src/authority/store/sqlite.ts';
import { type RevokingAuthority, startRevokingAuthority } from './revoking-authority.ts';

/** An authority whose store outlives it. */
export async function startKeptAuthority(): Promise<RevokingAuthority> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sidegate-kept-'));
  const database = await openSqlite(path.join(folder, 'authority.db'));
  const stored = storedRevocations(database, () => Date.now());
  const authority = await startRevokingAuthority({ revocationStore: (realm) => stored.open(realm) });
  const kept: RevokingAuthority = {
    ...authority,
    async [Symbol.asyncDispose]() {
      await authority[Symbol.asyncDispose]();
      await database.close();
      rmSync(folder, { recursive: true });
    },
  };
  return kept;
}
