/**
 * The proof that a request was decided. `forward` asks for one and only the two deciding stages mint it
 * (`ingress/decide.ts`, `egress/match-route.ts`; the architecture test holds that), so forwarding
 * without a decision does not compile.
 */
import type { Upstream } from '../net/upstream.ts';

declare const decided: unique symbol;

export interface Permit extends Passage {
  readonly [decided]: true;
}

/** What was permitted: exactly this method and path, to this upstream. */
export interface Passage {
  readonly upstream: Upstream;
  readonly method: string;
  /** Path and query as they go on the wire. */
  readonly path: string;
}

export function mintPermit(passage: Passage): Permit {
  return passage as Permit;
}
