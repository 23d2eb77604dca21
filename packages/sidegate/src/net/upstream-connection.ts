/** One connection to an upstream: a request out, its response in, one at a time, with backpressure both ways. */
import type { Socket } from 'node:net';
import { readCopyTogether, writeTogether } from './batch.ts';
import type { OpenedSocket } from './connector.ts';
import { type Fields, fieldLine } from './fields.ts';
import type { RequestBody } from './request-body.ts';
import { type ResponseHead, ResponseParser, type ResponseReader, ResponseSyntaxError } from './response-parser.ts';
import type { ResponseSink, UpstreamRequest } from './upstream.ts';

export interface Transfer {
  readonly request: UpstreamRequest;
  readonly sink: ResponseSink;
  /** Called exactly once: without a failure when the whole answer went into the sink. */
  onDone(failure: TransferFailure | undefined): void;
}

export interface TransferFailure {
  readonly kind: 'timeout' | 'syntax' | 'broken' | 'request' | 'aborted';
  readonly cause: unknown;
  /** The head of an answer had not arrived. */
  readonly unanswered: boolean;
  /** A connection that had served before ended without a byte: most likely its idle time was over. */
  readonly stale: boolean;
}

/** Milliseconds on the monotonic clock, as of the last look at all connections. */
export interface CoarseTime {
  now: number;
}

export interface ConnectionOptions {
  readonly timeoutMs: number;
  /** For a connection without a request. */
  readonly idleTimeoutMs: number;
  /** The value of `Host` unless the request brings its own. */
  readonly host: string;
  readonly time: CoarseTime;
  /** Told when the connection can take the next request. */
  readonly onFree: (connection: UpstreamConnection) => void;
  /** Told once, when the connection can carry no further request. */
  readonly onClosed: (connection: UpstreamConnection) => void;
}

