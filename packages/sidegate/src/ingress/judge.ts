/** The stages that judge a request, in their order, whatever becomes of it then. Each refuses by throwing a Problem. */
import type { RevocationCheck, VerifiedToken } from '@sidegate/sdk';
import type { RequestHead } from '../net/request-head.ts';
import type { Exchange } from '../proxy/exchange.ts';
import type { Peer } from '../proxy/peer.ts';
import type { Permit } from '../proxy/permit.ts';
import { learnTransaction } from '../proxy/transaction-token.ts';
import { type Accepted, type AcceptOptions, accept } from './accept.ts';
import { bindIdentity } from './bind-identity.ts';
import { checkOperation } from './check-operation.ts';
import { checkScopes } from './check-scopes.ts';
import { decide, type PolicyOptions } from './decide.ts';
import type { PeerTrust } from './identify-peer.ts';
import type { Moment } from './limit-rate.ts';
import { proveKey } from './prove-key.ts';
import { distrustUserContext, learnUserContext } from './user-context.ts';
import { type TokenOptions, type TransactionOptions, verifyToken, verifyTransaction } from './verify-token.ts';

export interface JudgeDeps {
  readonly accept: AcceptOptions;
  readonly trust: PeerTrust;
  /** Undefined: no issuer is configured, so only routes without authentication are served. */
  readonly tokens: TokenOptions | undefined;
  /** Undefined: no transaction token is taken. */
  readonly transactions: TransactionOptions | undefined;
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
    if (open === undefined) return after(proveKey(exchange, head, deps.tokens, caller), bound);
    distrustUserContext(exchange);
    return decided();
  };
  const bound = (): T | Promise<Awaited<T>> => {
    deps.revocations?.checkToken(exchange.token);
    bindIdentity(exchange, deps.trust);
    checkOperation(exchange.token, accepted.target);
    checkScopes(exchange.token, route);
    const { transactions } = deps;
    const verify = transactions && ((text: string) => verifyTransaction(text, transactions, caller));
    return after(learnTransaction(exchange, head.fields, verify), () => {
      deps.revocations?.checkToken(exchange.transaction?.token);
      learnUserContext(exchange);
      return decided();
    });
  };
  const decided = (): T | Promise<Awaited<T>> => {
    limit?.('authenticated', accepted);
    const permit = decide(exchange, accepted, deps.policy);
    if (!(permit instanceof Promise)) return allowed(accepted, permit);
    return permit.then((one) => allowed(accepted, one)) as Promise<Awaited<T>>;
  };
  return verified instanceof Promise ? (verified.then(proceed) as Promise<Awaited<T>>) : proceed(verified);
}

/** What follows a check: at once where the check is over. */
function after<T>(check: Promise<void> | undefined, proceed: () => T | Promise<Awaited<T>>): T | Promise<Awaited<T>> {
  return check === undefined ? proceed() : (check.then(proceed) as Promise<Awaited<T>>);
}
