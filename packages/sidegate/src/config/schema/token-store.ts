/** `egress.token_store`: where fetched tokens are kept beside the memory of this process. */
import { z } from 'zod';
import { redisFindings, redisSchema } from './redis.ts';
import { reading, refuse } from './rule.ts';

export const tokenStoreSchema = z
  .strictObject({
    type: z
      .enum(['memory', 'redis'])
      .default('memory')
      .describe(
        '`redis`: replicas share tokens, and one of them asks the issuer for all; sealed, so that Redis has none.',
      ),
    redis: redisSchema('egress:tokens:').optional(),
  })
  .superRefine((store, context) => refuse(context, redisFindings(store)), reading('type', 'redis'));
