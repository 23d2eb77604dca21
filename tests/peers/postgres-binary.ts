/** Where the real PostgreSQL is: what the variable `POSTGRES` names (the folder of `initdb`), or where Debian puts it. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const DEBIAN_FOLDER = '/usr/lib/postgresql';

/** Of Debian; the server and what makes its folder. */
export const POSTGRES_PACKAGE = 'postgresql';

/** The folder that holds `initdb` and `postgres`. */
export function postgresFolder(): string | undefined {
  const named = process.env['POSTGRES'];
  const candidates = named !== undefined && named !== '' ? [named] : debianFolders();
  return candidates.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** The newest first. */
function debianFolders(): string[] {
  if (!existsSync(DEBIAN_FOLDER)) return [];
  const versions = readdirSync(DEBIAN_FOLDER).sort((one, other) => Number(other) - Number(one));
  return versions.map((version) => join(DEBIAN_FOLDER, version, 'bin'));
}

/** For node:test: why tests beside the real PostgreSQL are skipped. */
export function withoutPostgres(): string | false {
  return postgresFolder() === undefined ? 'the real PostgreSQL is not installed' : false;
}
