/**
 * What both directions do around their stages: open the exchange, run them, answer the one refusal, record the
 * exchange. Everything else that a listener can report ends here as a refusal too.
 */
import { asProblem, Problem } from '@sidegate/sdk';
import { Fields } from '../net/fields.ts';
import type { InboundRequest, ListenerHandlers } from '../net/listener.ts';
import type { Reply } from '../net/reply.ts';
import { requestedTunnel } from '../net/tunnel.ts';
import type { Audit } from './audit.ts';
import { type Direction, type Exchange, type ExchangePorts, openExchange } from './exchange.ts';
import { respond } from './respond.ts';

export interface ServeOptions {
  readonly direction: Direction;
  readonly audit: Audit;
  readonly ports: ExchangePorts;
  /** Gets what is `internal`, with its cause, for the log. */
  readonly onInternalError: (exchange: Exchange, problem: Problem) => void;
}

/** The stages of one direction: resolves when the answer is out; throws a Problem, or rejects with it, to refuse. */
export type Pipeline = (exchange: Exchange, request: InboundRequest, reply: Reply) => Promise<void>;

const NO_MESSAGE = { method: '', target: '', fields: Fields.NONE };

export function serve(pipeline: Pipeline, options: ServeOptions): ListenerHandlers {
  const { direction, audit, ports } = options;
  return {
    request: (request, reply) => {
      const exchange = openExchange(direction, request, ports);
      run(pipeline, exchange, { request, reply }, options);
      return {
        aborted: () => {
          if (exchange.problem !== undefined) return;
          exchange.aborted = true;
          exchange.cancellation.cancel();
        },
        // Its own pipeline fails and answers. What has left was no request: its body never became whole.
        broken: (problem) => {
          exchange.problem ??= problem;
          exchange.forwarded = false;
          exchange.cancellation.cancel();
        },
      };
    },
    malformed: (problem, head, reply) => {
      const exchange = openExchange(direction, head ?? NO_MESSAGE, ports);
      exchange.problem = problem;
      exchange.status = problem.row.status;
      respond(exchange, problem, reply, true);
      audit.record(exchange);
    },
    handshakeFailed: (code, remoteAddress) => {
      const reason = `the TLS handshake with ${remoteAddress ?? 'an unknown address'} failed (${code})`;
      const exchange = openExchange(direction, NO_MESSAGE, ports);
      exchange.problem = new Problem('peer_identity_missing', reason);
      audit.record(exchange);
    },
  };
}

function run(
  pipeline: Pipeline,
  exchange: Exchange,
  { request, reply }: { readonly request: InboundRequest; readonly reply: Reply },
  { audit, onInternalError }: ServeOptions,
): void {
  const settled = (): void => {
    exchange.status = reply.status;
    audit.record(exchange);
  };
  const answered = (): void => {
    // The last bytes may wait for a slow client, who may yet go away.
    if (reply.finished) settled();
    else void reply.settled().then(settled);
  };
  const refused = (error: unknown): void => {
    exchange.status = reply.status;
    // Nobody is left to answer: the record says so, and that is all.
    if (!exchange.aborted) {
      const problem = exchange.problem ?? asProblem(error);
      exchange.problem = problem;
      exchange.status = reply.status ?? problem.row.status;
      if (problem.row.source === 'internal') onInternalError(exchange, problem);
      respond(exchange, problem, reply, request.body?.whole === false);
    }
    audit.record(exchange);
  };
  try {
    audit.assertAvailable();
    refuseTunnel(request, reply);
    pipeline(exchange, request, reply).then(answered, refused);
  } catch (error) {
    refused(error);
  }
}

/** Bytes that nobody looks at never pass, and what follows such a request is none. */
function refuseTunnel(request: InboundRequest, reply: Reply): void {
  const tunnel = requestedTunnel(request);
  if (tunnel === undefined) return;
  reply.close();
  throw tunnel === 'connect'
    ? new Problem('method_not_allowed', 'CONNECT is never proxied')
    : new Problem('upgrade_not_allowed', 'no route allows an upgrade');
}
