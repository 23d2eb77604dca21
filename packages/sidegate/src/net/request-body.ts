/** The body of one request on its way in: pieces in order, held until somebody takes them, with backpressure. */

export interface BodySink {
  /** @returns false to be left alone until {@link RequestBody.resume} */
  write(piece: Buffer): boolean;
  end(): void;
  /** No further piece comes, and the body is not whole. */
  cut(): void;
}

/** What the connection does with a body that goes too fast. */
export interface BodyFlow {
  pause(): void;
  resume(): void;
}

export class RequestBody {
  /** Bytes, or undefined for a chunked body. */
  readonly length: number | undefined;
  readonly #flow: BodyFlow;
  #held: Buffer[] = [];
  #sink: BodySink | undefined;
  #state: 'open' | 'whole' | 'cut' = 'open';
  #discarding = false;

  constructor(length: number | undefined, flow: BodyFlow) {
    this.length = length;
    this.#flow = flow;
  }

  get whole(): boolean {
    return this.#state === 'whole';
  }

  /** Bytes have arrived that nobody has taken. */
  get held(): boolean {
    return this.#held.length > 0;
  }

  /** Hands over what is there and what follows; called once. */
  receive(sink: BodySink): void {
    this.#sink = sink;
    const pieces = this.#held;
    this.#held = [];
    for (const piece of pieces) if (!sink.write(piece)) this.#flow.pause();
    if (this.#state === 'whole') sink.end();
    else if (this.#state === 'cut') sink.cut();
    else this.#flow.resume();
  }

  resume(): void {
    this.#flow.resume();
  }

  /** From now on nobody wants it; what still comes is thrown away. */
  discard(): void {
    this.#sink = undefined;
    this.#held = [];
    this.#discarding = true;
    this.#flow.resume();
  }

  /** For the connection: a piece has arrived. */
  push(piece: Buffer): void {
    if (this.#discarding) return;
    if (this.#sink === undefined) this.#held.push(piece);
    else if (!this.#sink.write(piece)) this.#flow.pause();
  }

  /** For the connection: that was all. */
  finish(): void {
    this.#state = 'whole';
    this.#sink?.end();
  }

  /** For the connection: nothing more will come. */
  cut(): void {
    if (this.#state !== 'open') return;
    this.#state = 'cut';
    this.#sink?.cut();
  }
}
