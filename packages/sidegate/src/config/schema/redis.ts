/** A Redis that replicas share, wherever the configuration asks for one. */
import { z } from 'zod';
import { isLoopback } from '../address.ts';
import type { Finding } from './rule.ts';
import { secret, serverAddress } from './scalars.ts';

/** @param prefix what keys begin with, unless the file says so */
export const redisSchema = (prefix: string) =>
  z.strictObject({
    address: serverAddress().describe('Host and port.'),
    tls: z
      .boolean()
      .default(false)
      .describe('TLS, verified by the authorities of the system; needed off this machine.'),
    password: secret().optional().describe('For AUTH: `${VAR}`, or a file named by `password_file`.'),
    db: z.int().min(0).max(1023).default(0).describe('The number of the database.'),
    key_prefix: z
      .string()
      .regex(/^[!-~]{1,128}$/, 'is not a prefix of printable characters')
      .default(prefix)
      .describe('What every key begins with.'),
  });

interface Store {
  readonly type: string;
  readonly redis?: z.output<ReturnType<typeof redisSchema>> | undefined;
}

/** The place where it is stored and the Redis that is named belong together. */
export function* redisFindings({ type, redis }: Store): Generator<Finding> {
  if (type === 'redis' && redis === undefined) {
    yield { path: ['redis'], message: 'is required', hint: 'set redis.address', code: 'missing_key' };
  }
  if (redis === undefined) return;
  if (type !== 'redis') yield { path: ['redis'], message: 'is not used', hint: 'set type to redis, or remove it' };
  if (!redis.tls && !isLoopback(redis.address.host)) {
    yield { path: ['redis', 'tls'], message: 'must be true', hint: 'redis.address is another machine' };
  }
}
