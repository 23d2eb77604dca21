/**
 * The requests of one connection get their turn one after another: RFC 9112 section 9.3.2 without its concurrency.
 * So nothing is answered before or inside an earlier answer, and what stands behind a message whose refusal closes
 * the connection is never looked at.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ListenerHandlers, ParseFailure } from './listener.ts';

type Handlers = Pick<ListenerHandlers, 'request' | 'upgrade' | 'unparseable'>;

export interface Turns extends Pick<Handlers, 'request' | 'upgrade'> {
  /** Only the first failure of a connection counts: Node parses on, and reports every further piece of the same rubbish. */
  readonly unparseable: (failure: ParseFailure, socket: Duplex) => void;
  /** True when the client has sent its request, has taken all that we wrote, and has nothing to do but wait. */
  readonly isWaiting: (socket: Duplex) => boolean;
}

/** More requests than anybody needs to send ahead; each is held in memory. */
const MAX_WAITING = 32;

export function takeTurns(handlers: Handlers): Turns {
  const latest = new WeakMap<Duplex, ServerResponse>();
  const waiting = new WeakMap<Duplex, number>();
  const begun = new WeakSet<IncomingMessage>();
  const broken = new WeakMap<Duplex, ParseFailure>();

  const inTurn = (socket: Duplex, begin: () => void): void => {
    const earlier = latest.get(socket);
    if (earlier === undefined || earlier.closed) {
      begin();
      return;
    }
    waiting.set(socket, (waiting.get(socket) ?? 0) + 1);
    earlier.once('close', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1);
      if (socket.writable) begin();
    });
  };

  const unparseable: Turns['unparseable'] = (failure, socket) => {
    if (broken.has(socket)) return;
    broken.set(socket, failure);
    const request = latest.get(socket)?.req;
    if (request === undefined || request.complete) {
      inTurn(socket, () => handlers.unparseable(failure, socket, undefined));
    } else if (begun.has(request)) {
      handlers.unparseable(failure, socket, request);
    }
  };

  return {
    unparseable,
    isWaiting: (socket) => {
      const response = latest.get(socket);
      return response !== undefined && !response.closed && response.req.complete && socket.writableLength === 0;
    },
    request: (request, response) => {
      const { socket } = request;
      if (broken.has(socket)) return;
      if ((waiting.get(socket) ?? 0) >= MAX_WAITING) {
        socket.pause();
        unparseable({ code: 'ERR_PIPELINE', reason: `more than ${MAX_WAITING} requests wait` }, socket);
        return;
      }
      inTurn(socket, () => {
        const failure = broken.get(socket);
        begun.add(request);
        if (failure !== undefined && !request.complete) handlers.unparseable(failure, socket, undefined);
        else handlers.request(request, response);
      });
      latest.set(socket, response);
    },
    upgrade: (request, socket) => inTurn(socket, () => handlers.upgrade(request, socket)),
  };
}
