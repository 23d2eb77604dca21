/** `workload_api` of an authority: the socket on which workloads of this machine ask who they are. */
import { z } from 'zod';
import { type Finding, reading, refuse } from './rule.ts';
import { duration, filePath, url } from './scalars.ts';

const entrySchema = z.strictObject({
  spiffe_id: z
    .string()
    .meta({ examples: ['spiffe://example.org/zone2/order-service'] })
    .describe('`spiffe://<trust domain>/<zone>/<service>`, of a zone of `ca`.'),
  selectors: z
    .array(z.string().max(4_200))
    .max(32)
    .meta({
      examples: [
        ['unix:uid:1000', 'unix:path:/usr/bin/order'],
        ['k8s:ns:production', 'k8s:sa:order-service'],
      ],
    })
    .describe(
      'What must all be seen of the workload: `unix:uid`, `unix:gid`, `unix:path`; `k8s:ns`, `k8s:sa`, `k8s:pod-name`, `k8s:pod-uid`, `k8s:node-name`.',
    ),
  x509_ttl: duration('10s', '7d').prefault('1h').describe('Life of its X.509-SVIDs; the next is pushed at half of it.'),
  jwt_ttl: duration('10s', '1h').prefault('5m').describe('Life of its JWT-SVIDs, `token_lifetime` at most.'),
  dns_names: z.array(z.string()).max(32).default([]).describe('Host names of its X.509-SVIDs.'),
  hint: z.string().default('').describe('What tells it from other identities of the same workload.'),
});

const kubernetesSchema = z
  .strictObject({
    issuer: url().describe('`iss` of the tokens of its service accounts.'),
    audience: z.string().min(1).max(255).describe('What projected tokens must name in `aud`.'),
    jwks_file: filePath().optional().describe('Its public keys, kept up to date by others.'),
    jwks_url: url().optional().describe('Where it publishes them instead, over https that the system trusts.'),
  })
  .superRefine(
    ({ jwks_file, jwks_url }, context) => {
      if ((jwks_file === undefined) !== (jwks_url === undefined)) return;
      refuse(context, [{ path: ['jwks_file'], message: 'needs exactly one of jwks_file and jwks_url' }]);
    },
    reading('jwks_file', 'jwks_url'),
  );

export const workloadApiServerSchema = z.strictObject({
  socket: filePath().describe('Made at the start, for workloads of this machine (`unix://` and this path).'),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'is not a mode of three octal digits')
    .default('0660')
    .transform((text) => Number.parseInt(text, 8))
    .describe('Of the socket: who may connect at all. Whoever does is asked for by the kernel or by its token.'),
  kubernetes: kubernetesSchema
    .optional()
    .describe('A cluster whose projected service-account tokens say who a workload is; absent: none is accepted.'),
  entries: z.array(entrySchema).min(1).max(10_000).describe('Who is who. Whom no entry matches gets nothing.'),
});

export function* workloadApiServerFindings(config: {
  readonly ca?: unknown;
  readonly token_lifetime: number;
  readonly workload_api?: z.output<typeof workloadApiServerSchema> | undefined;
}): Generator<Finding> {
  if (config.workload_api === undefined) return;
  if (config.ca === undefined) {
    yield { path: ['ca'], message: 'is required', hint: 'workload_api issues certificates', code: 'missing_key' };
  }
  for (const [index, { jwt_ttl }] of config.workload_api.entries.entries()) {
    if (jwt_ttl <= config.token_lifetime) continue;
    const hint = 'a retired key verifies for token_lifetime';
    yield { path: ['workload_api', 'entries', index, 'jwt_ttl'], message: 'is longer than token_lifetime', hint };
  }
}
