/**
 * One connection of a client: its requests get their turn one after another, RFC 9112 section 9.3.2 without its
 * concurrency. So nothing is answered before or inside an earlier answer, and what stands behind a message whose refusal
 * closes the connection is never looked at.
 */
import type { Socket } from 'node:net';
import { Problem } from '@sidegate/sdk';
import { type BytesReader, readTogether } from './batch.ts';
import { BodyDecoder, BodySyntaxError } from './body-decoder.ts';
import { lingeringClose } from './lingering-close.ts';
import type { ExchangeWatch, InboundRequest, ListenerHandlers } from './listener.ts';
import { requestFraming } from './message-framing.ts';
import { Reply, type ReplyOwner } from './reply.ts';
import { RequestBody } from './request-body.ts';
import { MAX_HEAD_PIECES, type RequestHead, readRequestHead, refuseBrokenStart } from './request-head.ts';
import { requestedTunnel } from './tunnel.ts';

/** What all connections of a listener share. */
export interface ConnectionScope {
  readonly handlers: ListenerHandlers;
  readonly maxHeaderBytes: number;
  /** Milliseconds on the monotonic clock, as of the last look at all connections. */
  now: number;
  /** A `Date` field line as of now. */
  dateLine: string;
  /** The listener closes: no request follows the one that is under way. */
  closing: boolean;
  readonly onClosed: (connection: ServerConnection) => void;
}

export interface ConnectionTimeouts {
  readonly readTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** One request under way. */
interface Turn {
  readonly head: RequestHead | undefined;
  readonly reply: Reply;
  readonly body: RequestBody | undefined;
  readonly decoder: BodyDecoder | undefined;
  readonly tunnel?: RequestBody | undefined;
  watch: ExchangeWatch | undefined;
}

/** Of a head; most are shorter, and nothing behind them has to be looked at. */
const FIRST_LOOK = 4 * 1024;
/** Of a body that nobody wants; more is not worth keeping a connection for. */
const MAX_DISCARDED = 1024 * 1024;
const HEAD_END = '\r\n\r\n';
const NO_BYTES = Buffer.alloc(0);

export class ServerConnection {
  readonly #socket: Socket;
  readonly #scope: ConnectionScope;
  /** Bytes that came before their turn, or a head that is not whole. */
  #waiting: Buffer = NO_BYTES;
  /** In how many pieces the head that is waited for has come. */
  #pieces = 0;
  #turn: Turn | undefined;
  #served = 0;
  /** As of the last look at a tunnel. */
  #bytesWritten = 0;
  #discarded = 0;
  /** Nothing that comes is looked at any more. */
  #over = false;
  #advancing = false;
  /** The exchange that is under way is its last one. */
  #dismissed = false;
  /** When something last moved, and since when a head is being waited for. */
  #movedAt: number;
  #headSince: number;

