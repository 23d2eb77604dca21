/** Everything that comes in, top to bottom. A stage refuses by throwing a Problem; `proxy/serve.ts` answers and records it. */
import { Problem } from '@sidegate/sdk';
import type { InboundRequest } from '../net/listener.ts';
import { type CredentialFields, renewing, tryingAgain } from '../proxy/credential.ts';
import type { Exchange } from '../proxy/exchange.ts';
import { type ForwardedMessage, forward, type OutgoingHeaders } from '../proxy/forward.ts';
import type { Permit } from '../proxy/permit.ts';
import type { Pipeline } from '../proxy/serve.ts';
import { answerPreflight } from './cors.ts';
import { describedRequest, type RequestFrom } from './described-request.ts';
import { mayHoldToken, withoutToken } from './form-token.ts';
import { grant } from './grant.ts';
import { identifyPeer, type PeerCache } from './identify-peer.ts';
import { type JudgeDeps, judge } from './judge.ts';
import { callerOf, limitRate, type RateLimits } from './limit-rate.ts';
import { type IngressHeaders, shapeHeaders } from './shape-headers.ts';
import { refuseEarlyBytes, whileAllowed } from './upgrade.ts';
import { readToken } from './verify-token.ts';

export interface IngressDeps extends JudgeDeps {
  readonly limits: RateLimits;
  readonly headers: IngressHeaders;
  readonly peers: PeerCache;
}

/**
 * What is allowed is forwarded.
 *
 * @param latest by what an upgrade that is open has to hold up: there may be another configuration by then
 */
export function createIngress(deps: IngressDeps, latest: () => IngressDeps): Pipeline {
  const { cors } = deps.accept;
  return (exchange, request, reply) => {
    return judge(exchange, request, deps, {
      peer: () => identifyPeer(request.socket, deps.trust, deps.peers),
      caller: () => callerOf(exchange, request.socket),
      limit: (moment, { route }) => limitRate(moment, deps.limits, exchange, { route, socket: request.socket }),
      allowed: (accepted, permit) => {
        if (accepted.preflight && cors !== undefined) return answerPreflight(exchange, cors, reply);
        const { credential } = accepted.route;
        const shape = (fields: CredentialFields) =>
          shapeHeaders(exchange, accepted, { headers: deps.headers, credential: fields });
        if (credential === undefined) return send({ permit, headers: shape(NO_FIELDS) });
        const call = { permit, exchange, subjectToken: () => presentedToken(request, deps) };
        const onAnswer = tryingAgain(credential, request, { call, shape });
        const renew = renewing(credential, { call, shape });
        const proceed = (fields: CredentialFields) => send({ permit, headers: shape(fields), onAnswer, renew });
        const obtained = credential.fields(call);
        return obtained instanceof Promise ? obtained.then(proceed) : proceed(obtained);
      },
    });
    function send({ permit, headers, ...told }: Allowed): Promise<void> {
      const message = { request, reply, ...told };
      if (mayHoldToken(request, exchange)) return forwardForm(permit, headers, exchange, message);
      if (request.tunnel === undefined) return forward(permit, headers, exchange, message);
      refuseEarlyBytes(request.tunnel);
      const judgeAgain = () => judgeUpgrade(exchange, request, latest());
      return whileAllowed(exchange, { now: deps.trust.now, judgeAgain, revocations: deps.revocations }, () =>
        forward(permit, headers, exchange, message),
      );
    }
  };
}

interface Allowed extends Pick<ForwardedMessage, 'onAnswer' | 'renew'> {
  readonly permit: Permit;
  readonly headers: OutgoingHeaders;
}

const NO_FIELDS: CredentialFields = [];

/** The one that was verified; where none was asked for, there may be none. */
function presentedToken(request: InboundRequest, { tokens }: IngressDeps): string {
  if (tokens === undefined) throw new Problem('token_missing', 'no token is taken here, so none can be exchanged');
  return readToken(request, tokens);
}

/** The exchange stays as it is: it tells of the request that was let in. */
function judgeUpgrade(exchange: Exchange, request: InboundRequest, deps: IngressDeps): unknown {
  return judge({ ...exchange }, request, deps, {
    peer: () => identifyPeer(request.socket, deps.trust, deps.peers),
    allowed: () => undefined,
  });
}

/** Nothing is forwarded: a gateway that asks is told what it may forward itself. */
export function createDecisionIngress(deps: IngressDeps, requestFrom: RequestFrom): Pipeline {
  return async (exchange, request, reply) => {
    await judge(exchange, describedRequest(request, requestFrom), deps, {
      peer: () => identifyPeer(request.socket, deps.trust, deps.peers),
      caller: () => callerOf(exchange, request.socket),
      limit: (moment, { route }) => limitRate(moment, deps.limits, exchange, { route, socket: request.socket }),
      allowed: () => grant(exchange, deps.headers, { request, reply }),
    });
  };
}

/** As {@link forward}, once the beginning of the form is known to hold no token. */
async function forwardForm(
  permit: Permit,
  headers: OutgoingHeaders,
  exchange: Exchange,
  { request, reply, ...told }: ForwardedMessage,
): Promise<void> {
  if (request.fields.has('expect')) reply.continue();
  const body = request.body && (await withoutToken(request.body, exchange));
  await forward(permit, headers, exchange, { request: { ...request, body }, reply, ...told });
}
