/** Proving who calls by a workload identity and a proof for each request. */
import type { Credentials } from '../client/credentials.ts';
import type { JwtSigner } from '../jwt/sign-jwt.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { type DraftOption, IDENTITY_HEADER, PROOF_HEADER, requireDraft, TRANSACTION_HEADER } from './draft.ts';
import { signWorkloadProof } from './workload-proof.ts';

export interface WimseIdentity {
  /** The Workload Identity Token as the identity server made it. */
  readonly token: string;
  /** The key that it names. */
  readonly key: Pick<JwtSigner, 'key' | 'algorithm'>;
}

export interface WimseCredentialsOptions extends DraftOption {
  /** Asked for each request, so that a renewed one is used at once. */
  readonly identity: () => WimseIdentity;
}

/**
 * @example
 * ```ts
 * import { WIMSE_DRAFT, type WimseIdentity, wimseCredentials } from '@sidegate/sdk/wimse';
 *
 * declare const renewed: { current: WimseIdentity };
 * const credentials = wimseCredentials({ draft: WIMSE_DRAFT, identity: () => renewed.current });
 * ```
 *
 * @throws RangeError when another draft is asked for
 */
export function wimseCredentials(
  options: WimseCredentialsOptions,
  { clock }: Pick<Runtime, 'clock'> = systemRuntime(),
): Credentials {
  requireDraft(options);
  return {
    kind: 'wimse',
    async authorize({ url, headers }) {
      const { token, key } = options.identity();
      const context = {
        targetUri: `${url.origin}${url.pathname}`,
        identityToken: token,
        accessToken: /^\S+ (\S+)$/.exec(headers['authorization'] ?? '')?.[1],
        transactionToken: headers[TRANSACTION_HEADER],
      };
      const proof = signWorkloadProof(context, { ...key, keyId: undefined }, clock.now() / 1000);
      return { [IDENTITY_HEADER]: token, [PROOF_HEADER]: proof };
    },
    refused() {},
    close() {},
  };
}
