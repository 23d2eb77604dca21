/**
 * Reads one HTTP/1.1 response from the bytes of a connection: RFC 9112 sections 4 to 7, with every leniency left out.
 * What could be read in two ways is an error, and an error is never half an answer that looks whole.
 */
import { BodyDecoder, type BodyFraming, type BodyPieces, BodySyntaxError } from './body-decoder.ts';
import { BROKEN_LINES, FieldSyntaxError, type Fields, readFields } from './fields.ts';

export interface ResponseHead {
  readonly status: number;
  readonly fields: Fields;
  /** The `Content-Length`, also where no body follows. */
  readonly length: number | undefined;
}

export interface ResponseReader extends BodyPieces {
  /** The final response's head; interim ones are swallowed. */
  onHead(head: ResponseHead): void;
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
const SWITCHING_PROTOCOLS = 101;
const HEAD_END = '\r\n\r\n';
const VERSION = 'HTTP/1.';
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const NO_BYTES = Buffer.alloc(0);

/** Serves one connection, whose responses come one after another. */
export class ResponseParser {
  readonly #reader: ResponseReader;
  readonly #body = new BodyDecoder();
  #method = '';
  #upgrades = false;
  /** Latin-1, from where a head begins. */
  #text = '';
  #headDone = false;
  /** Of a head whose end has not arrived. */
  #partial: Buffer = NO_BYTES;
  #pieces = 0;
  #interim = 0;
  #keepAlive = true;

  constructor(reader: ResponseReader) {
    this.#reader = reader;
  }

  /**
   * What comes from now on answers a request with this method.
   *
   * @param upgrades it asked for a `101`, behind which everything is a body until the connection ends
   */
  begin(method: string, upgrades: boolean = false): void {
    this.#method = method;
    this.#upgrades = upgrades;
    this.#headDone = false;
    this.#partial = NO_BYTES;
    this.#pieces = 0;
    this.#interim = 0;
    this.#keepAlive = true;
  }

  get complete(): boolean {
    return this.#headDone && this.#body.complete;
  }

  /** Whether the connection may carry another request; meaningful once complete. */
  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  /**
   * @param bytes of which the first `length` have arrived; read during the call only
   * @throws ResponseSyntaxError
   */
  feed(bytes: Buffer, length: number): void {
    try {
      if (this.#headDone) this.#readBody(bytes, 0, length);
      else if (this.#partial.length === 0) this.#readHeads(bytes, length);
      else {
        const joined = Buffer.concat([this.#partial, bytes.subarray(0, length)]);
        this.#readHeads(joined, joined.length);
      }
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
    if (!this.#headDone || !this.#body.finish()) {
      throw new ResponseSyntaxError('the connection ended inside the response');
    }
  }

  #readHeads(bytes: Buffer, length: number): void {
    let start = 0;
    while (!this.#headDone) {
      const end = this.#findHead(bytes, start, length);
      if (end < 0) {
        this.#pieces += 1;
        if (this.#pieces > MAX_HEAD_PIECES)
          throw new ResponseSyntaxError(`a head in more than ${MAX_HEAD_PIECES} pieces`);
        // A copy: what was fed is read during the call only.
        this.#partial = Buffer.from(bytes.subarray(start, length));
        return;
      }
      this.#readHead(start === 0 ? bytes : bytes.subarray(start), end);
      start += end;
    }
    this.#partial = NO_BYTES;
    if (start < length) this.#readBody(bytes, start, length);
  }

  #readBody(bytes: Buffer, start: number, length: number): void {
    const end = this.#body.feed(bytes, start, length, this.#reader);
    // The answer to a request that nobody sent: this one is whole, and the connection is worth nothing any more.
    if (end < length) this.#keepAlive = false;
  }

  /** @returns where the empty line after a head ends, from `start`; -1 when it has not arrived */
  #findHead(bytes: Buffer, start: number, length: number): number {
    const arrived = length - start;
    this.#text = bytes.toString('latin1', start, start + Math.min(arrived, FIRST_LOOK));
    let found = this.#text.indexOf(HEAD_END);
    if (found < 0 && arrived > FIRST_LOOK) {
      this.#text = bytes.toString('latin1', start, start + Math.min(arrived, MAX_HEAD_BYTES + HEAD_END.length));
      found = this.#text.indexOf(HEAD_END);
    }
    if (found >= 0) return found + HEAD_END.length;
    if (arrived > MAX_HEAD_BYTES) throw new ResponseSyntaxError('a head beyond 64 KiB');
    if (!VERSION.startsWith(this.#text.slice(0, VERSION.length))) throw new ResponseSyntaxError('no HTTP/1 response');
    // Nothing that follows could mend it.
    if (BROKEN_LINES.test(this.#text)) throw new ResponseSyntaxError('a control character, or half a line end');
    return -1;
  }

  /** Of the head in `#text`, with the empty line after it before `end`. */
  #readHead(bytes: Buffer, end: number): void {
    const text = this.#text;
    const lineEnd = text.indexOf('\r\n');
    const [, minor, code] = STATUS_LINE.exec(text.slice(0, lineEnd)) ?? [];
    if (code === undefined) throw new ResponseSyntaxError('a malformed status line');
    const status = Number(code);
    const fields = readFields(bytes, text, lineEnd + 2, end - 2);
    if (fields.size > MAX_FIELDS) throw new ResponseSyntaxError(`more than ${MAX_FIELDS} header fields`);
    if (status === SWITCHING_PROTOCOLS && this.#upgrades) {
      this.#body.begin('close');
      this.#keepAlive = false;
      this.#headDone = true;
      this.#reader.onHead({ status, fields, length: undefined });
      return;
    }
    if (status < 200) {
      this.#passInterim(status);
      return;
    }
    const length = contentLength(fields.all('content-length'));
    this.#body.begin(this.#framing(status, fields, { length, oldVersion: minor === '0' }));
    this.#headDone = true;
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
    if (fields.hasTab('transfer-encoding') || fields.hasTab('content-length')) {
      throw new ResponseSyntaxError('a tab in a field that frames the message');
    }
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
