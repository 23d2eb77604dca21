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

export interface ForwardedMessage {
  readonly request: InboundRequest;
  readonly reply: Reply;
  /** Told of the answer before anything of it leaves. What it returns is what the request is sent again with, once; the answer is then dropped. */
  readonly onAnswer?: ((head: ResponseHead) => Again | undefined) | undefined;
  /** What each further attempt is made with; undefined: with the same. */
  readonly renew?: Renew | undefined;
}

export type Renew = () => Promise<OutgoingHeaders>;

/** The header fields of another try. */
export type Again = () => OutgoingHeaders | Promise<OutgoingHeaders>;

/** @throws Problem `upstream_*` or `bad_upstream_response`, as a rejection too */
export function forward(
  permit: Permit,
  headers: OutgoingHeaders,
  exchange: Exchange,
  message: ForwardedMessage,
): Promise<void> {
  const { request, reply, onAnswer, renew } = message;
  const { cancellation } = exchange;
  // Gone, or broken, while a token was fetched: the record says so, and that is all.
  if (cancellation.cancelled) throw exchange.problem;
  if (request.fields.has('expect')) reply.continue();
  exchange.forwarded = true;
  const { body, announcedEmpty, tunnel } = request;
  const { method, path, upstream } = permit;
  const send = ({ lines, host }: OutgoingHeaders, sink: Answer): Promise<void> => {
    const written = (text: string): string => (tunnel === undefined ? text : text + UPGRADE_LINES);
    const renewed = renew && (async () => written((await renew()).lines));
    const outgoing = { method, path, lines: written(lines), renew: renewed, host, body, announcedEmpty, tunnel };
    return upstream.send(outgoing, sink, cancellation);
  };
  const answer = new Answer(exchange, message);
  const sent = send(headers, answer);
  if (onAnswer === undefined) return sent;
  return sent.then(async () => {
    if (answer.again === undefined) return;
    const again = await answer.again();
    if (cancellation.cancelled) throw exchange.problem;
    await send(again, new Answer(exchange, { request, reply }));
  });
}

class Answer implements ResponseSink {
  readonly #exchange: Exchange;
  readonly #request: InboundRequest;
  readonly #reply: Reply;
  readonly #onAnswer: ForwardedMessage['onAnswer'];
  /** Of an answer that is dropped. */
  again: Again | undefined;

  constructor(exchange: Exchange, { request, reply, onAnswer }: ForwardedMessage) {
    this.#exchange = exchange;
    this.#request = request;
    this.#onAnswer = onAnswer;
    this.#reply = reply;
  }

  head(head: ResponseHead): void {
    this.again = this.#onAnswer?.(head);
    if (this.again !== undefined) return;
    const { status, fields, length } = head;
    if (status === SWITCHING_PROTOCOLS) {
      refuseFalseSwitch(this.#request, fields);
      this.#reply.switchProtocols(answerLines(this.#exchange, fields) + UPGRADE_LINES);
      return;
    }
    this.#reply.head(status, answerLines(this.#exchange, fields), length, fields.has('date'));
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    return this.again !== undefined || this.#reply.write(bytes, start, end);
  }

  flush(): void {
    if (this.again === undefined) this.#reply.flush();
  }

  end(): void {
    if (this.again === undefined) this.#reply.end();
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
