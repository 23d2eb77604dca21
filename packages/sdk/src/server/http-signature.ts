/** Authenticator: who signed the request, RFC 9421, with a key that is that caller's alone; each signature counts once. */
import { Problem } from '../problem.ts';
import type { ReplayStore } from '../replay/replay-store.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { SignatureKey } from '../signatures/algorithms.ts';
import type { SignatureKeys } from '../signatures/signature-keys.ts';
import type { Authenticator } from './authenticator.ts';
import { type CallerGrants, callingService } from './calling-service.ts';

export interface SigningCaller extends CallerGrants {
  readonly keys: SignatureKeys;
}

export interface HttpSignatureAuthenticatorOptions {
  /** By name; the name is what policies and audit see. */
  readonly callers: Readonly<Record<string, SigningCaller>>;
  /** The hosts under which this service is called, such as `payments.example`: what was signed for another one is refused. */
  readonly authorities: readonly string[];
  /** Default `https`: how callers reach this service, not what a proxy before it speaks. */
  readonly scheme?: 'https' | 'http';
  /** Where nonces are remembered; replicas share one. */
  readonly replay: ReplayStore;
  /** What must be covered beside method, host, path, query and the digest of a body. */
  readonly components?: readonly string[];
  /** Which signature counts, where a request may have several. */
  readonly label?: string;
  readonly tag?: string;
  /** Default 60. */
  readonly maxAgeSeconds?: number;
  /** Default 5. */
  readonly clockToleranceSeconds?: number;
  readonly runtime?: Pick<Runtime, 'clock'>;
}

const COMPONENTS: readonly string[] = ['@method', '@authority', '@path', '@query'];
const MAX_AGE_SECONDS = 60;
const CLOCK_TOLERANCE_SECONDS = 5;

/**
 * Fails closed: a request counts as that of the caller whose key signed it, for this host, within the window, once.
 *
 * Rejects with Problem `token_missing` (no signature), `signature_invalid`, `signature_timestamp`,
 * `signature_insufficient_coverage`, `digest_mismatch`, `invalid_request`, or one of the body, the keys or the replay store.
 *
 * @example
 * ```ts
 * import { createSecretKey } from 'node:crypto';
 * import { httpSignatureAuthenticator } from '@sidegate/sdk/server';
 * import { fixedKeys } from '@sidegate/sdk/signatures';
 *
 * const key = createSecretKey(Buffer.from(process.env['ORDER_SERVICE_KEY'] ?? '', 'base64'));
 * const authenticator = httpSignatureAuthenticator({
 *   callers: { 'order-service': { keys: fixedKeys({ 'orders-2026': { algorithm: 'hmac-sha256', key } }) } },
 *   authorities: ['payments.example'],
 *   replay: memoryReplayStore({ maxEntries: 100_000, clock }),
 * });
 * ```
 */
export function httpSignatureAuthenticator(options: HttpSignatureAuthenticatorOptions): Authenticator {
  const {
    scheme = 'https',
    maxAgeSeconds = MAX_AGE_SECONDS,
    clockToleranceSeconds = CLOCK_TOLERANCE_SECONDS,
  } = options;
  const { clock } = options.runtime ?? systemRuntime();
  const callers = Object.entries(options.callers);
  const { authorities, label, tag } = options;
  const chosen = { ...(label === undefined ? {} : { label }), ...(tag === undefined ? {} : { tag }) };

  return {
    async authenticate(request) {
      // Loaded by who uses it: structured fields cost an import as much as half of the rest does.
      const { verifySignedRequest } = await import('./verify-signed-request.ts');
      let signer: Signer | undefined;
      await verifySignedRequest(request, {
        ...chosen,
        authorities,
        scheme,
        required: [...COMPONENTS, ...(options.components ?? [])],
        findKey: async (keyid) => {
          signer = await signerOf(callers, keyid);
          return signer?.key;
        },
        clock,
        maxAgeSeconds,
        clockToleranceSeconds,
        replay: options.replay,
      });
      if (signer === undefined) throw new Problem('signature_invalid', 'the key is not known');
      return callingService('signature', signer.name, signer.caller);
    },
    close() {
      for (const [, { keys }] of callers) keys.close();
    },
  };
}

interface Signer {
  readonly name: string;
  readonly caller: SigningCaller;
  readonly key: SignatureKey;
}

/** Keys are fetched for an id that nobody has, and one caller's directory being away is no other caller's trouble. */
async function signerOf(callers: readonly [string, SigningCaller][], keyid: string): Promise<Signer | undefined> {
  const known = knownSigner(callers, keyid);
  if (known !== undefined) return known;
  const refreshed = await Promise.allSettled(callers.map(async ([, { keys }]) => keys.refreshFor(keyid)));
  const failed = refreshed.find((outcome) => outcome.status === 'rejected');
  const signer = knownSigner(callers, keyid);
  if (signer === undefined && failed !== undefined) throw failed.reason;
  return signer;
}

/** A key id that two callers have is nobody's: one of them would speak for the other. */
function knownSigner(callers: readonly [string, SigningCaller][], keyid: string): Signer | undefined {
  const [signer, another] = callers.flatMap(([name, caller]) => {
    const key = caller.keys.current(keyid);
    return key === undefined ? [] : [{ name, caller, key }];
  });
  if (another !== undefined) throw new Problem('signature_invalid', 'two callers have a key of this id');
  return signer;
}
