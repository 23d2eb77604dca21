import { enrolmentTable } from '../../../../../tests/support/enrolment-table.ts';
import { IN_MEMORY, openSqlite } from '../store/sqlite.ts';

/** One process has the file: its parts share what it opened. */
enrolmentTable('SQLite', async () => {
  const database = await openSqlite(IN_MEMORY);
  return {
    open: async () => ({ ...database, close: async () => undefined }),
    [Symbol.asyncDispose]: () => database.close(),
  };
});
