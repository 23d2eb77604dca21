/**
 * What both directions do around their stages: open the exchange, run them, answer the one refusal, record the
 * exchange. Everything else that a listener can report ends here as a refusal too.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { asProblem, Problem } from '@sidegate/sdk';
import type { ListenerHandlers } from '../net/listener.ts';
import type { Audit } from './audit.ts';
import { type Direction, type Exchange, type ExchangePorts, type OpeningMessage, openExchange } from './exchange.ts';
import { framingProblem } from './framing.ts';
import { respond, respondRaw } from './respond.ts';

export interface ServeOptions {
  readonly direction: Direction;
  readonly audit: Audit;
  readonly ports: ExchangePorts;
  /** Gets what is `internal`, with its cause, for the log. */
  readonly onInternalError: (exchange: Exchange, problem: Problem) => void;
}

/** The stages of one direction: resolves when the answer is out, throws a Problem to refuse. */
export type Pipeline = (exchange: Exchange, request: IncomingMessage, response: ServerResponse) => Promise<void>;

const NO_MESSAGE = { rawHeaders: [] };

export function serve(pipeline: Pipeline, options: ServeOptions): ListenerHandlers {
  const pending = new WeakMap<IncomingMessage, { readonly exchange: Exchange; readonly response: ServerResponse }>();
  return {
    request: (request, response) => {
      const exchange = openExchange(options.direction, request, options.ports);
      pending.set(request, { exchange, response });
      response.once('close', () => noticeAbort(exchange, response));
      void run(pipeline, exchange, { request, response }, options);
    },
    upgrade: (request, socket) => {
      const refused =
        request.method === 'CONNECT'
          ? new Problem('method_not_allowed', 'CONNECT is never proxied')
          : new Problem('upgrade_not_allowed', 'no route allows an upgrade');
      refuseRaw(refused, request, { socket, options });
    },
    unparseable: (failure, socket, unfinished) => {
      const underWay = unfinished && pending.get(unfinished);
      if (underWay === undefined) {
        refuseRaw(framingProblem(failure), NO_MESSAGE, { socket, options });
        return;
      }
      const { exchange, response } = underWay;
      // Nothing to say any more, or nobody to hear it: a client that ends inside its body has gone away.
      if (response.writableFinished || failure.code === 'HPE_INVALID_EOF_STATE') {
        socket.destroy();
        return;
      }
      // Its own pipeline fails and answers. What has left was no request: its body never became whole.
      exchange.problem ??= framingProblem(failure);
      exchange.forwarded = false;
      exchange.cut.abort(exchange.problem);
    },
    handshakeFailed: (code, remoteAddress) => {
      const reason = `the TLS handshake with ${remoteAddress ?? 'an unknown address'} failed (${code})`;
      const exchange = openExchange(options.direction, NO_MESSAGE, options.ports);
      exchange.problem = new Problem('peer_identity_missing', reason);
      options.audit.record(exchange);
    },
  };
}

async function run(
  pipeline: Pipeline,
  exchange: Exchange,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  options: ServeOptions,
): Promise<void> {
  try {
    options.audit.assertAvailable();
    await pipeline(exchange, request, response);
  } catch (error) {
    const problem = exchange.problem ?? asProblem(error);
    exchange.problem = problem;
    exchange.status = response.headersSent ? response.statusCode : problem.row.status;
    if (problem.row.source === 'internal') options.onInternalError(exchange, problem);
    respond(exchange, problem, request, response);
  } finally {
    options.audit.record(exchange);
  }
}

/** Neither done nor failed by us or by the upstream: the client went away. */
function noticeAbort(exchange: Exchange, response: ServerResponse): void {
  if (response.writableFinished || response.errored !== null || exchange.problem !== undefined) return;
  exchange.aborted = true;
  exchange.cut.abort();
}

function refuseRaw(
  problem: Problem,
  message: OpeningMessage,
  { socket, options }: { readonly socket: Duplex; readonly options: ServeOptions },
): void {
  const exchange = openExchange(options.direction, message, options.ports);
  exchange.problem = problem;
  exchange.status = problem.row.status;
  respondRaw(exchange, problem, socket);
  options.audit.record(exchange);
}
