/** Tokens that come with the proof of a key, RFC 9449 section 7: the scheme `DPoP` beside `Bearer`. */
import type { ProofChallenge } from '../dpop/challenge.ts';
import type { DpopNonces } from '../dpop/nonces.ts';
import { verifyDpopProof } from '../dpop/verify-proof.ts';
import type { Clock } from '../ports.ts';
import { Problem } from '../problem.ts';
import { memoryReplayStore } from '../replay/memory-replay-store.ts';
import type { ReplayStore } from '../replay/replay-store.ts';
import { ownUris } from './own-origins.ts';
import type { ReceivedRequest } from './received-request.ts';
import { after } from './settled.ts';

export interface DpopOptions {
  /** As callers address this service, such as `https://orders.example.com`; no header says it. */
  readonly origins: readonly string[];
  /** How long after its `iat` a proof may arrive: 60 by default. */
  readonly maxAgeSeconds?: number;
  /** Absent: proofs need no nonce. */
  readonly nonces?: DpopNonces;
  /** By default 1,000,000 proofs in the memory of this process; replicas share one. */
  readonly replays?: ReplayStore;
}

/** How a guard takes proofs. */
export interface ProofTaking {
  readonly challenge: ProofChallenge;
  /**
   * The thumbprint of the key that was proven for this request and this token. Fails closed: a proof that cannot be remembered is refused.
   *
   * @throws Problem `dpop_*`, `replay_store_*`, `path_ambiguous`, at once or as a rejection
   */
  provenKey(request: ReceivedRequest, accessToken: string): string | Promise<string>;
}

export interface ProofTime {
  readonly clock: Pick<Clock, 'now'>;
  readonly clockSkewSeconds: number | undefined;
}

const MAX_REPLAYS = 1_000_000;

/** @throws RangeError when nobody knows how callers address this service */
export function takeProofs(options: DpopOptions, { clock, clockSkewSeconds }: ProofTime): ProofTaking {
  const { origins, maxAgeSeconds, nonces } = options;
  const { replays = memoryReplayStore({ maxEntries: MAX_REPLAYS, clock }) } = options;
  const urisOf = ownUris(origins);
  const rules = {
    clock,
    nonces,
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    ...(clockSkewSeconds === undefined ? {} : { clockSkewSeconds }),
  };
  return {
    challenge: { nonce: nonces && (() => nonces.current()) },
    provenKey(request, accessToken) {
      const proven = { method: request.method, uris: urisOf(request), accessToken };
      const { id, expiresAtMs, thumbprint } = verifyDpopProof(request.values('dpop'), proven, rules);
      return after(replays.firstUse(id, expiresAtMs), (isFirst) => {
        if (isFirst) return thumbprint;
        throw new Problem('dpop_proof_replayed', 'its jti was seen before');
      });
    },
  };
}
