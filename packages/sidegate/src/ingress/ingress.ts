/** Everything that comes in, top to bottom. A stage refuses by throwing a Problem; `proxy/serve.ts` answers and records it. */
import type { VerifiedToken } from '@sidegate/sdk';
import { forward } from '../proxy/forward.ts';
import type { Pipeline } from '../proxy/serve.ts';
import { type AcceptOptions, accept } from './accept.ts';
import { bindIdentity } from './bind-identity.ts';
import { decide, type PolicyOptions } from './decide.ts';
import { identifyPeer, type PeerCache, type PeerTrust } from './identify-peer.ts';
import { type IngressHeaders, shapeHeaders } from './shape-headers.ts';
import { learnUserContext } from './user-context.ts';
import { type TokenOptions, verifyToken } from './verify-token.ts';

export interface IngressDeps {
  readonly accept: AcceptOptions;
  readonly trust: PeerTrust;
  /** Undefined: no issuer is configured, so only routes without authentication are served. */
  readonly tokens: TokenOptions | undefined;
  readonly policy: PolicyOptions;
  readonly headers: IngressHeaders;
}

export function createIngress(deps: IngressDeps): Pipeline {
  const peers: PeerCache = new WeakMap();
  return (exchange, request, reply) => {
    const accepted = accept(exchange, request, deps.accept);
    exchange.peer = identifyPeer(request.socket, deps.trust, peers);
    const verified = verifyToken(request.fields, accepted.route.authRequired, deps.tokens);
    const proceed = (token: VerifiedToken | undefined): Promise<void> => {
      exchange.token = token;
      bindIdentity(exchange, deps.trust);
      learnUserContext(exchange);
      const permit = decide(exchange, accepted, deps.policy);
      const headers = shapeHeaders(exchange, accepted, deps.headers);
      return forward(permit, headers, exchange, { request, reply });
    };
    return verified instanceof Promise ? verified.then(proceed) : proceed(verified);
  };
}
