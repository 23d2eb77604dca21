/** `workload_api`: where this process gets its identity from, where no file says so. */
import { endpointTarget } from '@sidegate/sdk';
import { z } from 'zod';
import type { Finding } from './rule.ts';
import { duration } from './scalars.ts';

export const workloadApiSchema = z
  .strictObject({
    socket: z
      .string()
      .refine(isEndpoint, { error: 'is neither unix:///absolute/path nor tcp://address:port with an IP address' })
      .meta({ examples: ['unix:///run/spire/sockets/agent.sock', 'tcp://127.0.0.1:8090'] })
      .describe("Of SPIRE's agent or of Sidegate's authority; `${SPIFFE_ENDPOINT_SOCKET}` where the platform sets it."),
    hint: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, 'is not 1 to 64 letters, digits, dots, hyphens and underscores')
      .optional()
      .meta({ examples: ['internal'] })
      .describe('Which identity, where there are several; absent: the first.'),
    timeout: duration('100ms', '10m')
      .prefault('30s')
      .describe('For the first identity; a sidecar without one by then does not start.'),
  })
  .describe(
    'SPIFFE Workload API for every `tls.source: workload_api`: what it pushes is shown and trusted from then on, and no request notices.',
  );

/** Who takes an identity from there, by path. */
export function* identitySourceFindings(
  workloadApi: unknown,
  blocks: Iterable<readonly [path: readonly (string | number)[], source: 'files' | 'workload_api']>,
): Generator<Finding> {
  if (workloadApi !== undefined) return;
  for (const [path, source] of blocks) {
    if (source !== 'workload_api') continue;
    yield { path: [...path, 'source'], message: 'needs workload_api', hint: 'set workload_api.socket' };
  }
}

/** A certificate in a file that nobody would show. */
export function* filesBeside<Key extends string>(
  tls: Readonly<Partial<Record<Key, unknown>>>,
  keys: readonly Key[],
): Generator<Finding> {
  for (const key of keys) {
    if (tls[key] === undefined) continue;
    yield { path: [key], message: 'is not used', hint: 'source is workload_api: remove one of both' };
  }
}

/** `source` of a TLS setting. */
export const identitySource = () => z.enum(['files', 'workload_api']).default('files');

function isEndpoint(text: string): boolean {
  try {
    endpointTarget(text);
    return true;
  } catch {
    return false;
  }
}
