/**
 * One writer at a time for a certificates directory. SQLite's file lock is the kernel's: it ends with the process,
 * also on SIGKILL, so that an interrupted run leaves nothing to clean up. Fails closed: no lock, no writing.
 */

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileErrorCode } from './file-error.ts';
import { PkiRefused } from './finding.ts';

const ATTEMPT_EVERY_MS = 20;
const SQLITE_BUSY = 5;

/**
 * Makes the directory if need be, waits for it, and holds it until disposed.
 *
 * @throws {PkiRefused} when the directory cannot be made or written, or another run has held it for `attempts` times 20 ms.
 */
export async function lockTree(directory: string, attempts = 1500): Promise<Disposable> {
  const database = await openLock(directory);
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if (tryLock(database)) return { [Symbol.dispose]: () => database.close() };
    await sleep(ATTEMPT_EVERY_MS);
  }
  database.close();
  const message = 'is in use by another run that makes certificates; try again when it has ended';
  throw new PkiRefused([{ file: directory, code: 'busy', message }]);
}

async function openLock(directory: string): Promise<DatabaseSync> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return new DatabaseSync(join(directory, '.lock'), { timeout: 0 });
  } catch (error) {
    const message = `cannot be written (${fileErrorCode(error)})`;
    throw new PkiRefused([{ file: directory, code: 'unwritable', message }]);
  }
}

function tryLock(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY) return false;
    database.close();
    throw error;
  }
}
