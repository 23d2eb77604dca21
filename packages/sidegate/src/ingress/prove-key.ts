/**
 * Stage 3b, only for a token that comes by the scheme `DPoP`: its proof, RFC 9449 section 7. It is for this request at this sidecar, was made
 * just now, and was never seen before; whose key it has to be is `bindIdentity`'s question. Fails closed: what cannot be remembered is refused.
 */
import {
  type Clock,
  type DpopNonces,
  PROOF_SCHEME,
  Problem,
  type ProofChallenge,
  type ReplayStore,
  type VerifiedProof,
  verifyDpopProof,
} from '@sidegate/sdk';
import type { RequestHead } from '../net/request-head.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { presentsProof, type TokenOptions } from './verify-token.ts';

export interface ProofOptions {
  /** How clients write the address of this sidecar: schemes, hosts and ports. */
  readonly origins: readonly string[];
  readonly maxAgeSeconds: number;
  readonly clockSkewSeconds: number;
  /** Undefined: proofs need no nonce. */
  readonly nonces: DpopNonces | undefined;
  readonly replays: ReplayStore;
  readonly clock: Pick<Clock, 'now'>;
  readonly challenge: ProofChallenge;
}

/**
 * At once when there is no proof to look at, or one process remembers for itself.
 *
 * @param caller who is counted when the proof is bad; undefined: nobody
 * @throws Problem `dpop_*`, `replay_store_*`, `rate_limited`, at once or as a rejection
 */
export function proveKey(
  exchange: Exchange,
  head: RequestHead,
  tokens: TokenOptions | undefined,
  caller: (() => string) | undefined,
): Promise<void> | undefined {
  // An upgrade that is open is judged again by the head it came with: its proof was used then.
  if (tokens?.proofs === undefined || exchange.token === undefined || exchange.provenKey !== undefined)
    return undefined;
  if (!presentsProof(head, tokens)) return undefined;
  const { proofs, bad } = tokens;
  const check = (): Promise<void> | undefined => {
    const proof = verifyDpopProof(head.fields.all('dpop'), provenRequest(exchange, head, tokens), proofs);
    const first = proofs.replays.firstUse(proof.id, proof.expiresAtMs);
    if (first instanceof Promise) return first.then((isFirst) => accept(exchange, proof, isFirst));
    return accept(exchange, proof, first);
  };
  return caller === undefined ? check() : bad.guard(check, caller);
}

function accept(exchange: Exchange, proof: VerifiedProof, isFirst: boolean): undefined {
  if (!isFirst) throw new Problem('dpop_proof_replayed', 'its jti was seen before');
  exchange.provenKey = proof.thumbprint;
  return undefined;
}

function provenRequest({ target }: Exchange, head: RequestHead, { proofs, header }: TokenOptions) {
  const path = target?.path ?? '';
  const accessToken = (head.fields.single(header) ?? '').slice(PROOF_SCHEME.length + 1);
  return { method: head.method, uris: (proofs?.origins ?? []).map((origin) => `${origin}${path}`), accessToken };
}
