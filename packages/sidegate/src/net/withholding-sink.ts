/** Passes an answer on, unless it is a server error and the request is to be sent again: then nobody sees any of it. */
import type { ResponseHead } from './response-parser.ts';
import type { ResponseSink } from './upstream.ts';

interface WithholdingPorts {
  /** Asked when the head of a server error is there. */
  readonly mayWithhold: () => boolean;
  /** What is withheld is too long to be waited for. */
  readonly giveUp: () => void;
}

const SERVER_ERROR = 500;
/** More is not worth keeping a connection for. */
const MAX_WITHHELD = 64 * 1024;

export class WithholdingSink implements ResponseSink {
  readonly #sink: ResponseSink;
  readonly #ports: WithholdingPorts;
  #withheld = false;
  #bytes = 0;

  constructor(sink: ResponseSink, ports: WithholdingPorts) {
    this.#sink = sink;
    this.#ports = ports;
  }

  /** The answer is one that nobody sees. */
  get withheld(): boolean {
    return this.#withheld;
  }

  /** Another answer begins. */
  reset(): void {
    this.#withheld = false;
    this.#bytes = 0;
  }

  head(head: ResponseHead): void {
    this.#withheld = head.status >= SERVER_ERROR && this.#ports.mayWithhold();
    if (!this.#withheld) this.#sink.head(head);
  }

  write(bytes: Buffer, start: number, end: number): boolean {
    if (!this.#withheld) return this.#sink.write(bytes, start, end);
    const before = this.#bytes;
    this.#bytes += end - start;
    if (before <= MAX_WITHHELD && this.#bytes > MAX_WITHHELD) this.#ports.giveUp();
    return true;
  }

  flush(): void {
    if (!this.#withheld) this.#sink.flush();
  }

  end(): void {
    if (!this.#withheld) this.#sink.end();
  }

  whenDrained(resume: () => void): void {
    this.#sink.whenDrained(resume);
  }
}