  constructor(socket: Socket, scope: ConnectionScope) {
    this.#socket = socket;
    this.#scope = scope;
    this.#movedAt = scope.now;
    this.#headSince = scope.now;
    const reader: BytesReader = (bytes) => this.#onData(bytes);
    socket.on('data', (bytes: Buffer) => readTogether(reader, bytes));
    socket.on('drain', () => this.#onDrain());
    socket.on('error', () => socket.destroy());
    socket.on('end', () => setImmediate(() => this.#onEnd()));
    socket.on('close', () => setImmediate(() => this.#onClose()));
  }

  get idle(): boolean {
    return this.#turn === undefined;
  }

  destroy(): void {
    // Bytes that came in this turn may still wait to be read: what they ask for must not happen, as nobody would hear of it.
    this.#over = true;
    this.#socket.destroy();
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Ends the connection: now when it is idle or a tunnel, else after the answer that is under way. */
  dismiss(): void {
    this.#dismissed = true;
    if (this.#turn === undefined || this.#isTunnel) this.destroy();
    else if (this.#turn.reply.status === undefined) this.#turn.reply.close();
  }

  /** Both sides have agreed, so that nothing ends it by itself. */
  get #isTunnel(): boolean {
    return this.#turn?.tunnel !== undefined && this.#turn.reply.status !== undefined;
  }

  /** Cuts or refuses a client that is too slow; called at intervals. */
  checkTime(now: number, { readTimeoutMs, writeTimeoutMs, idleTimeoutMs }: ConnectionTimeouts): void {
    const turn = this.#turn;
    if (this.#over) return;
    if (turn === undefined) {
      if (this.#waiting.length > 0) {
        if (now - this.#headSince > readTimeoutMs) this.#refuse(tooSlow(), undefined);
      } else if (now - this.#movedAt > (this.#served === 0 ? readTimeoutMs : idleTimeoutMs)) {
        this.destroy();
      }
      return;
    }
    if (this.#isTunnel) {
      this.#checkTunnel(now, idleTimeoutMs);
      return;
    }
    // How long a service may take is for the upstream's own timeout to say.
    const awaited = (turn.body?.whole === false && !this.#socket.isPaused()) || this.#socket.writableLength > 0;
    if (awaited && now - this.#movedAt > writeTimeoutMs) this.destroy();
  }

  #checkTunnel(now: number, idleTimeoutMs: number): void {
    const { bytesWritten } = this.#socket;
    if (bytesWritten !== this.#bytesWritten) this.#movedAt = now;
    this.#bytesWritten = bytesWritten;
    if (now - this.#movedAt > idleTimeoutMs) this.destroy();
  }

  #onData(bytes: Buffer): void {
    if (this.#over) return;
    this.#movedAt = this.#scope.now;
    if (this.#turn === undefined) {
      if (this.#waiting.length === 0) this.#headSince = this.#movedAt;
      this.#advance(this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]));
    } else if (this.#turn.tunnel !== undefined) {
      this.#pushIntoTunnel(this.#turn.tunnel, bytes);
    } else if (this.#turn.decoder?.complete === false) {
      const turn = this.#turn;
      this.#keep(this.#readBody(turn, bytes));
      this.#finishBody(turn);
    } else {
      this.#keep(bytes);
    }
  }

  /** Until somebody takes them, the client waits. */
  #pushIntoTunnel(tunnel: RequestBody, bytes: Buffer): void {
    if (bytes.length > 0) tunnel.push(bytes);
    if (tunnel.held) this.#socket.pause();
  }

  /** Bytes of a later request: they wait, and so does the client. */
  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#waiting = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
    this.#socket.pause();
  }

  /** Begins one request after another, for as long as they are answered at once. */
  #advance(bytes: Buffer): void {
    this.#waiting = bytes;
    if (this.#advancing) return;
    this.#advancing = true;
    try {
      while (this.#turn === undefined && !this.#over && this.#waiting.length > 0) {
        if (!this.#readHead(this.#waiting)) break;
      }
    } finally {
      this.#advancing = false;
    }
  }

  /** @returns false when more has to arrive */
  #readHead(bytes: Buffer): boolean {
    let head: RequestHead | undefined;
    try {
      const found = this.#findHead(bytes);
      if (found === undefined) return false;
      head = readRequestHead(bytes, found.text, found.start, found.end);
      const framing = requestFraming(head);
      const end = found.end + HEAD_END.length;
      this.#begin(head, framing, end === bytes.length ? NO_BYTES : bytes.subarray(end));
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#refuse(error, head);
    }
    return true;
  }

  #findHead(bytes: Buffer): { text: string; start: number; end: number } | undefined {
    const { maxHeaderBytes } = this.#scope;
    let text = bytes.toString('latin1', 0, Math.min(bytes.length, FIRST_LOOK));
    // RFC 9112 section 2.2: one empty line before a request is what some clients send after a body.
    const start = text.startsWith('\r\n') ? 2 : 0;
    let end = text.indexOf(HEAD_END, start);
    if (end < 0 && bytes.length > FIRST_LOOK) {
      text = bytes.toString('latin1', 0, Math.min(bytes.length, maxHeaderBytes + HEAD_END.length));
      end = text.indexOf(HEAD_END, start);
    }
    if (end >= 0 && end <= maxHeaderBytes) return { text, start, end };
    if (bytes.length > maxHeaderBytes) {
      throw new Problem('too_many_headers', `a request head beyond ${maxHeaderBytes} bytes`);
    }
    this.#pieces += 1;
    if (this.#pieces > MAX_HEAD_PIECES) {
      throw new Problem('framing_invalid', `a request head in more than ${MAX_HEAD_PIECES} pieces`);
    }
    refuseBrokenStart(start === 0 ? text : text.slice(start));
    return undefined;
  }

  #begin(head: RequestHead, framing: ReturnType<typeof requestFraming>, rest: Buffer): void {
    const hasBody = framing !== undefined && framing !== 0;
    const decoder = hasBody ? new BodyDecoder() : undefined;
    decoder?.begin(framing ?? 0);
    const body = hasBody ? new RequestBody(framing === 'chunked' ? undefined : framing, this.#flow) : undefined;
    const upgrades = !hasBody && framing === undefined && requestedTunnel(head) === 'upgrade';
    const tunnel = upgrades ? new RequestBody(undefined, this.#flow) : undefined;
    const turn: Turn = { head, reply: this.#reply(head), body, decoder, tunnel, watch: undefined };
    this.#waiting = NO_BYTES;
    this.#pieces = 0;
    this.#turn = turn;
    // What is already here of the body is read first: a message that is broken is refused, not begun.
    const following = rest.length === 0 ? rest : this.#readBody(turn, rest);
    if (this.#over) return;
    if (tunnel === undefined) this.#keep(following);
    else this.#pushIntoTunnel(tunnel, following);
    this.#finishBody(turn);
    if (body?.held === true) this.#socket.pause();
    const { method, target, version, fields } = head;
    const request: InboundRequest = {
      method,
      target,
      version,
      fields,
      body,
      announcedEmpty: framing === 0,
      tunnel,
      socket: this.#socket,
    };
    turn.watch = this.#scope.handlers.request(request, turn.reply);
  }

  readonly #flow = {
    pause: (): void => void this.#socket.pause(),
    resume: (): void => {
      if (this.#waiting.length === 0) this.#socket.resume();
    },
  };

  /** @returns what stands behind the body */
  #readBody(turn: Turn, bytes: Buffer): Buffer {
    const { body, decoder } = turn;
    if (body === undefined || decoder === undefined) return bytes;
    try {
      const end = decoder.feed(bytes, 0, bytes.length, {
        onBody: (_, from, to) => {
          if (turn.reply.finished) this.#discard(to - from);
          else body.push(bytes.subarray(from, to));
        },
      });
      return bytes.subarray(end);
    } catch (error) {
      if (!(error instanceof BodySyntaxError)) throw error;
      this.#breakOff(turn, new Problem(error.oversized ? 'body_too_large' : 'framing_invalid', error.message));
      return NO_BYTES;
    }
  }

  /** After the bytes behind the body are kept: its end may end the turn, and the next one begins with them. */
  #finishBody(turn: Turn): void {
    if (turn.decoder?.complete !== true || turn.body?.whole !== false) return;
    turn.body.finish();
    if (turn.reply.finished && this.#turn === turn) this.#next();
  }

  #discard(bytes: number): void {
    this.#discarded += bytes;
    if (this.#discarded > MAX_DISCARDED) this.#end();
  }

  /** Inside a body: the one request is refused while that is possible, and nothing behind it is looked at. */
  #breakOff(turn: Turn, problem: Problem): void {
    if (turn.reply.finished) {
      this.#end();
      return;
    }
    if (turn.watch === undefined) {
      this.#refuse(problem, turn.head);
      return;
    }
    this.#over = true;
    turn.reply.close();
    turn.watch.broken(problem);
    turn.body?.cut();
  }

  /** A message that cannot be read as a request: it is answered, and the connection ends. */
  #refuse(problem: Problem, head: RequestHead | undefined): void {
    this.#over = true;
    this.#waiting = NO_BYTES;
    const reply = this.#reply(head);
    reply.close();
    this.#turn = { head, reply, body: undefined, decoder: undefined, watch: undefined };
    this.#scope.handlers.malformed(problem, head, reply);
  }

  #reply(head: RequestHead | undefined): Reply {
    const reply = new Reply(this.#socket, head, this.#replyOwner);
    if (this.#scope.closing || this.#dismissed || head === undefined || wantsClose(head)) reply.close();
    return reply;
  }

  readonly #replyOwner: ReplyOwner = {
    dateLine: () => this.#scope.dateLine,
    onFinished: (reply) => this.#onFinished(reply),
  };

  #onFinished(reply: Reply): void {
    const turn = this.#turn;
    if (turn === undefined || turn.reply !== reply) return;
    this.#movedAt = this.#scope.now;
    this.#served += 1;
    if (!reply.keepAlive || this.#over) {
      this.#end();
    } else if (turn.body?.whole === false) {
      // Answered before it was sent: the rest is thrown away.
      turn.body.discard();
    } else {
      this.#next();
    }
  }

  #next(): void {
    this.#turn = undefined;
    this.#discarded = 0;
    if (this.#scope.closing || this.#dismissed) {
      this.#end();
      return;
    }
    const waiting = this.#waiting;
    if (waiting.length > 0) {
      this.#headSince = this.#scope.now;
      this.#advance(waiting);
    }
    if (this.#turn === undefined && !this.#over) this.#socket.resume();
  }

  #end(): void {
    this.#over = true;
    this.#turn = undefined;
    lingeringClose(this.#socket);
  }

  #onDrain(): void {
    this.#movedAt = this.#scope.now;
    this.#turn?.reply.drained();
  }

  #onEnd(): void {
    // A client that ends in the middle of an exchange has gone away: nobody is there to take the answer.
    if (!this.#over) this.destroy();
  }

  #onClose(): void {
    this.#over = true;
    const turn = this.#turn;
    this.#turn = undefined;
    if (turn !== undefined && !turn.reply.finished) {
      turn.watch?.aborted();
      turn.body?.cut();
      turn.reply.closed();
    }
    this.#scope.onClosed(this);
  }
}

function wantsClose({ fields }: RequestHead): boolean {
  return fields.has('connection') && fields.tokens('connection').includes('close');
}

function tooSlow(): Problem {
  return new Problem('request_timeout', 'the request did not arrive in time');
}
