/** Server-sent events (HTML Living Standard, section 9.2) as they come, bounded in size and in silence; no redirect is followed. */

import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { provenServer, type TlsIdentity } from '../runtime/verified-tls.ts';

export interface EventSourceOptions {
  /** https only. */
  readonly url: string;
  readonly tls: TlsIdentity;
  /** Instead of the host and the port of the URL, which still say who must answer. */
  readonly dial?: { readonly address: string; readonly port: number };
  readonly lastEventId: string | undefined;
  /** A server that says nothing for that long is left. */
  readonly silentMs: number;
  readonly signal: AbortSignal;
}

/** Of one line, and of one event. */
const MAX_CHARACTERS = 16 * 1024;
const LINE_END = /\r\n|\n|\r/;

/**
 * The data of one event after another; undefined whenever something else came, which shows that the server lives.
 *
 * @throws Error why there is nothing more, without anything that the server said; it ends without one when the server does
 */
export async function* readEvents(options: EventSourceOptions): AsyncGenerator<string | undefined, void, void> {
  const answer = await open(options);
  const parser = new EventParser();
  answer.setEncoding('latin1');
  for await (const text of answer as AsyncIterable<string>) {
    yield undefined;
    yield* parser.feed(text);
  }
}

async function open({
  url,
  tls: { cert, key, ca, serverId },
  dial,
  lastEventId,
  silentMs,
  signal,
}: EventSourceOptions): Promise<IncomingMessage> {
  const target = new URL(url);
  const name = target.hostname.replaceAll(/^\[|\]$/g, '');
  // Loaded by those alone who follow an authority.
  const https = await import('node:https');
  const request = https.request({
    cert,
    key,
    ca,
    ...provenServer(name, serverId),
    minVersion: 'TLSv1.2',
    agent: false,
    host: dial?.address ?? name,
    port: dial?.port ?? target.port,
    path: `${target.pathname}${target.search}`,
    headers: {
      host: target.host,
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    signal,
  });
  let silent: IncomingMessage | typeof request = request;
  request.setTimeout(silentMs, () => silent.destroy(new Error(`it said nothing for ${silentMs} ms`)));
  request.end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  silent = answer;
  const { statusCode, headers } = answer;
  if (statusCode === 200 && /^text\/event-stream\s*(;|$)/i.test(headers['content-type'] ?? '')) return answer;
  request.destroy();
  throw new Error(statusCode === 200 ? 'it answered with no stream of events' : `it answered ${statusCode}`);
}

class EventParser {
  /** What came behind the last end of a line. */
  #rest = '';
  #data: string | undefined;

  *feed(text: string): Generator<string> {
    // A line that ends with CR may go on with LF.
    const whole = this.#rest + text;
    const held = whole.endsWith('\r') ? 1 : 0;
    const lines = whole.slice(0, whole.length - held).split(LINE_END);
    this.#rest = (lines.pop() ?? '') + whole.slice(whole.length - held);
    if (this.#rest.length > MAX_CHARACTERS) throw tooLong();
    for (const line of lines) {
      const event = this.#take(line);
      if (event !== undefined) yield event;
    }
  }

  /** @returns the data of the event that this line ends */
  #take(line: string): string | undefined {
    if (line === '') {
      const event = this.#data;
      this.#data = undefined;
      return event;
    }
    const field = /^data(?:: ?(.*))?$/.exec(line);
    if (field === null) return undefined;
    const [, value = ''] = field;
    this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`;
    if (this.#data.length > MAX_CHARACTERS) throw tooLong();
    return undefined;
  }
}

function tooLong(): Error {
  return new Error(`an event of more than ${MAX_CHARACTERS} characters`);
}
