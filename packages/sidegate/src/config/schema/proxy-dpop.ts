/** `proxy.auth.dpop`: tokens that are bound to a key of their client, which proves each request (RFC 9449). */
import { z } from 'zod';
import { redisFindings, redisSchema } from './redis.ts';
import { reading, refuse } from './rule.ts';
import { duration, origin, secret } from './scalars.ts';

const replayStoreSchema = z
  .strictObject({
    type: z
      .enum(['memory', 'redis'])
      .default('memory')
      .describe(
        'Where the `jti` of each proof is remembered. `memory`: in this one process. `redis`: for all workers and replicas; without it nobody gets in.',
      ),
    max_entries: z
      .int()
      .min(1)
      .max(100_000_000)
      .default(1_000_000)
      .describe('In memory, some 100 bytes each; beyond it 503 `replay_store_full`, since none may be forgotten.'),
    redis: redisSchema('ingress:proofs:').optional(),
  })
  .superRefine((store, context) => refuse(context, redisFindings(store)), reading('type', 'redis'));

export const dpopSchema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        'Take `Authorization: DPoP` with a proof in the header `DPoP`. A token that is bound to a key (`cnf.jkt`) is refused without it, also while this is false.',
      ),
    origins: z
      .array(origin())
      .default([])
      .describe('How clients write the address of this sidecar; `htu` of a proof is one of these and the path.'),
    max_age: duration('1s', '10m').prefault('60s').describe('How long after its `iat` a proof may arrive.'),
    require_nonce: z
      .boolean()
      .default(false)
      .describe('Ask for a nonce of ours in each proof (RFC 9449 section 9), so that none can be made in advance.'),
    nonce_secret: secret(/^.{32,1024}$/s, 'has less than 32 characters')
      .optional()
      .describe('What nonces are made with: one for all replicas. Absent: a random one in each process.'),
    replay_store: replayStoreSchema.prefault({}),
  })
  .superRefine(
    ({ enabled, origins }, context) => {
      if (!enabled || origins.length > 0) return;
      const hint = 'name the address that clients use, such as https://api.example.com';
      refuse(context, [{ path: ['origins'], message: 'is empty', hint, code: 'missing_key' }]);
    },
    reading('enabled', 'origins'),
  );
