/** Credentials: every request is signed, RFC 9421, with its method, host, path, query and the digest of its body. */
import { randomUUID } from 'node:crypto';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { SignatureKey } from '../signatures/algorithms.ts';
import type { Credentials } from './credentials.ts';

export interface HttpSignatureOptions {
  /** By which whoever verifies finds the public key, or the shared secret. */
  readonly keyid: string;
  /** The private key, or the shared secret. */
  readonly key: SignatureKey;
  /** Further components, such as `x-request-id`; each must be in every request. */
  readonly components?: readonly string[];
  /** Default `sig1`. A request that is signed already keeps its signatures under their labels. */
  readonly label?: string;
  /** What the signature is for, where a request has several. */
  readonly tag?: string;
  /** Default 60; whoever verifies may expect a younger one. */
  readonly lifetimeSeconds?: number;
  readonly runtime?: Pick<Runtime, 'clock'>;
}

const COMPONENTS: readonly string[] = ['@method', '@authority', '@path', '@query'];
const LIFETIME_SECONDS = 60;

/**
 * Signs each request once, with a nonce of its own: what is sent again is signed again.
 *
 * @throws Problem `signature_invalid` when a request lacks a component, or the key is not one for its algorithm
 * @example
 * ```ts
 * import { generateKeyPairSync } from 'node:crypto';
 * import { httpSignature } from '@sidegate/sdk/client';
 *
 * const { privateKey } = generateKeyPairSync('ed25519');
 * const credentials = httpSignature({ keyid: 'orders-2026', key: { algorithm: 'ed25519', key: privateKey } });
 * ```
 */
export function httpSignature(options: HttpSignatureOptions): Credentials {
  const { keyid, key, label = 'sig1', tag, lifetimeSeconds = LIFETIME_SECONDS } = options;
  const { clock } = options.runtime ?? systemRuntime();
  return {
    kind: 'http_signature',
    async authorize(request) {
      // Loaded by who uses it: structured fields cost an import as much as half of the rest does.
      const { signRequest } = await import('./sign-request.ts');
      const created = Math.floor(clock.now() / 1000);
      return signRequest(request, {
        label,
        components: [...COMPONENTS, ...(options.components ?? [])],
        key,
        keyid,
        created,
        expires: created + lifetimeSeconds,
        nonce: randomUUID(),
        ...(tag === undefined ? {} : { tag }),
      });
    },
    refused: () => {},
    close: () => {},
  };
}
