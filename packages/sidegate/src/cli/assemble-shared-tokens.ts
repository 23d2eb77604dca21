/** Config → the store through which replicas share tokens, if there is one. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createSharedTokens, type ShareToken } from '../egress/credentials/shared-tokens.ts';
import { createRedisCommands, hasRedisLibrary, REDIS_PACKAGE } from '../net/redis-commands.ts';
import type { Assembly } from './assembly.ts';

export function assembleSharedTokens(
  { redis }: SidecarConfig['egress']['token_store'],
  { clock, randomHex, logger, findings, components }: Assembly,
): ShareToken | undefined {
  if (redis === undefined) return undefined;
  if (!hasRedisLibrary()) {
    const message = `needs the package ${REDIS_PACKAGE}`;
    findings.push({ file: 'egress.token_store', severity: 'error', message, hint: `npm install ${REDIS_PACKAGE}` });
    return undefined;
  }
  return components.take('shared tokens', redis, () => {
    const { tls, password, db: database, key_prefix: keyPrefix } = redis;
    const { host, port } = redis.address;
    const commands = createRedisCommands({ host, port, tls, password, database });
    const share = createSharedTokens({
      command: commands.send,
      clock,
      keyPrefix,
      newId: () => randomHex(16),
      pause: (milliseconds) => pause(milliseconds),
      onChange: (failure) => {
        if (failure === undefined) logger.info('tokens are shared through Redis again');
        else logger.warn({ reason: failure.message }, 'Redis is away: this replica keeps its tokens for itself');
      },
    });
    return { value: share, close: () => commands.close() };
  });
}
