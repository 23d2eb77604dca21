/** Brings the tables up to date; replicas that start together wait for each other. */
import type { Queries } from './database.ts';
import { MIGRATIONS, type Migration } from './migrations.ts';

/** What a dialect says for `IDENTITY KEY`. */
export type IdentityKey = 'INTEGER PRIMARY KEY AUTOINCREMENT' | 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY';

/**
 * Inside a transaction that excludes every other one of its kind.
 *
 * @throws Error when the database was written by a later version
 */
export async function migrate(
  queries: Queries,
  identityKey: IdentityKey,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await queries.query(
    'CREATE TABLE IF NOT EXISTS sidegate_migrations (name TEXT PRIMARY KEY, position BIGINT NOT NULL UNIQUE)',
  );
  const done = await queries.query<{ name: string }>('SELECT name FROM sidegate_migrations ORDER BY position');
  const unknown = done.find(({ name }, index) => migrations[index]?.name !== name);
  if (unknown !== undefined) {
    throw new Error(
      `the database has the migration "${unknown.name}", which this version does not know; run a later one`,
    );
  }
  for (const [index, { name, statements }] of migrations.entries()) {
    if (index < done.length) continue;
    for (const statement of statements) await queries.query(statement.replaceAll('IDENTITY KEY', identityKey));
    await queries.query('INSERT INTO sidegate_migrations (name, position) VALUES ($1, $2)', [name, index]);
  }
}
