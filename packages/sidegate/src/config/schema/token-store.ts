/** `egress.token_store`: where fetched tokens are kept beside the memory of this process. */
import { z } from 'zod';
import { isLoopback } from '../address.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { secret, serverAddress } from './scalars.ts';

const redisSchema = z.strictObject({
  address: serverAddress().describe('Host and port.'),
  tls: z.boolean().default(false).describe('TLS, verified by the authorities of the system; needed off this machine.'),
  password: secret().optional().describe('For AUTH: `${VAR}`, or a file named by `password_file`.'),
  db: z.int().min(0).max(1023).default(0).describe('The number of the database.'),
  key_prefix: z
    .string()
    .regex(/^[!-~]{1,128}$/, 'is not a prefix of printable characters')
    .default('egress:tokens:')
    .describe('What every key begins with.'),
});

const storeFile = z.strictObject({
  type: z
    .enum(['memory', 'redis'])
    .default('memory')
    .describe(
      '`redis`: replicas share tokens, and one of them asks the issuer for all; sealed, so that Redis has none.',
    ),
  redis: redisSchema.optional(),
});

export const tokenStoreSchema = storeFile.superRefine(
  (store, context) => refuse(context, storeFindings(store)),
  reading('type', 'redis'),
);

function* storeFindings({ type, redis }: z.output<typeof storeFile>): Generator<Finding> {
  if (type === 'redis' && redis === undefined) {
    yield { path: ['redis'], message: 'is required', hint: 'set redis.address', code: 'missing_key' };
  }
  if (redis === undefined) return;
  if (type !== 'redis') yield { path: ['redis'], message: 'is not used', hint: 'set type to redis, or remove it' };
  if (!redis.tls && !isLoopback(redis.address.host)) {
    yield { path: ['redis', 'tls'], message: 'must be true', hint: 'redis.address is another machine' };
  }
}
