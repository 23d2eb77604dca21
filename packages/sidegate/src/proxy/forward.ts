/** Sends a permitted request on and streams the answer back, with backpressure both ways and nothing buffered. */
import type { Fields } from '../net/fields.ts';
import { hopByHopNames } from '../net/hop-by-hop.ts';
import type { InboundRequest } from '../net/listener.ts';
import type { Reply } from '../net/reply.ts';
import type { ResponseHead } from '../net/response-parser.ts';
import type { ResponseSink } from '../net/upstream.ts';
import { CORRELATION_HEADER, LOWER_CORRELATION_HEADER } from './correlation.ts';
import type { Exchange } from './exchange.ts';
import { setField, shapedLines } from './headers.ts';
import type { Permit } from './permit.ts';
import { refuseFalseSwitch, UPGRADE_LINES } from './websocket.ts';

const SWITCHING_PROTOCOLS = 101;

/** The header fields that leave with a request. */
export interface OutgoingHeaders {
  readonly lines: string;
  /** Undefined: the upstream's own name. */
  readonly host: string | undefined;
}

interface Message {
  readonly request: InboundRequest;
  readonly reply: Reply;
  /** Told what the upstream answers. */
  readonly onAnswer?: ((fields: Fields) => void) | undefined;
}

/** @throws Problem `upstream_*` or `bad_upstream_response`, as a rejection too */
export function forward(
  permit: Permit,
  { lines, host }: OutgoingHeaders,
  exchange: Exchange,
  { request, reply, onAnswer }: Message,
): Promise<void> {
  const { cancellation } = exchange;
  // Gone, or broken, while a token was fetched: the record says so, and that is all.
  if (cancellation.cancelled) throw exchange.problem;
  if (request.fields.has('expect')) reply.continue();
  exchange.forwarded = true;
  const { body, announcedEmpty, tunnel } = request;
  const { method, path, upstream } = permit;
  const sent = tunnel === undefined ? lines : lines + UPGRADE_LINES;
  return upstream.send(
    { method, path, lines: sent, host, body, announcedEmpty, tunnel },
    new Answer(exchange, { request, reply, onAnswer }),
    cancellation,
  );
}

class Answer implements ResponseSink {
  readonly #exchange: Exchange;
  readonly #request: InboundRequest;
  readonly #reply: Reply;
  readonly #onAnswer: Message['onAnswer'];

  constructor(exchange: Exchange, { request, reply, onAnswer }: Message) {
    this.#exchange = exchange;
    this.#request = request;
    this.#onAnswer = onAnswer;
    this.#reply = reply;
  }

  head({ status, fields, length }: ResponseHead): void {
    this.#onAnswer?.(fields);
    if (status === SWITCHING_PROTOCOLS) {
      refuseFalseSwitch(this.#request, fields);
      this.#reply.switchProtocols(answerLines(this.#exchange, fields) + UPGRADE_LINES);
      return;
    }
    this.#reply.head(status, answerLines(this.#exchange, fields), length, fields.has('date'));
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    return this.#reply.write(bytes, start, end);
  }

  flush(): void {
    this.#reply.flush();
  }

  end(): void {
    this.#reply.end();
  }

  whenDrained(resume: () => void): void {
    this.#reply.whenDrained(resume);
  }
}

/** @throws Problem `bad_upstream_response` when the answer takes its own framing away */
function answerLines({ correlationId, corsLines }: Exchange, fields: Fields): string {
  const hopByHop = hopByHopNames(fields, 'bad_upstream_response');
  const lines = shapedLines(fields, {
    // An upstream cannot speak in our name.
    stripped: (name) =>
      hopByHop.has(name) ||
      name.startsWith('x-sidegate-') ||
      (corsLines !== undefined && name.startsWith('access-control-')),
    set: [setField(CORRELATION_HEADER, correlationId, LOWER_CORRELATION_HEADER)],
  });
  return corsLines === undefined ? lines : lines + corsLines;
}
