import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { revocationTable } from '../../../../../tests/support/revocation-table.ts';
import { openSqlite } from './sqlite.ts';

revocationTable('SQLite', async () => {
  const name = await mkdtemp(path.join(tmpdir(), 'sidegate-store-'));
  return {
    open: () => openSqlite(path.join(name, 'authority.db')),
    [Symbol.asyncDispose]: () => rm(name, { recursive: true }),
  };
});
