/** One connection to an upstream: a request out, its response in, one at a time, with backpressure both ways. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { ResponseParser, ResponseSyntaxError } from './response-parser.ts';
import type { ShapeResponse, UpstreamRequest } from './upstream.ts';

export interface Transfer {
  readonly request: UpstreamRequest;
  readonly response: ServerResponse;
  readonly shapeResponse: ShapeResponse;
  /** Called at most once, when the connection can take the next request. */
  readonly onFree: () => void;
  /** Called exactly once: without a failure when the client's side has taken the whole answer. */
  readonly onDone: (failure?: TransferFailure) => void;
}

/** A transfer under way; its abort is heard until it is settled, which may be after the connection was freed. */
interface Running extends Transfer {
  readonly settle: (failure?: TransferFailure) => void;
}

export interface TransferFailure {
  readonly kind: 'timeout' | 'syntax' | 'broken' | 'request' | 'aborted';
  readonly cause: unknown;
  /** The head of an answer had not arrived. */
  readonly unanswered: boolean;
  /** A connection that had served before ended without a byte: most likely its idle time was over. */
  readonly stale: boolean;
}

export interface ConnectionOptions {
  readonly timeoutMs: number;
  /** The value of `Host` unless the request brings its own. */
  readonly host: string;
  readonly monotonic: () => number;
  /** Told once, when the connection can carry no further request. */
  readonly onClosed: (connection: UpstreamConnection) => void;
}

