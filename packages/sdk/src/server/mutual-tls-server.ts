/** The TLS of a server that every client must show a certificate to, from files or a Workload API that renew it while it runs. */
import type { Server, TlsOptions } from 'node:tls';
import type { Identity, PemIdentity } from '../identity/identity.ts';
import { asProblem, type Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';

export interface MutualTlsServer {
  /** For `https.createServer` and its like. */
  readonly options: TlsOptions;
  /** Shows what the identity becomes to connections that are opened from then on. Returns what ends it. */
  readonly follow: (server: Server) => () => void;
}

export interface MutualTlsServerOptions {
  /** Told when the identity could not be read again: the one before stays. */
  readonly onProblem?: (problem: Problem) => void;
  readonly runtime?: Pick<Runtime, 'schedule'>;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Asks every client for a certificate of the identity's own authorities, and refuses the handshake without one.
 * Rejects with Problem `not_ready` when there is no identity, with a TypeError when it names no authorities: Node would take those of the public.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:https';
 * import { identityFromFiles, mutualTlsServer } from '@sidegate/sdk/server';
 *
 * const identity = identityFromFiles({
 *   cert: '/etc/certs/inventory-service-cert.pem',
 *   key: '/etc/certs/inventory-service-key.pem',
 *   ca: '/etc/certs/ca-cert.pem',
 * });
 * const { options, follow } = await mutualTlsServer(identity);
 * const server = createServer(options, (request, response) => response.end('only for services'));
 * const unfollow = follow(server.listen(8443));
 * ```
 */
export async function mutualTlsServer(
  identity: Identity,
  { onProblem, runtime = systemRuntime() }: MutualTlsServerOptions = {},
): Promise<MutualTlsServer> {
  const first = await identity.current();
  const options = optionsOf(first);
  return {
    options,
    follow(server) {
      let shown = first;
      let ended = false;
      let cancel = (): void => {};
      const look = async (): Promise<void> => {
        try {
          const current = await identity.current();
          if (current === shown || ended) return;
          server.setSecureContext(optionsOf(current));
          shown = current;
        } catch (error) {
          onProblem?.(asProblem(error));
        }
      };
      const later = (): void => {
        if (!ended) cancel = runtime.schedule(LOOK_EVERY_MS, () => void look().finally(later));
      };
      later();
      return () => {
        ended = true;
        cancel();
      };
    },
  };
}

function optionsOf({ cert, key, ca }: PemIdentity): TlsOptions {
  if (ca === undefined) throw new TypeError('a server names the authorities of its clients: the identity has no ca');
  return { cert, key, ca, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2' };
}
