/** `replay` of an authority's configuration → where it is kept what may be used once: in its database, or in a Redis. */
import { type Clock, type ReplayStore, redisReplayStore, type SqlReplayStore, sqlReplayStore } from '@sidegate/sdk';
import type { AuthorityConfig } from '../config/schema/authority.ts';
import { createRedisCommands, hasRedisLibrary, REDIS_PACKAGE } from '../net/redis-commands.ts';
import type { OpenedStore } from './open-store.ts';
import { StartRefused } from './start-finding.ts';

export interface AssembledReplays {
  readonly replay: ReplayStore;
  /** Undefined: they are not in the database, and what keeps them forgets by itself. */
  readonly stored: SqlReplayStore | undefined;
}

/**
 * @param parts ends what is opened here
 * @throws StartRefused
 */
export function assembleReplays(
  { replay: { redis, max_entries: maxEntries } }: Pick<AuthorityConfig, 'replay'>,
  { database }: Pick<OpenedStore, 'database'>,
  { clock, parts }: { readonly clock: Clock; readonly parts: AsyncDisposableStack },
): AssembledReplays {
  if (redis === undefined) {
    const stored = sqlReplayStore({ database, maxEntries, clock });
    return { replay: stored, stored };
  }
  if (!hasRedisLibrary()) {
    const message = `needs the package ${REDIS_PACKAGE}`;
    throw new StartRefused([{ file: 'replay', severity: 'error', message, hint: `npm install ${REDIS_PACKAGE}` }]);
  }
  const { address, tls, password, db, key_prefix: keyPrefix } = redis;
  const commands = createRedisCommands({ host: address.host, port: address.port, tls, password, database: db });
  parts.defer(() => commands.close());
  return { replay: redisReplayStore({ command: commands.send, keyPrefix, clock }), stored: undefined };
}
