/**
 * Reads one HTTP/1.1 response from the bytes of a connection: RFC 9112 sections 4 to 7, with every leniency left out.
 * What could be read in two ways is an error, and an error is never half an answer that looks whole.
 */
import { BodyDecoder, type BodyFraming, BodySyntaxError } from './body-decoder.ts';
import { FieldSyntaxError, type Fields, readFields } from './fields.ts';

export interface ResponseHead {
  readonly status: number;
  readonly fields: Fields;
  /** The `Content-Length`, also where no body follows. */
  readonly length: number | undefined;
}

export interface ResponseReader {
  /** The final response's head; interim ones are swallowed. */
  onHead(head: ResponseHead): void;
  /** A piece of the body, a view into what was fed. */
  onBody(piece: Buffer): void;
}

/** Bytes that are no response to this request; the connection is worth nothing any more. */
export class ResponseSyntaxError extends Error {
  override readonly name = 'ResponseSyntaxError';
}

const MAX_HEAD_BYTES = 64 * 1024;
/** Most heads are shorter, and nothing behind them has to be looked at. */
const FIRST_LOOK = 2 * 1024;
const MAX_FIELDS = 200;
const MAX_INTERIM = 8;
/** Every further piece means one more look at all of a head. */
const MAX_HEAD_PIECES = 1_024;
const HEAD_END = '\r\n\r\n';
const VERSION = 'HTTP/1.';
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const NO_BYTES = Buffer.alloc(0);

export class ResponseParser {
  readonly #reader: ResponseReader;
  readonly #method: string;
  /** Undefined until the head is whole. */
  #body: BodyDecoder | undefined;
  /** Of a head whose end has not arrived. */
  #partial: Buffer = NO_BYTES;
  #pieces = 0;
  #interim = 0;
  #keepAlive = true;

  constructor(method: string, reader: ResponseReader) {
    this.#method = method;
    this.#reader = reader;
  }

  get complete(): boolean {
    return this.#body?.complete === true;
  }

  /** Whether the connection may carry another request; meaningful once complete. */
  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  /**
   * @param bytes read during the call only
   * @throws ResponseSyntaxError
   */
  feed(bytes: Buffer): void {
    try {
      const rest = this.#body === undefined ? this.#readHeads(bytes) : bytes;
      if (rest.length === 0 || this.#body === undefined) return;
      const end = this.#body.feed(rest, (piece) => this.#reader.onBody(piece));
      // The answer to a request that nobody sent: this one is whole, and the connection is worth nothing any more.
      if (end < rest.length) this.#keepAlive = false;
    } catch (error) {
      if (error instanceof BodySyntaxError || error instanceof FieldSyntaxError) {
        throw new ResponseSyntaxError(error.message);
      }
      throw error;
    }
  }

  /**
   * The other side has closed: the end of a body that lasts until then, else a broken message.
   *
   * @throws ResponseSyntaxError
   */
  finish(): void {
    if (this.#body?.finish() !== true) throw new ResponseSyntaxError('the connection ended inside the response');
  }

  /** @returns what follows the final head; nothing when it is not whole */
  #readHeads(bytes: Buffer): Buffer {
    let rest = this.#partial.length === 0 ? bytes : Buffer.concat([this.#partial, bytes]);
    while (this.#body === undefined) {
      const text = this.#findHead(rest);
      if (text === undefined) {
        this.#pieces += 1;
        if (this.#pieces > MAX_HEAD_PIECES)
          throw new ResponseSyntaxError(`a head in more than ${MAX_HEAD_PIECES} pieces`);
        // A copy: what was fed is read during the call only.
        this.#partial = Buffer.from(rest);
        return NO_BYTES;
      }
      rest = rest.subarray(text.length);
      this.#readHead(text);
    }
    this.#partial = NO_BYTES;
    return rest;
  }

  /** A whole head with the empty line after it. */
  #findHead(bytes: Buffer): string | undefined {
    let text = bytes.toString('latin1', 0, Math.min(bytes.length, FIRST_LOOK));
    let end = text.indexOf(HEAD_END);
    if (end < 0 && bytes.length > FIRST_LOOK) {
      text = bytes.toString('latin1', 0, Math.min(bytes.length, MAX_HEAD_BYTES + HEAD_END.length));
      end = text.indexOf(HEAD_END);
    }
    if (end >= 0) return text.slice(0, end + HEAD_END.length);
    if (bytes.length > MAX_HEAD_BYTES) throw new ResponseSyntaxError('a head beyond 64 KiB');
    const begins = Math.min(text.length, VERSION.length);
    if (text.slice(0, begins) !== VERSION.slice(0, begins)) throw new ResponseSyntaxError('no HTTP/1 response');
    return undefined;
  }

  #readHead(text: string): void {
    const lineEnd = text.indexOf('\r\n');
    const [, minor, code] = STATUS_LINE.exec(text.slice(0, lineEnd)) ?? [];
    if (code === undefined) throw new ResponseSyntaxError('a malformed status line');
    const status = Number(code);
    const fields = readFields(text, lineEnd + 2, text.length - 2);
    if (fields.size > MAX_FIELDS) throw new ResponseSyntaxError(`more than ${MAX_FIELDS} header fields`);
    if (status < 200) {
      this.#passInterim(status);
      return;
    }
    const length = contentLength(fields.all('content-length'));
    this.#body = new BodyDecoder(this.#framing(status, fields, { length, oldVersion: minor === '0' }));
    this.#reader.onHead({ status, fields, length });
  }

  #passInterim(status: number): void {
    if (status <= 101) throw new ResponseSyntaxError(`a ${status} that nobody asked for`);
    this.#interim += 1;
    if (this.#interim > MAX_INTERIM) throw new ResponseSyntaxError(`more than ${MAX_INTERIM} interim responses`);
  }

  /** RFC 9112 section 6.3: how long the body is, in exactly one way. */
  #framing(
    status: number,
    fields: Fields,
    { length, oldVersion }: { readonly length: number | undefined; readonly oldVersion: boolean },
  ): BodyFraming {
    const codings = fields.all('transfer-encoding');
    this.#keepAlive = !oldVersion && !fields.tokens('connection').includes('close');
    if (codings.length > 0 && (length !== undefined || oldVersion)) {
      throw new ResponseSyntaxError('Transfer-Encoding beside Content-Length, or on HTTP/1.0');
    }
    if (codings.length > 0 && (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked')) {
      throw new ResponseSyntaxError('a transfer coding that is not "chunked" once');
    }
    if (this.#method === 'HEAD' || status === 204 || status === 304) return 0;
    if (codings.length > 0) return 'chunked';
    if (length !== undefined) return length;
    this.#keepAlive = false;
    return 'close';
  }
}

function contentLength(values: readonly string[]): number | undefined {
  const [value, ...others] = values;
  if (value === undefined) return undefined;
  if (others.length > 0 || !/^\d{1,15}$/.test(value)) {
    throw new ResponseSyntaxError('a Content-Length that is not one number');
  }
  return Number(value);
}
