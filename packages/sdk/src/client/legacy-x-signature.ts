/** Credentials of the `X-Signature` scheme, for services that verify nothing better. */
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { Secret } from '../secret.ts';
import { type LegacyCoverage, legacySignature } from '../signatures/legacy-x-signature.ts';
import type { Credentials } from './credentials.ts';

export interface LegacyXSignatureOptions {
  /** Who calls, as `X-Service` says. */
  readonly service: string;
  /** Of this caller alone, and for this target alone: the signature does not say where it was sent. */
  readonly secret: Secret;
  /** Default `raw_bytes`; `canonical_json` for peers written in Python, as the scheme was. */
  readonly covers?: LegacyCoverage;
  readonly runtime?: Pick<Runtime, 'clock'>;
}

/**
 * Signs the body and the time; method, path and query are not covered. Prefer `httpSignature`.
 *
 * @example
 * ```ts
 * import { legacyXSignature } from '@sidegate/sdk/client';
 *
 * const secret = { reveal: () => process.env['SERVICE_B_KEY'] ?? '' };
 * const credentials = legacyXSignature({ service: 'service-a', secret, covers: 'canonical_json' });
 * ```
 */
export function legacyXSignature(options: LegacyXSignatureOptions): Credentials {
  const { service, secret, covers = 'raw_bytes' } = options;
  const { clock } = options.runtime ?? systemRuntime();
  return {
    kind: 'legacy_x_signature',
    async authorize(request) {
      // without zone, as Python's utcnow() writes it: its subtraction fails on any other
      const timestamp = new Date(clock.now()).toISOString().slice(0, -1);
      const signed = { body: request.body ?? Buffer.alloc(0), timestamp, covers };
      return {
        'x-signature': legacySignature(signed, secret.reveal()),
        'x-timestamp': timestamp,
        'x-service': service,
      };
    },
    refused: () => {},
    close: () => {},
  };
}
