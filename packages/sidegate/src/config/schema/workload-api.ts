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

/** What each source needs to be set, and what to do when it is not. */
const NEEDED = {
  workload_api: 'set workload_api.socket',
  authority: 'set authority.url and authority.directory',
} as const;

type IdentitySource = 'files' | keyof typeof NEEDED;

/** Who takes an identity from where, by path. */
export function* identitySourceFindings(
  chapters: Readonly<Partial<Record<keyof typeof NEEDED, unknown>>>,
  blocks: Iterable<readonly [path: readonly (string | number)[], source: IdentitySource]>,
): Generator<Finding> {
  if (chapters.workload_api !== undefined && chapters.authority !== undefined) {
    yield { path: ['authority'], message: 'is a second identity', hint: 'remove it, or workload_api' };
  }
  for (const [path, source] of blocks) {
    if (source === 'files' || chapters[source] !== undefined) continue;
    yield { path: [...path, 'source'], message: `needs ${source}`, hint: NEEDED[source] };
  }
}

/** A certificate in a file that nobody would show. */
export function* filesBeside<Key extends string>(
  tls: Readonly<Partial<Record<Key, unknown>>> & { readonly source: IdentitySource },
  keys: readonly Key[],
): Generator<Finding> {
  for (const key of keys) {
    if (tls[key] === undefined) continue;
    yield { path: [key], message: 'is not used', hint: `source is ${tls.source}: remove one of both` };
  }
}

/** `source` of a TLS setting. */
export const identitySource = () => z.enum(['files', 'workload_api', 'authority']).default('files');

function isEndpoint(text: string): boolean {
  try {
    endpointTarget(text);
    return true;
  } catch {
    return false;
  }
}