const SWITCHING_PROTOCOLS = 101;
/** Closed that long before the other side would do it: a request must not meet the end of its connection. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

export class UpstreamConnection implements ResponseReader {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  #running: Transfer | undefined;
  /** Whose answer the bytes are that arrived last. */
  #heardFor: Transfer | undefined;
  readonly #parser = new ResponseParser(this);
  /** A byte of an answer has arrived; its whole head has. */
  #heard = false;
  #answered = false;
  #requestSent = true;
  /** When something last moved. */
  #movedAt: number;
  #idleUntil = Number.POSITIVE_INFINITY;
  #served = 0;
  #closed = false;

  constructor({ socket, listen }: OpenedSocket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    const reader = (bytes: Buffer, length: number): void => this.#onData(bytes, length);
    listen((bytes, length) => {
      if (this.#expectsBytes()) readCopyTogether(reader, bytes, length);
    });
    socket.on('drain', () => {
      const request = this.#running?.request;
      (request?.body ?? request?.tunnel)?.resume();
    });
    this.#movedAt = options.time.now;
    socket.on('error', (error) => setImmediate(() => this.#fail('broken', error)));
    socket.on('end', () => setImmediate(() => this.#onEnd()));
    socket.on('close', () => setImmediate(() => this.#fail('broken', undefined)));
  }

  /** Whether it may be used now. */
  get usable(): boolean {
    return !this.#closed && this.#socket.writable && this.#options.time.now < this.#idleUntil;
  }

  /**
   * @param transfer told of its end exactly once, also when the connection was gone before it began
   * @param since when it began to wait, which counts as waiting for its answer
   */
  start(transfer: Transfer, since: number = this.#options.time.now): void {
    if (this.#closed) {
      // A write into a destroyed socket would be told to nobody.
      transfer.onDone({ kind: 'broken', cause: undefined, unanswered: true, stale: true });
      return;
    }
    this.#running = transfer;
    this.#heard = false;
    this.#answered = false;
    this.#served += 1;
    this.#parser.begin(transfer.request.method, transfer.request.tunnel !== undefined);
    this.#movedAt = since;
    this.#send(transfer);
  }

  onHead(head: ResponseHead): void {
    this.#answered = true;
    this.#noteKeepAlive(head.fields);
    const running = this.#running;
    running?.sink.head(head);
    if (head.status === SWITCHING_PROTOCOLS && running !== undefined) this.#openTunnel(running);
  }

  /** From now on it carries bytes for this client, and belongs to the pool no more. */
  #openTunnel(transfer: Transfer): void {
    const socket = this.#socket;
    this.#close();
    transfer.request.tunnel?.receive({
      write: (piece) => {
        if (this.#running !== transfer) return true;
        writeTogether(socket);
        return socket.write(piece);
      },
      // A client that ends has gone away, which cancels the transfer.
      end: () => undefined,
      cut: () => undefined,
    });
  }

  onBody(bytes: Buffer, start: number, end: number): void {
    const sink = this.#running?.sink;
    if (sink?.write(bytes, start, end) === false) this.#waitFor(sink);
  }

  /** Nobody waits for the answer any more. */
  cancel(transfer: Transfer): void {
    if (this.#running === transfer) this.#fail('aborted', undefined);
  }

  destroy(): void {
    this.#close();
    this.#socket.destroy();
  }

  #send(transfer: Transfer): void {
    const { method, path, lines, host, body, announcedEmpty } = transfer.request;
    const length = body === undefined ? (announcedEmpty ? 0 : undefined) : body.length;
    const framing =
      length === undefined
        ? body === undefined
          ? ''
          : 'Transfer-Encoding: chunked\r\n'
        : `Content-Length: ${length}\r\n`;
    this.#requestSent = body === undefined;
    const hostLine = fieldLine('Host', host ?? this.#options.host);
    const head = `${method} ${path} HTTP/1.1\r\n${hostLine}${lines}${framing}\r\n`;
    writeTogether(this.#socket);
    this.#socket.write(head, 'latin1');
    if (body !== undefined) this.#pipe(body, transfer);
  }

  #pipe(body: RequestBody, transfer: Transfer): void {
    const socket = this.#socket;
    const chunked = body.length === undefined;
    body.receive({
      write: (piece) => {
        // Answered before it was sent: the rest is thrown away.
        if (this.#running !== transfer) return true;
        this.#movedAt = this.#options.time.now;
        writeTogether(socket);
        if (!chunked) return socket.write(piece);
        socket.write(`${piece.length.toString(16)}\r\n`, 'latin1');
        socket.write(piece);
        return socket.write('\r\n', 'latin1');
      },
      end: () => {
        if (this.#running !== transfer) return;
        if (chunked) socket.write('0\r\n\r\n', 'latin1');
        this.#requestSent = true;
      },
      cut: () => {
        if (this.#running === transfer) this.#fail('request', new Error('the request ended inside its body'));
      },
    });
  }

  /** The client is slower than the upstream. */
  #waitFor(sink: ResponseSink): void {
    this.#socket.pause();
    sink.whenDrained(() => {
      this.#movedAt = this.#options.time.now;
      this.#socket.resume();
    });
  }

  /** As bytes arrive: those that nobody asked for would become the answer to the next request. */
  #expectsBytes(): boolean {
    this.#heardFor = this.#running;
    if (this.#running === undefined) this.destroy();
    return this.#running !== undefined;
  }

  #onData(bytes: Buffer, length: number): void {
    const parser = this.#parser;
    if (this.#running === undefined || this.#running !== this.#heardFor) {
      this.#fail('broken', undefined);
      return;
    }
    this.#heard = true;
    this.#movedAt = this.#options.time.now;
    try {
      parser.feed(bytes, length);
    } catch (error) {
      this.#fail(error instanceof ResponseSyntaxError ? 'syntax' : 'broken', error);
      return;
    }
    if (parser.complete) this.#finish(parser.keepAlive);
    else if (this.#answered) this.#running?.sink.flush();
  }

  #onEnd(): void {
    if (this.#running === undefined) {
      this.destroy();
      return;
    }
    try {
      this.#parser.finish();
    } catch (error) {
      this.#fail('broken', error);
      return;
    }
    this.#finish(false);
  }

  #finish(keepAlive: boolean): void {
    const running = this.#release();
    // A client that is slow to take the last piece holds up nobody else.
    if (this.#socket.isPaused()) this.#socket.resume();
    if (keepAlive && this.#requestSent) this.#options.onFree(this);
    else this.destroy();
    running?.sink.end();
    running?.onDone(undefined);
  }

  #fail(kind: TransferFailure['kind'], cause: unknown): void {
    const running = this.#release();
    this.destroy();
    const stale = kind === 'broken' && !this.#heard && this.#served > 1;
    running?.onDone({ kind, cause, unanswered: !this.#answered, stale });
  }

  #release(): Transfer | undefined {
    const running = this.#running;
    this.#running = undefined;
    this.#heardFor = undefined;
    if (!this.#requestSent) running?.request.body?.resume();
    return running;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClosed(this);
  }

  /** Ends what has not moved for too long; called at intervals. */
  checkTime(): void {
    const { time, timeoutMs, idleTimeoutMs } = this.#options;
    // Whoever cannot take what has arrived is slow itself: that is not the upstream's fault.
    if (this.#running !== undefined && this.#socket.isPaused()) this.#movedAt = time.now;
    const allowedMs = this.#running === undefined ? idleTimeoutMs : timeoutMs;
    if (time.now - this.#movedAt <= allowedMs) return;
    if (this.#running === undefined) this.destroy();
    else this.#fail('timeout', undefined);
  }

  /** `Keep-Alive: timeout=5`: how long the other side says it will wait. */
  #noteKeepAlive(fields: Fields): void {
    const value = fields.single('keep-alive');
    const seconds = value === undefined ? undefined : /(?:^|[,\s])timeout=(\d{1,6})/i.exec(value)?.[1];
    this.#idleUntil =
      seconds === undefined
        ? Number.POSITIVE_INFINITY
        : this.#options.time.now + (Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS);
  }
}
