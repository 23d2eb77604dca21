/** Takes a message body off the wire by its framing: RFC 9112 sections 6 and 7, with every leniency left out. */
import { FieldSyntaxError, readFields } from './fields.ts';

/** Bytes of a length, chunks, or everything until the connection ends. */
export type BodyFraming = number | 'chunked' | 'close';

export interface BodyPieces {
  /** A piece of the body, to be read during the call only. */
  onBody(bytes: Buffer, start: number, end: number): void;
}

/** A body that is not framed as it says. */
export class BodySyntaxError extends Error {
  override readonly name = 'BodySyntaxError';
  /** The chunk extensions, or the trailers, are larger than anybody needs. */
  readonly oversized: boolean;

  constructor(message: string, oversized = false) {
    super(message);
    this.oversized = oversized;
  }
}

/** Of one chunk-size line with its extensions, of all extensions, and of all trailers. */
const MAX_LINE_BYTES = 4 * 1024;
const MAX_EXTENSION_BYTES = 16 * 1024;
const MAX_TRAILER_BYTES = 16 * 1024;

const CHUNK_SIZE = /^([0-9A-Fa-f]{1,13})(;.*)?$/;
/** RFC 9112 section 7.1.1, without blanks: names, and values that are names or quoted. Read, and dropped. */
const EXTENSIONS =
  /^(?:;[!#$%&'*+.^_`|~\w-]+(?:=(?:[!#$%&'*+.^_`|~\w-]+|"(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"))?)+$/;

/** RFC 9110 section 6.5.1: what frames or routes a message, or says how to read its body, cannot come after it. */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** What has arrived of a line. */
const BEGINNINGS: Readonly<Partial<Record<State, RegExp>>> = {
  'chunk-size': /^[0-9A-Fa-f]{1,13}(?:;[\t\x20-\x7e\x80-\xff]*)?\r?$/,
  'chunk-end': /^\r$/,
};

type State = 'sized' | 'close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'done';

export class BodyDecoder {
  #state: State = 'done';
  /** Of the body, or of the current chunk. */
  #remaining = 0;
  /** A line whose end has not arrived. */
  #partial = '';
  #extensionBytes = 0;
  #trailerBytes = 0;

  /** Begins with a message's body; the one before it is whole. */
  begin(framing: BodyFraming): void {
    this.#partial = '';
    this.#extensionBytes = 0;
    this.#trailerBytes = 0;
    if (typeof framing === 'number') {
      this.#remaining = framing;
      this.#state = framing === 0 ? 'done' : 'sized';
    } else {
      this.#state = framing === 'chunked' ? 'chunk-size' : 'close';
    }
  }

  get complete(): boolean {
    return this.#state === 'done';
  }

  /** The connection has ended; only a body that lasts until then is whole. */
  finish(): boolean {
    if (this.#state === 'close') this.#state = 'done';
    return this.complete;
  }

  /**
   * Reads what has arrived, and tells `sink` of every piece of the body.
   *
   * @param start of what has arrived; it ends before `end`
   * @returns where this message ends, at most `end`
   * @throws BodySyntaxError
   */
  feed(bytes: Buffer, start: number, end: number, sink: BodyPieces): number {
    let at = start;
    while (at < end && this.#state !== 'done') {
      switch (this.#state) {
        case 'close':
          sink.onBody(bytes, at, end);
          return end;
        case 'sized':
        case 'chunk-data': {
          const pieceEnd = Math.min(end, at + this.#remaining);
          this.#remaining -= pieceEnd - at;
          if (this.#remaining === 0) this.#state = this.#state === 'sized' ? 'done' : 'chunk-end';
          sink.onBody(bytes, at, pieceEnd);
          at = pieceEnd;
          break;
        }
        default:
          at = this.#takeLine(bytes, at, end);
      }
    }
    return at;
  }

  #takeLine(bytes: Buffer, at: number, arrivedEnd: number): number {
    const found = bytes.indexOf(LINE_FEED, at);
    const lineFeed = found < arrivedEnd ? found : -1;
    const end = lineFeed < 0 ? arrivedEnd : lineFeed + 1;
    if (this.#partial.length + end - at > MAX_LINE_BYTES) throw new BodySyntaxError('a line beyond 4 KiB', true);
    const text = this.#partial + bytes.toString('latin1', at, end);
    if (lineFeed < 0) {
      // Refused as soon as nothing that follows could mend it.
      if (BEGINNINGS[this.#state]?.test(text) === false)
        throw new BodySyntaxError('bytes where a chunk should begin or end');
      this.#partial = text;
      return end;
    }
    this.#partial = '';
    if (!text.endsWith('\r\n')) throw new BodySyntaxError('a line that ends in a bare line feed');
    this.#readLine(text);
    return end;
  }

  /** @param text with its CRLF */
  #readLine(text: string): void {
    switch (this.#state) {
      case 'chunk-size':
        return this.#beginChunk(text.slice(0, -2));
      case 'chunk-end':
        if (text !== '\r\n') throw new BodySyntaxError('a chunk that is longer than its size');
        this.#state = 'chunk-size';
        return;
      default:
        this.#dropTrailer(text);
    }
  }

  #beginChunk(line: string): void {
    const [, size, extensions] = CHUNK_SIZE.exec(line) ?? [];
    if (size === undefined) throw new BodySyntaxError('a malformed chunk size');
    if (extensions !== undefined) this.#dropExtensions(extensions);
    this.#remaining = Number.parseInt(size, 16);
    this.#state = this.#remaining === 0 ? 'trailer' : 'chunk-data';
  }

  #dropExtensions(text: string): void {
    if (!EXTENSIONS.test(text)) throw new BodySyntaxError('a malformed chunk extension');
    this.#extensionBytes += text.length;
    if (this.#extensionBytes > MAX_EXTENSION_BYTES) throw new BodySyntaxError('chunk extensions beyond 16 KiB', true);
  }

  /** Trailers are read, so that the next message starts where it does, and dropped. */
  #dropTrailer(text: string): void {
    if (text === '\r\n') {
      this.#state = 'done';
      return;
    }
    this.#trailerBytes += text.length;
    if (this.#trailerBytes > MAX_TRAILER_BYTES) throw new BodySyntaxError('trailers beyond 16 KiB', true);
    try {
      const [name = ''] = readFields(Buffer.from(text, 'latin1'), text, 0, text.length).lowerNames;
      if (NO_TRAILERS.has(name)) throw new BodySyntaxError(`the trailer ${name}`);
    } catch (error) {
      if (error instanceof FieldSyntaxError) throw new BodySyntaxError('a malformed trailer');
      throw error;
    }
  }
}

const LINE_FEED = 0x0a;
