/** Config → commands to a Redis; each place that uses one has its own connection. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createRedisCommands, hasRedisLibrary, REDIS_PACKAGE, type RedisCommands } from '../net/redis-commands.ts';
import type { Assembly } from './assembly.ts';

export type RedisConfig = NonNullable<SidecarConfig['egress']['token_store']['redis']>;

/**
 * Undefined after a finding was noted.
 *
 * @param place where the configuration asks for it
 */
export function openRedis(
  place: string,
  redis: RedisConfig,
  { findings, components }: Pick<Assembly, 'findings' | 'components'>,
): RedisCommands | undefined {
  if (!hasRedisLibrary()) {
    const message = `needs the package ${REDIS_PACKAGE}`;
    findings.push({ file: place, severity: 'error', message, hint: `npm install ${REDIS_PACKAGE}` });
    return undefined;
  }
  return components.take('redis', { place, redis }, () => {
    const { address, tls, password, db: database } = redis;
    const commands = createRedisCommands({ host: address.host, port: address.port, tls, password, database });
    return { value: commands, close: () => commands.close() };
  });
}
