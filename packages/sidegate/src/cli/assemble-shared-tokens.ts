/** Config → the store through which replicas share tokens, if there is one. */
import { setTimeout as pause } from 'node:timers/promises';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createSharedTokens, type ShareToken } from '../egress/credentials/shared-tokens.ts';
import { openRedis } from './assemble-redis.ts';
import type { Assembly } from './assembly.ts';

export function assembleSharedTokens(
  { redis }: SidecarConfig['egress']['token_store'],
  assembly: Assembly,
): ShareToken | undefined {
  const commands = redis && openRedis('egress.token_store', redis, assembly);
  if (redis === undefined || commands === undefined) return undefined;
  const { clock, randomHex, logger, components } = assembly;
  return components.take('shared tokens', redis, () => {
    const share = createSharedTokens({
      command: commands.send,
      clock,
      keyPrefix: redis.key_prefix,
      newId: () => randomHex(16),
      pause: (milliseconds) => pause(milliseconds),
      onChange: (failure) => {
        if (failure === undefined) logger.info('tokens are shared through Redis again');
        else logger.warn({ reason: failure.message }, 'Redis is away: this replica keeps its tokens for itself');
      },
    });
    return { value: share, close: () => undefined };
  });
}
