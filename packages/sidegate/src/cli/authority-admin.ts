/** `admin` of an authority: a listener for health and metrics. */
import { randomBytes } from 'node:crypto';
import { metricsEndpoint, probeEndpoints } from '../admin/endpoints.ts';
import type { Unready } from '../admin/health.ts';
import { serveAdmin } from '../admin/serve.ts';
import type { Snapshot } from '../admin/snapshot.ts';
import { isLoopback } from '../config/address.ts';
import type { AuthorityConfig } from '../config/schema/authority.ts';
import { type Listener, listen } from '../net/listener.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { createRandomHex } from '../telemetry/random-hex.ts';
import { printEvent } from './print-event.ts';

const LIMITS = {
  readTimeoutMs: 5_000,
  writeTimeoutMs: 10_000,
  idleTimeoutMs: 120_000,
  maxHeaderBytes: 16 * 1024,
  maxConnections: 64,
} as const;

export interface AuthorityState {
  readonly metrics: Metrics;
  /** Why no token would be issued now; empty: it is ready. */
  readonly unready: () => readonly Unready[];
}

/** @throws NodeJS.ErrnoException when it cannot listen */
export function listenAdmin(admin: NonNullable<AuthorityConfig['admin']>, state: AuthorityState): Promise<Listener> {
  const { addr } = admin;
  const snapshot = (): Snapshot => {
    const reasons = state.unready();
    return {
      readiness: { status: reasons.length === 0 ? 'ready' : 'not_ready', reasons },
      metrics: state.metrics.read(),
    };
  };
  const takeSnapshots = () => [{ worker: undefined, snapshot: snapshot() }];
  const handlers = serveAdmin({
    endpoints: new Map([...probeEndpoints(takeSnapshots), metricsEndpoint(takeSnapshots)]),
    localOnly: addr.host !== undefined && isLoopback(addr.host),
    randomHex: createRandomHex(randomBytes),
    onInternalError: (requestId, problem) =>
      printEvent(
        {
          event: 'internal_error',
          request_id: requestId,
          reason: problem.cause instanceof Error ? problem.cause.message : problem.message,
        },
        'error',
      ),
  });
  return listen({ ...LIMITS, host: addr.host ?? '::', port: addr.port }, handlers);
}
