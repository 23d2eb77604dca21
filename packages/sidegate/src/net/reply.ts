/**
 * The answer to one request, on the wire: RFC 9112 section 6 in exactly one framing. A head and a short body leave in one
 * write; a broken answer never looks whole.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { writeTogether } from './batch.ts';
import type { RequestHead } from './request-head.ts';
import { writeCopy } from './slabs.ts';

/** The connection that it goes out on. */
export interface ReplyOwner {
  /** A `Date` field line as of now. */
  readonly dateLine: () => string;
  /** Told once, when the last byte was handed to a socket that takes it. */
  readonly onFinished: (reply: Reply) => void;
}

/** What is collected before it is written. */
const MAX_PENDING = 16 * 1024;

const SWITCHING_PROTOCOLS = 101;
const NO_CONTENT = 204;
const NOT_MODIFIED = 304;

export class Reply {
  readonly #socket: Socket;
  readonly #owner: ReplyOwner;
  readonly #toHead: boolean;
  readonly #toOldClient: boolean;
  #framing: 'none' | 'length' | 'chunked' | 'close' = 'none';
  /** Latin-1; every byte of the answer that was not handed to the socket. */
  #pending = '';
  #status: number | undefined;
  #begun = false;
  #continued = false;
  #keepAlive: boolean;
  #resume: (() => void) | undefined;
  #settle: (() => void) | undefined;
  #ended = false;
  #finished = false;
  #held = false;
  /** Bytes of the body that are still to come; infinite where the head does not say. */
  #left = Number.POSITIVE_INFINITY;

  /** @param request what is answered; undefined when it could not be read */
  constructor(socket: Socket, request: Pick<RequestHead, 'method' | 'version'> | undefined, owner: ReplyOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#toHead = request?.method === 'HEAD';
    this.#toOldClient = request?.version === '1.0';
    this.#keepAlive = !this.#toOldClient;
  }

  /** Of the head that has left, or of a whole answer; until then another head may take its place. */
  get status(): number | undefined {
    return this.#begun || this.#ended ? this.#status : undefined;
  }

  /** A part of it has left. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Whole, and what has left of it was taken. */
  get complete(): boolean {
    return this.#ended && !this.#socket.writableNeedDrain;
  }

  get finished(): boolean {
    return this.#finished;
  }

  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  /** This answer is the last one on its connection; before {@link head} only. */
  close(): void {
    this.#keepAlive = false;
  }

  /** From now on its last bytes wait for {@link release}; before {@link head} only. */
  hold(): void {
    this.#held = true;
  }

  /** Lets a whole answer go. */
  release(): void {
    this.#held = false;
    if (!this.#ended || this.#socket.destroyed) return;
    writeTogether(this.#socket);
    if (this.#pending === '' || this.#writePending()) this.#finish();
  }

  /** Takes back what was said, so that something else can be; of what has begun, nothing can be taken back. */
  withdraw(): void {
    if (this.#begun) throw new Error('an answer that has begun');
    this.#pending = '';
    this.#status = undefined;
    this.#ended = false;
  }

  /** `100 Continue`, once. */
  continue(): void {
    if (this.#continued || this.#begun || this.#toOldClient) return;
    this.#continued = true;
    this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
  }

  /**
   * @param lines field lines without those that frame the message
   * @param length of the body in bytes; undefined when it is not known
   * @param dated one of the lines is a `Date`
   */
  head(status: number, lines: string, length: number | undefined, dated = false): void {
    if (this.#begun) throw new Error('a second head');
    this.#status = status;
    this.#framing = 'none';
    const framing = this.#frame(status, length);
    const date = dated ? '' : this.#owner.dateLine();
    const connection = this.#keepAlive ? '' : 'Connection: close\r\n';
    this.#pending = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines}${date}${framing}${connection}\r\n`;
  }

  /** `101 Switching Protocols`: what is written from now on is no body any more, but bytes. */
  switchProtocols(lines: string): void {
    if (this.#begun) throw new Error('a second head');
    this.#status = SWITCHING_PROTOCOLS;
    this.#framing = 'close';
    this.#left = Number.POSITIVE_INFINITY;
    this.#keepAlive = false;
    this.#pending = `HTTP/1.1 ${SWITCHING_PROTOCOLS} ${STATUS_CODES[SWITCHING_PROTOCOLS] ?? ''}\r\n${lines}\r\n`;
  }

  #frame(status: number, length: number | undefined): string {
    if (status === NO_CONTENT) return '';
    const bodiless = status === NOT_MODIFIED || this.#toHead;
    this.#left = length ?? Number.POSITIVE_INFINITY;
    if (length !== undefined) {
      if (!bodiless) this.#framing = 'length';
      return `Content-Length: ${length}\r\n`;
    }
    if (bodiless) return '';
    if (!this.#toOldClient) {
      this.#framing = 'chunked';
      return 'Transfer-Encoding: chunked\r\n';
    }
    this.#framing = 'close';
    this.#keepAlive = false;
    return '';
  }

  /**
   * A piece of the body, read during the call only.
   *
   * @returns false when the client is slow: wait for {@link whenDrained}
   */
  write(bytes: Buffer, start = 0, end = bytes.length): boolean {
    const length = end - start;
    if (this.#framing === 'none' || length === 0) return true;
    this.#left -= length;
    const chunked = this.#framing === 'chunked';
    if (this.#pending.length + length > MAX_PENDING) {
      if (chunked) this.#pending += `${length.toString(16)}\r\n`;
      const leaving = end - (this.#held && this.#left === 0 ? Math.min(length, MAX_PENDING) : 0);
      const headTaken = this.#writePending();
      const taken = leaving > start ? writeCopy(this.#socket, bytes, start, leaving) : headTaken;
      this.#pending = chunked ? '\r\n' : bytes.toString('latin1', leaving, end);
      return taken;
    }
    const text = bytes.toString('latin1', start, end);
    this.#pending += chunked ? `${length.toString(16)}\r\n${text}\r\n` : text;
    return true;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#framing === 'chunked') this.#pending += '0\r\n\r\n';
    if (!this.#held && this.flush()) this.#finish();
  }

  /** @returns false when the client is slow: wait for {@link whenDrained} */
  flush(): boolean {
    if (this.#pending === '') return !this.#socket.writableNeedDrain;
    writeTogether(this.#socket);
    return this.#writePending();
  }

  #writePending(): boolean {
    const text = this.#pending;
    this.#pending = '';
    this.#begun = true;
    return this.#socket.write(text, 'latin1');
  }

  /** Calls `resume`, once, when the client has taken what was written. */
  whenDrained(resume: () => void): void {
    this.#resume = resume;
  }

  /** Resolves when it is complete, or when nobody is left to take it. */
  completed(): Promise<void> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      if (this.complete || this.#socket.destroyed) resolve();
    });
  }

  /** For the connection: the socket has room again. */
  drained(): void {
    if (this.#ended) {
      if (this.#held) this.#settle?.();
      else this.#finish();
      return;
    }
    const resume = this.#resume;
    this.#resume = undefined;
    resume?.();
  }

  /** For the connection: it is gone. */
  closed(): void {
    this.#settle?.();
  }

  /** The client must see a broken message, never one that looks whole. */
  destroy(): void {
    this.#socket.destroy();
  }

  #finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    this.#owner.onFinished(this);
  }
}
