/**
 * What both directions do around their stages: open the exchange, run them, answer the one refusal, record the
 * exchange, and let its answer go once the record is kept. Everything else that a listener can report ends here as a refusal too.
 */
import type { Socket } from 'node:net';
import { asProblem, Problem } from '@sidegate/sdk';
import { Fields } from '../net/fields.ts';
import type { ExchangeWatch, InboundRequest, ListenerHandlers } from '../net/listener.ts';
import type { Reply } from '../net/reply.ts';
import { requestedTunnel } from '../net/tunnel.ts';
import type { Audit, RecordedAnswer } from './audit.ts';
import { type Direction, type Exchange, type ExchangePorts, openExchange } from './exchange.ts';
import { respond } from './respond.ts';

export interface ServeOptions {
  readonly direction: Direction;
  readonly audit: Audit;
  readonly ports: ExchangePorts;
  /** Whether a connection may wait for another request. */
  readonly mayStay: (socket: Socket) => boolean;
  /** Gets what is `internal`, with its cause, for the log. */
  readonly onInternalError: (exchange: Exchange, problem: Problem) => void;
  /** Told of every exchange, when it is known how it ended. */
  readonly onEnded?: ((exchange: Exchange) => void) | undefined;
}

/** The stages of one direction: resolves when the answer is whole; throws a Problem, or rejects with it, to refuse. */
export type Pipeline = (exchange: Exchange, request: InboundRequest, reply: Reply) => Promise<void>;

const NO_MESSAGE = { method: '', target: '', fields: Fields.NONE };

export function serve(pipeline: Pipeline, options: ServeOptions): ListenerHandlers {
  const { direction, audit, ports, onEnded, mayStay } = options;
  return {
    mayStay,
    request: (request, reply) => {
      const serving = new Serving(openExchange(direction, request, ports), { request, reply }, options);
      serving.run(pipeline);
      return serving;
    },
    malformed: (problem, head, reply) => {
      const exchange = openExchange(direction, head ?? NO_MESSAGE, ports);
      new Serving(exchange, { request: undefined, reply }, options).refuse(problem);
    },
    handshakeFailed: (code, remoteAddress) => {
      const reason = `the TLS handshake with ${remoteAddress ?? 'an unknown address'} failed (${code})`;
      const exchange = openExchange(direction, NO_MESSAGE, ports);
      exchange.problem = new Problem('peer_identity_missing', reason);
      const ended = (): void => onEnded?.(exchange);
      audit.record(exchange, { kept: ended, lost: ended });
    },
  };
}

interface Message {
  /** Undefined: it could not be read. */
  readonly request: InboundRequest | undefined;
  readonly reply: Reply;
}

/** One exchange, until its answer may leave. */
class Serving implements ExchangeWatch, RecordedAnswer {
  readonly #exchange: Exchange;
  readonly #message: Message;
  readonly #options: ServeOptions;

  constructor(exchange: Exchange, message: Message, options: ServeOptions) {
    this.#exchange = exchange;
    this.#message = message;
    this.#options = options;
    message.reply.hold();
  }

  run(pipeline: Pipeline): void {
    const { request, reply } = this.#message;
    if (request === undefined) return;
    try {
      this.#options.audit.assertAvailable();
      refuseTunnel(this.#options.direction, request, reply);
      pipeline(this.#exchange, request, reply).then(
        () => this.#answered(),
        (error: unknown) => this.refuse(error),
      );
    } catch (error) {
      this.refuse(error);
    }
  }

  refuse(error: unknown): void {
    const exchange = this.#exchange;
    const { reply } = this.#message;
    exchange.status = reply.status;
    // Nobody is left to answer: the record says so, and that is all.
    if (!exchange.aborted) {
      const problem = exchange.problem ?? asProblem(error);
      exchange.problem = problem;
      exchange.status = reply.status ?? problem.row.status;
      if (problem.row.source === 'internal') this.#options.onInternalError(exchange, problem);
      respond(exchange, problem, reply, this.#unread);
    }
    this.#options.audit.record(exchange, this);
  }

  aborted(): void {
    if (this.#exchange.problem !== undefined) return;
    this.#exchange.aborted = true;
    this.#exchange.cancellation.cancel();
  }

  /** Its own pipeline fails and answers. What has left was no request: its body never became whole. */
  broken(problem: Problem): void {
    this.#exchange.problem ??= problem;
    this.#exchange.forwarded = false;
    this.#exchange.cancellation.cancel();
  }

  kept(): void {
    this.#options.onEnded?.(this.#exchange);
    this.#message.reply.release();
  }

  /** Something else leaves instead; where a part has left already, the client must not take it for the whole. */
  lost(problem: Problem): void {
    const exchange = this.#exchange;
    const { reply } = this.#message;
    exchange.problem = problem;
    if (reply.begun) reply.destroy();
    else if (!exchange.aborted) {
      reply.withdraw();
      exchange.status = problem.row.status;
      respond(exchange, problem, reply, this.#unread);
    }
    this.kept();
  }

  #answered(): void {
    const { reply } = this.#message;
    // What has left may wait for a slow client, who may yet go away.
    if (reply.complete) this.#settled();
    else void reply.completed().then(() => this.#settled());
  }

  #settled(): void {
    this.#exchange.status = this.#message.reply.status;
    this.#options.audit.record(this.#exchange, this);
  }

  /** Something of the message is still to come. */
  get #unread(): boolean {
    const { request } = this.#message;
    return request === undefined || request.body?.whole === false;
  }
}

/** What follows such a request is none. Only a route of the ingress may let an upgrade through: `ingress/upgrade.ts`. */
function refuseTunnel(direction: Direction, request: InboundRequest, reply: Reply): void {
  const tunnel = requestedTunnel(request);
  if (tunnel === undefined) return;
  reply.close();
  if (tunnel === 'connect') throw new Problem('method_not_allowed', 'CONNECT is never proxied');
  if (direction === 'egress') throw new Problem('upgrade_not_allowed', 'the egress listener allows no upgrade');
}
