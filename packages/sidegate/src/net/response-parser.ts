/**
 * Reads one HTTP/1.1 response from the bytes of a connection: RFC 9112 sections 4 to 7, with every leniency left out.
 * What could be read in two ways is an error, and an error is never half an answer that looks whole.
 */

export interface ResponseHead {
  readonly status: number;
  /** `[name, value, …]`, latin-1, as received. */
  readonly headers: string[];
}

export interface ResponseReader {
  /** The final response's head; interim ones are swallowed. */
  onHead(head: ResponseHead): void;
  /** `last`: the message is complete with this chunk. */
  onBody(chunk: Buffer, last: boolean): void;
  /** Complete, and not already told by `last`. */
  onEnd(): void;
}

/** Bytes that are no response to this request; the connection is worth nothing any more. */
export class ResponseSyntaxError extends Error {
  override readonly name = 'ResponseSyntaxError';
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_FIELDS = 200;
const MAX_INTERIM = 8;
/** Of one chunk-size line with its extensions, and of all trailers. */
const MAX_LINE_BYTES = 4 * 1024;
const MAX_TRAILER_BYTES = 16 * 1024;

const VERSION = 'HTTP/1.';
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const FIELD =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*$/;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,13})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;

type State = 'head' | 'length' | 'close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'done';

export class ResponseParser {
  readonly #reader: ResponseReader;
  readonly #method: string;
  #state: State = 'head';
  /** Bytes of a line or head whose end has not arrived. */
  #pending: Buffer | undefined;
  /** Of the body or of the current chunk. */
  #remaining = 0;
  #interim = 0;
  #trailerBytes = 0;
  #keepAlive = true;

  constructor(method: string, reader: ResponseReader) {
    this.#method = method;
    this.#reader = reader;
  }

  get complete(): boolean {
    return this.#state === 'done';
  }

