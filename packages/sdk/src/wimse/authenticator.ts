/** Verifying who calls by a workload identity and the proof for this request. */
import { readBearer } from '../jwt/bearer.ts';
import { Problem } from '../problem.ts';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import type { ReplayStore } from '../replay/replay-store.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { Authenticator } from '../server/authenticator.ts';
import { ownUris } from '../server/own-origins.ts';
import type { ReceivedRequest } from '../server/received-request.ts';
import { SYSTEM_ROLE } from '../server/roles.ts';
import { type DraftOption, IDENTITY_HEADER, PROOF_HEADER, requireDraft, TRANSACTION_HEADER } from './draft.ts';
import { type IdentityServer, verifyWorkloadIdentity } from './workload-identity.ts';
import { verifyWorkloadProof } from './workload-proof.ts';

export interface WimseAuthenticatorOptions extends DraftOption {
  /** Trust domain → who vouches for its workloads. */
  readonly identityServers: Readonly<Record<string, IdentityServer>>;
  /** As callers address this service, such as `https://orders.internal.example`; no header says it. */
  readonly origins: readonly string[];
  /** The workloads that may call; by default all that are vouched for. */
  readonly workloads?: readonly string[];
  /** By default 100,000 proofs in the memory of this process. */
  readonly replays?: ReplayStore;
}

const MAX_REPLAYS = 100_000;

/**
 * @example
 * ```ts
 * import { publicPemKeys } from '@sidegate/sdk/service-tokens';
 * import { WIMSE_DRAFT, wimseAuthenticator } from '@sidegate/sdk/wimse';
 *
 * const keys = publicPemKeys({ pem: process.env['IDENTITY_SERVER_KEY'] ?? '', keyId: 'June 5' });
 * const authenticator = wimseAuthenticator({
 *   draft: WIMSE_DRAFT,
 *   identityServers: { 'example.com': { keys } },
 *   origins: ['https://orders.internal.example'],
 * });
 * ```
 *
 * @throws RangeError when another draft is asked for, or the service has no name or vouchers
 */
export function wimseAuthenticator(
  options: WimseAuthenticatorOptions,
  { clock }: Pick<Runtime, 'clock'> = systemRuntime(),
): Authenticator {
  requireDraft(options);
  const { origins, workloads, replays = memoryReplayStore({ maxEntries: MAX_REPLAYS, clock }) } = options;
  const servers = new Map(Object.entries(options.identityServers));
  if (servers.size === 0) throw new RangeError('identityServers: nobody vouches for anybody');
  const urisOf = ownUris(origins);
  return {
    async authenticate(request) {
      const identityToken = single(request, IDENTITY_HEADER);
      const proof = single(request, PROOF_HEADER);
      const nowSeconds = clock.now() / 1000;
      const identity = await verifyWorkloadIdentity(identityToken, servers, nowSeconds);
      const { id, expiresAtMs } = verifyWorkloadProof(proof, {
        identity,
        identityToken,
        targetUris: urisOf(request),
        accessToken: bearerBeside(request),
        transactionToken: optional(request, TRANSACTION_HEADER),
        field: (name) => (request.values(name).length === 1 ? request.values(name)[0] : undefined),
        nowSeconds,
      });
      const { workload } = identity;
      if (workloads?.includes(workload) === false)
        throw new Problem('peer_not_allowed', `${workload} is not among the callers`);
      if (!(await replays.firstUse(id, expiresAtMs))) throw new Problem('token_replayed', 'the proof was used before');
      return Object.freeze({
        proofs: ['service_jwt'] as const,
        service: { name: workload, spiffeId: workload.startsWith('spiffe://') ? workload : undefined },
        user: undefined,
        scopes: [],
        roles: [SYSTEM_ROLE],
        claims: undefined,
      });
    },
    close() {
      for (const { keys } of servers.values()) keys.close();
    },
  };
}

function single(request: ReceivedRequest, name: string): string {
  const value = optional(request, name);
  if (value === undefined) throw new Problem('token_missing', `no ${name}`);
  return value;
}

function optional(request: ReceivedRequest, name: string): string | undefined {
  const [value, another] = request.values(name);
  if (another !== undefined) throw new Problem('duplicate_header', `${name} was sent more than once`);
  return value;
}

/** A token beside the proof has to be bound to it, whatever its scheme. */
function bearerBeside(request: ReceivedRequest): string | undefined {
  const value = optional(request, 'authorization');
  if (value === undefined) return undefined;
  const [scheme = ''] = value.split(' ');
  return readBearer(['authorization', value], { scheme });
}