/** Closed that long before the other side would do it: a request must not meet the end of its connection. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

export class UpstreamConnection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Running | undefined;
  #parser: ResponseParser | undefined;
  /** A byte of an answer has arrived; its whole head has. */
  #heard = false;
  #answered = false;
  #requestSent = true;
  #idleUntil = Number.POSITIVE_INFINITY;
  #served = 0;
  #closed = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#timer = setTimeout(() => this.#onTimeout(), options.timeoutMs).unref();
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('error', (error) => this.#fail('broken', error));
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => this.#fail('broken', undefined));
  }

  /** Whether it may be used now. */
  get usable(): boolean {
    return !this.#closed && this.#socket.writable && this.#options.monotonic() < this.#idleUntil;
  }

  start(transfer: Transfer): void {
    const { request, response } = transfer;
    const running = this.#begin(transfer);
    if (this.#closed) {
      // A write into a destroyed socket would be told to nobody.
      running.settle({ kind: 'broken', cause: undefined, unanswered: true, stale: true });
      return;
    }
    this.#running = running;
    this.#heard = false;
    this.#answered = false;
    this.#served += 1;
    this.#parser = new ResponseParser(request.method, {
      onHead: ({ status, headers }) => {
        this.#answered = true;
        this.#noteKeepAlive(headers);
        response.writeHead(status, transfer.shapeResponse(headers));
      },
      onBody: (chunk, last) => {
        if (last) response.end(chunk, () => running.settle());
        else this.#passBody(chunk, response);
      },
      onEnd: () => {
        response.end(() => running.settle());
      },
    });
    this.#timer.refresh();
    this.#send(running);
  }

  #begin(transfer: Transfer): Running {
    const { signal } = transfer.request;
    let settled = false;
    const settle = (failure?: TransferFailure): void => {
      if (settled) return;
      settled = true;
      signal.removeEventListener('abort', onAbort);
      transfer.onDone(failure);
    };
    const running: Running = { ...transfer, settle };
    const onAbort = (): void => {
      if (this.#running === running) this.#fail('aborted', undefined);
      else settle({ kind: 'aborted', cause: undefined, unanswered: false, stale: false });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    return running;
  }

  destroy(): void {
    this.#close();
    this.#socket.destroy();
  }

  #send(running: Running): void {
    const { method, path, headers, body } = running.request;
    const chunked = body !== null && !hasField(headers, 'content-length');
    const lines = [`${method} ${path} HTTP/1.1\r\n`];
    if (!hasField(headers, 'host')) lines.push(`Host: ${this.#options.host}\r\n`);
    for (let i = 0; i + 1 < headers.length; i += 2) lines.push(fieldLine(headers[i] ?? '', headers[i + 1] ?? ''));
    if (chunked) lines.push('Transfer-Encoding: chunked\r\n');
    lines.push('\r\n');
    this.#requestSent = body === null;
    this.#socket.write(lines.join(''), 'latin1');
    if (body !== null) this.#pipe(body, chunked, running);
  }

  #pipe(body: Readable, chunked: boolean, running: Running): void {
    const socket = this.#socket;
    const onData = (chunk: Buffer): void => {
      this.#timer.refresh();
      if (chunked) socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
      const flowing = socket.write(chunk);
      if (chunked) socket.write('\r\n', 'latin1');
      if (!flowing) body.pause();
    };
    const onDrain = (): void => {
      body.resume();
    };
    const onEnd = (): void => {
      stop();
      if (chunked) socket.write('0\r\n\r\n', 'latin1');
      this.#requestSent = true;
    };
    const onCut = (): void => {
      stop();
      if (this.#running === running) this.#fail('request', new Error('the request ended inside its body'));
    };
    // Answered before it was sent, or cut: the rest is thrown away.
    const onClosed = (): void => {
      stop();
      body.resume();
    };
    const stop = (): void => {
      body.off('data', onData).off('end', onEnd).off('error', onCut).off('close', onCut);
      socket.off('drain', onDrain).off('close', onClosed);
      body.on('error', () => undefined);
    };
    body.on('data', onData).once('end', onEnd).once('error', onCut).once('close', onCut);
    socket.on('drain', onDrain).once('close', onClosed);
  }

  #passBody(chunk: Buffer, response: ServerResponse): void {
    if (response.write(chunk)) return;
    this.#socket.pause();
    response.once('drain', () => {
      this.#timer.refresh();
      this.#socket.resume();
    });
  }

  #onData(bytes: Buffer): void {
    const parser = this.#parser;
    if (this.#running === undefined || parser === undefined) {
      // Bytes that nobody asked for would become the answer to the next request.
      this.destroy();
      return;
    }
    this.#heard = true;
    this.#timer.refresh();
    try {
      parser.feed(bytes);
    } catch (error) {
      this.#fail(error instanceof ResponseSyntaxError ? 'syntax' : 'broken', error);
      return;
    }
    if (parser.complete) this.#finish(parser.keepAlive);
  }

  #onEnd(): void {
    if (this.#running === undefined || this.#parser === undefined) {
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
    if (keepAlive && this.#requestSent) running?.onFree();
    else this.destroy();
  }

  #fail(kind: TransferFailure['kind'], cause: unknown): void {
    const running = this.#release();
    this.destroy();
    const stale = kind === 'broken' && !this.#heard && this.#served > 1;
    running?.settle({ kind, cause, unanswered: !this.#answered, stale });
  }

  #release(): Running | undefined {
    const running = this.#running;
    this.#running = undefined;
    this.#parser = undefined;
    return running;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#options.onClosed(this);
  }

  #onTimeout(): void {
    if (this.#running === undefined) this.destroy();
    // Whoever cannot take what has arrived is slow itself: that is not the upstream's fault.
    else if (this.#socket.isPaused()) this.#timer.refresh();
    else this.#fail('timeout', undefined);
  }

  /** `Keep-Alive: timeout=5`: how long the other side says it will wait. */
  #noteKeepAlive(headers: readonly string[]): void {
    const seconds = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(fieldValue(headers, 'keep-alive') ?? '')?.[1];
    this.#idleUntil =
      seconds === undefined
        ? Number.POSITIVE_INFINITY
        : this.#options.monotonic() + Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS;
  }
}

/** INVARIANT: nothing that reaches this point may end a line; if it does, it is our own fault and nothing is sent. */
function fieldLine(name: string, value: string): string {
  if (value.includes('\n') || value.includes('\r')) throw new Error(`a line end in the header ${name}`);
  return `${name}: ${value}\r\n`;
}

function hasField(headers: readonly string[], lowerName: string): boolean {
  return fieldValue(headers, lowerName) !== undefined;
}

function fieldValue(headers: readonly string[], lowerName: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) return headers[i + 1];
  }
  return undefined;
}