  /** Whether the connection may carry another request; meaningful once complete. */
  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  /** @throws ResponseSyntaxError */
  feed(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#state === 'done') {
        // The answer to a request that nobody sent: this one is whole, and the connection is worth nothing any more.
        this.#keepAlive = false;
        return;
      }
      rest = this.#step(rest);
    }
  }

  /**
   * The other side has closed: the end of a body that lasts until then, else a broken message.
   *
   * @throws ResponseSyntaxError
   */
  finish(): void {
    if (this.#state === 'done') return;
    if (this.#state !== 'close') throw new ResponseSyntaxError('the connection ended inside the response');
    this.#complete();
    this.#reader.onEnd();
  }

  #step(bytes: Buffer): Buffer {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes);
      case 'length':
      case 'chunk-data':
        return this.#readSized(bytes);
      case 'close':
        this.#reader.onBody(bytes, false);
        return bytes.subarray(bytes.length);
      case 'chunk-size':
        return this.#readLine(bytes, (line) => this.#beginChunk(line));
      case 'chunk-end':
        return this.#readLine(bytes, (line) => this.#endChunk(line));
      default:
        return this.#readLine(bytes, (line) => this.#readTrailer(line));
    }
  }

  #readHead(bytes: Buffer): Buffer {
    const all = this.#pending === undefined ? bytes : Buffer.concat([this.#pending, bytes]);
    // Another protocol shows at its first byte: nobody waits for the end of a head that will not come.
    if (!VERSION.startsWith(all.toString('latin1', 0, VERSION.length)))
      throw new ResponseSyntaxError('no HTTP/1 response');
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) {
      if (all.length > MAX_HEAD_BYTES) throw new ResponseSyntaxError('a response head beyond 64 KiB');
      this.#pending = all;
      return bytes.subarray(bytes.length);
    }
    if (end > MAX_HEAD_BYTES) throw new ResponseSyntaxError('a response head beyond 64 KiB');
    this.#pending = undefined;
    this.#takeHead(all.toString('latin1', 0, end));
    return all.subarray(end + 4);
  }

  #takeHead(text: string): void {
    const [statusLine = '', ...lines] = text.split('\r\n');
    const [, minor, code] = STATUS_LINE.exec(statusLine) ?? [];
    if (code === undefined) throw new ResponseSyntaxError('a malformed status line');
    const status = Number(code);
    const headers = readFields(lines);
    if (status < 200) {
      this.#passInterim(status);
      return;
    }
    this.#frame(status, headers, minor === '0');
    this.#reader.onHead({ status, headers });
    if (this.#state === 'done') this.#reader.onEnd();
  }

  #passInterim(status: number): void {
    if (status <= 101) throw new ResponseSyntaxError(`a ${status} that nobody asked for`);
    this.#interim += 1;
    if (this.#interim > MAX_INTERIM) throw new ResponseSyntaxError(`more than ${MAX_INTERIM} interim responses`);
  }

  /** RFC 9112 section 6.3: how long the body is, in exactly one way. */
  #frame(status: number, headers: readonly string[], oldVersion: boolean): void {
    const { lengths, codings, connection } = framingFields(headers);
    this.#keepAlive = !oldVersion && !connection.includes('close');
    if (codings.length > 0 && (lengths.length > 0 || oldVersion)) {
      throw new ResponseSyntaxError('Transfer-Encoding beside Content-Length, or on HTTP/1.0');
    }
    if (codings.length > 0 && (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked')) {
      throw new ResponseSyntaxError('a transfer coding that is not "chunked" once');
    }
    const length = contentLength(lengths);
    if (this.#method === 'HEAD' || status === 204 || status === 304) this.#complete();
    else if (codings.length > 0) this.#state = 'chunk-size';
    else if (length === undefined) this.#untilClose();
    else if (length === 0) this.#complete();
    else {
      this.#remaining = length;
      this.#state = 'length';
    }
  }

  #untilClose(): void {
    this.#keepAlive = false;
    this.#state = 'close';
  }

  #readSized(bytes: Buffer): Buffer {
    const chunk = bytes.length > this.#remaining ? bytes.subarray(0, this.#remaining) : bytes;
    this.#remaining -= chunk.length;
    const whole = this.#remaining === 0;
    if (whole && this.#state === 'length') {
      this.#complete();
      this.#reader.onBody(chunk, true);
    } else {
      if (whole) this.#state = 'chunk-end';
      this.#reader.onBody(chunk, false);
    }
    return bytes.subarray(chunk.length);
  }

  #beginChunk(line: string): void {
    const size = CHUNK_SIZE.exec(line)?.[1];
    if (size === undefined) throw new ResponseSyntaxError('a malformed chunk size');
    this.#remaining = Number.parseInt(size, 16);
    this.#state = this.#remaining === 0 ? 'trailer' : 'chunk-data';
  }

  #endChunk(line: string): void {
    if (line !== '') throw new ResponseSyntaxError('a chunk longer than its size');
    this.#state = 'chunk-size';
  }

  /** Trailers are read, so that the next message starts where it does, and dropped. */
  #readTrailer(line: string): void {
    if (line === '') {
      this.#complete();
      this.#reader.onEnd();
      return;
    }
    this.#trailerBytes += line.length;
    if (this.#trailerBytes > MAX_TRAILER_BYTES || !FIELD.test(line))
      throw new ResponseSyntaxError('a malformed trailer');
  }

  #readLine(bytes: Buffer, take: (line: string) => void): Buffer {
    const all = this.#pending === undefined ? bytes : Buffer.concat([this.#pending, bytes]);
    const end = all.indexOf('\r\n');
    if ((end < 0 ? all.length : end) > MAX_LINE_BYTES) throw new ResponseSyntaxError('a line beyond 4 KiB');
    if (end < 0) {
      this.#pending = all;
      return bytes.subarray(bytes.length);
    }
    this.#pending = undefined;
    take(all.toString('latin1', 0, end));
    return all.subarray(end + 2);
  }

  #complete(): void {
    this.#state = 'done';
  }
}

function readFields(lines: readonly string[]): string[] {
  if (lines.length > MAX_FIELDS) throw new ResponseSyntaxError(`more than ${MAX_FIELDS} header fields`);
  const fields: string[] = [];
  for (const line of lines) {
    const [, name, value = ''] = FIELD.exec(line) ?? [];
    if (name === undefined) throw new ResponseSyntaxError('a malformed header field');
    fields.push(name, value);
  }
  return fields;
}

function framingFields(headers: readonly string[]): {
  lengths: readonly string[];
  codings: readonly string[];
  connection: readonly string[];
} {
  const lengths: string[] = [];
  const codings: string[] = [];
  const connection: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    const name = headers[i] ?? '';
    // Lengths first: most names differ there, and lower-casing all of them would cost more than the rest.
    if (name.length === 14 && name.toLowerCase() === 'content-length') lengths.push(value);
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') codings.push(value);
    else if (name.length === 10 && name.toLowerCase() === 'connection') {
      connection.push(...value.split(',').map((option) => option.trim().toLowerCase()));
    }
  }
  return { lengths, codings, connection };
}

function contentLength(values: readonly string[]): number | undefined {
  const [value, ...others] = values;
  if (value === undefined) return undefined;
  if (others.length > 0 || !/^\d{1,15}$/.test(value))
    throw new ResponseSyntaxError('a Content-Length that is not one number');
  return Number(value);
}
