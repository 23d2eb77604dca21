/** The signing side of a trust domain: `sidegate authority --config FILE`. */
import { z } from 'zod';
import { adminSchema } from './admin.ts';
import { certificateAuthoritySchema } from './certificate-authority.ts';
import { issuerFields, issuerFindings, signingAlgorithms } from './issuer.ts';
import { redisFindings, redisSchema } from './redis.ts';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, filePath, name, secret } from './scalars.ts';
import { workloadApiServerFindings, workloadApiServerSchema } from './workload-api-server.ts';

/** 32 bytes in base64 or base64url. */
const SEALING_KEY = /^\s*[A-Za-z0-9+/_-]{43}=?\s*$/;
const NOT_A_SEALING_KEY = 'is not 32 bytes in base64; make one with openssl rand -base64 32';

const storeSchema = z
  .strictObject({
    type: z
      .enum(['sqlite', 'postgres'])
      .default('sqlite')
      .describe('`sqlite`: one process and its file; `postgres`: several replicas.'),
    file: filePath().optional().describe('For `sqlite`: the database, made when it is not there.'),
    url: secret(/^postgres(ql)?:\/\//, 'is not a postgres:// URL')
      .optional()
      .describe('For `postgres`: `postgres://user:password@host/database`.'),
    max_connections: z.int().min(1).max(100).default(10).describe('For `postgres`, of each replica.'),
    timeout: duration('100ms', '1m').prefault('5s').describe('For `postgres`: of a connection and of a statement.'),
  })
  .superRefine((store, context) => refuse(context, storeFindings(store)), reading('type', 'file', 'url'));

function* storeFindings(store: {
  readonly type: string;
  readonly file?: string | undefined;
  readonly url?: unknown;
}): Generator<Finding> {
  const hint = `type is ${store.type}`;
  const [needed, other] = store.type === 'sqlite' ? (['file', 'url'] as const) : (['url', 'file'] as const);
  if (store[needed] === undefined) yield { path: [needed], message: 'is required', hint, code: 'missing_key' };
  if (store[other] !== undefined)
    yield { path: [other], message: `is not used with type ${store.type}`, hint: 'remove one of them' };
}

const signingSchema = z
  .strictObject({
    algorithms: signingAlgorithms(),
    encryption_key: secret(SEALING_KEY, NOT_A_SEALING_KEY).describe(
      'Private keys in the store are encrypted under it: 32 bytes in base64, from `${VAR}` or `encryption_key_file`.',
    ),
    previous_encryption_key: secret(SEALING_KEY, NOT_A_SEALING_KEY)
      .optional()
      .describe('Opens what was encrypted under it, while keys made since use the new one.'),
    rotate_every: duration('1s', '90d').prefault('30d').describe('A new key signs so long after the one before it.'),
    publish_before: duration('1s', '7d')
      .prefault('10m')
      .describe('A new key is published that long before it signs: longer than verifiers keep a key set.'),
  })
  .superRefine(
    (signing, context) => refuse(context, signingFindings(signing)),
    reading('rotate_every', 'publish_before'),
  );

function* signingFindings(signing: {
  readonly rotate_every: number;
  readonly publish_before: number;
}): Generator<Finding> {
  if (signing.publish_before < signing.rotate_every) return;
  yield {
    path: ['publish_before'],
    message: 'is not shorter than rotate_every',
    hint: 'a key must sign before the next one does',
  };
}

export const authoritySchema = z
  .strictObject({
    ...issuerFields,
    store: storeSchema.describe('What the authority keeps.'),
    signing: signingSchema.describe('The keys that sign tokens.'),
    replay: z
      .strictObject({
        type: z
          .enum(['store', 'redis'])
          .default('store')
          .describe(
            '`store`: in the database; `redis`: in a Redis that all replicas share, which must neither evict nor forget.',
          ),
        redis: redisSchema('sidegate:replay:').optional().describe('For `redis`.'),
        max_entries: z
          .int()
          .min(1_000)
          .max(100_000_000)
          .default(1_000_000)
          .describe('For `store`: one-time identifiers remembered at once; more are refused with 503.'),
      })
      .superRefine((replay, context) => refuse(context, redisFindings(replay)), reading('type', 'redis'))
      .prefault({})
      .describe('What may be used once: assertions, proofs.'),
    ca: certificateAuthoritySchema.optional().describe('Certificates of services; absent: it issues none.'),
    workload_api: workloadApiServerSchema
      .optional()
      .describe('SPIFFE Workload API for workloads of this machine; absent: there is none.'),
    admin: adminSchema.optional().describe('Health and metrics; absent: there is no such listener.'),
    inventory: z
      .strictObject({
        warn_before: duration('1h', '365d')
          .prefault('14d')
          .describe('What expires sooner, and does not renew itself, counts as a concern in the metrics.'),
        secrets: z
          .array(
            z.strictObject({
              name: name().describe('What `sidegate inventory` calls it.'),
              kind: z.enum(['database_password', 'api_key']).describe('Reported after 90 days, or after 365.'),
              rotated: z.iso
                .date()
                .transform((date) => Date.parse(date))
                .describe('The day on which it was made: `2026-11-30`.'),
            }),
          )
          .default([])
          .describe('Secrets that others made and people rotate.'),
      })
      .prefault({})
      .describe('What the inventory shows beside what the store knows.'),
  })
  .superRefine((config, context) => refuse(context, issuerFindings(config)), reading('base_url', 'tls'))
  .superRefine((config, context) => refuse(context, nonceFindings(config)), reading('store', 'dpop'))
  .superRefine(
    (config, context) => refuse(context, workloadApiServerFindings(config)),
    reading('ca', 'token_lifetime', 'workload_api'),
  );

/** A nonce of one replica would be unknown to the others. */
function* nonceFindings({
  store,
  dpop,
}: {
  readonly store: { readonly type: string };
  readonly dpop: { readonly require_nonce: boolean; readonly nonce_secret?: unknown };
}): Generator<Finding> {
  if (!dpop.require_nonce || dpop.nonce_secret !== undefined || store.type !== 'postgres') return;
  const hint = 'all replicas on one PostgreSQL need the same; openssl rand -base64 32';
  yield { path: ['dpop', 'nonce_secret'], message: 'is required', hint, code: 'missing_key' };
}

export type AuthorityConfig = z.output<typeof authoritySchema>;
