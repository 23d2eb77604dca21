/** `authority` of a sidecar: its identity is there before anything reads it, and is kept good as long as the process runs. */
import { readFileSync } from 'node:fs';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { createAuthorityClient } from '../identity/authority-client.ts';
import { keepEnrolledIdentity, NotEnrolled } from '../identity/enrolled-identity.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { AssemblyPorts } from './assembly.ts';
import type { BundlesInUse } from './bundles-in-use.ts';
import { StartRefused } from './start-finding.ts';

type Ports = Pick<AssemblyPorts, 'clock' | 'random' | 'connectTo' | 'readFile' | 'logger'>;

/**
 * @returns what ends it; undefined: nothing is taken from an authority
 * @throws StartRefused when there is no identity and none to be had
 */
export async function keepEnrolled(
  { authority, service }: SidecarConfig,
  { clock, random, connectTo, readFile, logger }: Ports,
  inUse: Pick<BundlesInUse, 'lowest'>,
): Promise<AsyncDisposable | undefined> {
  if (authority === undefined) return undefined;
  const { url, ca_cert: caFile, join_token_file: tokenFile, directory, timeout } = authority;
  const ca = caFile === undefined ? undefined : readFile(caFile).text;
  try {
    return await keepEnrolledIdentity({
      directory,
      commonName: service.name,
      joinToken: () => (tokenFile === undefined ? undefined : readToken(tokenFile)),
      timeoutMs: timeout,
      inUse: () => inUse.lowest(),
      client: (held) =>
        createAuthorityClient({
          url,
          connect: (shown) =>
            createHttpClient({
              tls: { ...(ca === undefined ? {} : { ca: ca + (held?.bundle.pem ?? '') }), ...shown },
              connectTo,
              connections: { keepAlive: true, maxSockets: 1 },
            }),
        }),
      clock,
      random,
      // Waiting for the first identity is what keeps the process alive.
      schedule: (delayMs, task) => {
        const timer = setTimeout(task, delayMs);
        return () => clearTimeout(timer);
      },
      logger,
    });
  } catch (error) {
    if (!(error instanceof NotEnrolled)) throw error;
    const hint = 'make a join token with sidegate ca token';
    throw new StartRefused([{ file: 'authority', severity: 'error', message: error.message, hint }]);
  }
}

function readToken(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
