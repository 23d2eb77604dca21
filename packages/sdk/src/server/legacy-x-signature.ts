/** Authenticator of the `X-Signature` scheme: with a window on both sides, a secret for each caller, and each signature once. */
import { Problem } from '../problem.ts';
import type { ReplayStore } from '../replay/replay-store.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { Secret } from '../secret.ts';
import { isLegacySignature, type LegacyCoverage, readLegacyTimestamp } from '../signatures/legacy-x-signature.ts';
import type { Authenticator } from './authenticator.ts';
import { type CallerGrants, callingService } from './calling-service.ts';
import type { ReceivedRequest } from './received-request.ts';

export interface LegacyCaller extends CallerGrants {
  /** One, or two during a rotation; of this caller and this service alone. */
  readonly secrets: readonly Secret[];
}

export interface LegacyXSignatureAuthenticatorOptions {
  /** By name, as `X-Service` says it. */
  readonly callers: Readonly<Record<string, LegacyCaller>>;
  /** Default `raw_bytes`; `canonical_json` for callers written in Python, as the scheme was. */
  readonly covers?: LegacyCoverage;
  /** Where signatures are remembered; replicas share one. */
  readonly replay: ReplayStore;
  /** Default 5: how far a caller's clock may be ahead. */
  readonly clockToleranceSeconds?: number;
  readonly runtime?: Pick<Runtime, 'clock'>;
}

const WINDOW_SECONDS = 60;
const CLOCK_TOLERANCE_SECONDS = 5;
const MAX_SECRETS = 2;
const HEADERS = ['x-signature', 'x-timestamp', 'x-service'] as const;

/**
 * The name of the caller counts because the secret is its own; method, path and query are not covered.
 *
 * Rejects with Problem `token_missing` (none of the three headers), `signature_timestamp`, `signature_invalid`, or one of the body
 * or the replay store.
 *
 * @throws TypeError when a caller has no secret, or more than two
 * @example
 * ```ts
 * import { legacyXSignatureAuthenticator } from '@sidegate/sdk/server';
 *
 * const authenticator = legacyXSignatureAuthenticator({
 *   callers: { 'service-a': { secrets: [{ reveal: () => process.env['SERVICE_A_KEY'] ?? '' }] } },
 *   replay: memoryReplayStore({ maxEntries: 10_000, clock }),
 * });
 * ```
 */
export function legacyXSignatureAuthenticator(options: LegacyXSignatureAuthenticatorOptions): Authenticator {
  const { covers = 'raw_bytes', replay, clockToleranceSeconds = CLOCK_TOLERANCE_SECONDS } = options;
  const { clock } = options.runtime ?? systemRuntime();
  const callers = new Map(Object.entries(options.callers));
  for (const [name, { secrets }] of callers) {
    if (secrets.length < 1 || secrets.length > MAX_SECRETS) {
      throw new TypeError(`${name} has ${secrets.length} secrets; give it one, or two during a rotation`);
    }
  }
  return {
    async authenticate(request) {
      const { signature, timestamp, service } = readHeaders(request);
      const refusedAfter = checkWindow(timestamp);
      const caller = callers.get(service);
      if (caller === undefined) throw invalid();
      const signed = { body: await request.body(), timestamp, covers };
      const secrets = caller.secrets.map((secret) => secret.reveal());
      if (!isLegacySignature(signature, signed, secrets)) throw invalid();
      const id = `x-signature:${JSON.stringify([service, signature])}`;
      if (!(await replay.firstUse(id, refusedAfter))) {
        throw new Problem('signature_invalid', 'the signature was used before');
      }
      return callingService('signature', service, caller);
    },
    close: () => {},
  };

  /** @returns milliseconds since the Unix epoch after which this timestamp is refused for its age */
  function checkWindow(timestamp: string): number {
    const time = readLegacyTimestamp(timestamp);
    if (time === undefined) throw new Problem('signature_timestamp', 'the timestamp is not a date and time');
    const now = clock.now();
    if (now - time > WINDOW_SECONDS * 1000)
      throw new Problem('signature_timestamp', 'older than the window', { detail: 'Request too old' });
    if (time - now > clockToleranceSeconds * 1000) {
      throw new Problem('signature_timestamp', 'the request is from the future');
    }
    return time + WINDOW_SECONDS * 1000;
  }
}

function readHeaders(request: ReceivedRequest): { signature: string; timestamp: string; service: string } {
  const values = HEADERS.map((name) => request.values(name));
  if (values.every(({ length }) => length === 0)) throw new Problem('token_missing', 'the request is not signed');
  const [signature, timestamp, service] = values.map(([value, another], index) => {
    if (value !== undefined && another === undefined) return value;
    throw new Problem('signature_invalid', `${HEADERS[index]} must be there once`);
  });
  return { signature: signature ?? '', timestamp: timestamp ?? '', service: service ?? '' };
}

function invalid(): Problem {
  return new Problem('signature_invalid', 'no secret of this caller made the signature');
}
