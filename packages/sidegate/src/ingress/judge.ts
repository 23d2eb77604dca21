/** The stages that judge a request, in their order, whatever becomes of it then. Each refuses by throwing a Problem. */
import type { VerifiedToken } from '@sidegate/sdk';
import type { RequestHead } from '../net/request-head.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { Peer } from '../proxy/peer.ts';
import type { Permit } from '../proxy/permit.ts';
import { type Accepted, type AcceptOptions, accept } from './accept.ts';
import { bindIdentity } from './bind-identity.ts';
import { checkScopes } from './check-scopes.ts';
import { decide, type PolicyOptions } from './decide.ts';
import type { PeerTrust } from './identify-peer.ts';
import type { Moment } from './limit-rate.ts';
import { proveKey } from './prove-key.ts';
import type { RevocationCheck } from './refuse-revoked.ts';
import { distrustUserContext, learnUserContext } from './user-context.ts';
import { type TokenOptions, verifyToken } from './verify-token.ts';

export interface JudgeDeps {
  readonly accept: AcceptOptions;
  readonly trust: PeerTrust;
  /** Undefined: no issuer is configured, so only routes without authentication are served. */
  readonly tokens: TokenOptions | undefined;
  readonly policy: PolicyOptions;
  /** Undefined: nobody tells what was revoked. */
  readonly revocations: RevocationCheck | undefined;
}

export interface Occasion<T> {
  /** Who asks; called after the request itself was found to be good. */
  readonly peer: () => Peer | undefined;
  /**
   * Counts what the caller asks; absent: nobody is counted.
   *
   * @throws Problem `rate_limited`
   */
  readonly limit?: (moment: Moment, accepted: Accepted) => void;
  /** Who is counted when the token is bad; absent: nobody. */
  readonly caller?: () => string;
  /** What becomes of a request that is allowed. */
  readonly allowed: (accepted: Accepted, permit: Permit) => T;
}

/** @throws Problem, at once or as a rejection */
export function judge<T>(
  exchange: Exchange,
  head: RequestHead,
  deps: JudgeDeps,
  { peer, limit, caller, allowed }: Occasion<T>,
): T | Promise<Awaited<T>> {
  exchange.proofChallenge = deps.tokens?.proofs?.challenge;
  const accepted = accept(exchange, head, deps.accept);
  const { open, route } = accepted;
  exchange.peer = peer();
  deps.revocations?.checkPeer(exchange.peer);
  if (open === undefined) deps.revocations?.requireKnown();
  limit?.('connected', accepted);
  const verified = open === undefined ? verifyToken(head, route.authRequired, deps.tokens, caller) : undefined;
  const proceed = (token: VerifiedToken | undefined): T | Promise<Awaited<T>> => {
    exchange.token = token;
    const proven = proveKey(exchange, head, deps.tokens, caller);
    return proven === undefined ? judged() : (proven.then(judged) as Promise<Awaited<T>>);
  };
  const judged = (): T | Promise<Awaited<T>> => {
    deps.revocations?.checkToken(exchange.token);
    if (open === undefined) {
      bindIdentity(exchange, deps.trust);
      checkScopes(exchange.token, route);
      learnUserContext(exchange);
    } else distrustUserContext(exchange);
    limit?.('authenticated', accepted);
    const decided = decide(exchange, accepted, deps.policy);
    if (!(decided instanceof Promise)) return allowed(accepted, decided);
    return decided.then((permit) => allowed(accepted, permit)) as Promise<Awaited<T>>;
  };
  return verified instanceof Promise ? (verified.then(proceed) as Promise<Awaited<T>>) : proceed(verified);
}
