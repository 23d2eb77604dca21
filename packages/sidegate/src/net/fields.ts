/**
 * The field section of one message, RFC 9112 section 5, read with every leniency left out: what could be read in two
 * ways is an error. Nothing is merged or dropped, so a duplicate stays visible to whoever has to refuse it.
 */

/** Bytes that are no field section. */
export class FieldSyntaxError extends Error {
  override readonly name = 'FieldSyntaxError';
}

const NO_TOKENS: readonly string[] = [];
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Spellings that most messages use, so that nothing has to be checked or converted for them. */
const COMMON: ReadonlyMap<string, readonly [name: string, lowerName: string]> = new Map(
  `Accept Accept-Encoding Accept-Language Authorization Cache-Control Connection Content-Encoding Content-Language
  Content-Length Content-Type Cookie Date ETag Expect Expires Forwarded Host If-Match If-Modified-Since If-None-Match
  Keep-Alive Last-Modified Link Location Origin Pragma Range Referer Server Set-Cookie Strict-Transport-Security TE Trailer
  Transfer-Encoding Upgrade User-Agent Vary Via X-Correlation-ID X-Forwarded-For X-Forwarded-Host X-Forwarded-Proto
  X-Request-ID X-User-Context X-User-ID traceparent tracestate baggage`
    .split(/\s+/)
    .flatMap((name) => [name, name.toLowerCase()])
    .map((name) => [name, [name, name.toLowerCase()]]),
);

/** Fields in the order of the wire; a name is kept as it was sent and in lower case. */
export class Fields {
  static readonly NONE: Fields = new Fields();

  readonly names: string[] = [];
  readonly lowerNames: string[] = [];
  readonly values: string[] = [];

  get size(): number {
    return this.names.length;
  }

  add(name: string, lowerName: string, value: string): void {
    this.names.push(name);
    this.lowerNames.push(lowerName);
    this.values.push(value);
  }

  has(lowerName: string): boolean {
    return this.lowerNames.includes(lowerName);
  }

  /** Every value of a field. */
  all(lowerName: string): readonly string[] {
    const { lowerNames, values } = this;
    const found: string[] = [];
    for (let i = 0; i < lowerNames.length; i += 1) if (lowerNames[i] === lowerName) found.push(values[i] ?? '');
    return found;
  }

  /** The value of a field that was sent exactly once. */
  single(lowerName: string): string | undefined {
    const at = this.lowerNames.indexOf(lowerName);
    return at < 0 || this.lowerNames.includes(lowerName, at + 1) ? undefined : this.values[at];
  }

  /** The members of a comma-separated list field, over all its lines, trimmed, in lower case. */
  tokens(lowerName: string): readonly string[] {
    const values = this.all(lowerName);
    if (values.length === 0) return NO_TOKENS;
    const [only = ''] = values;
    if (values.length === 1 && !only.includes(',')) return only === '' ? NO_TOKENS : [only.toLowerCase()];
    return values
      .flatMap((value) => value.split(','))
      .map((token) => token.trim().toLowerCase())
      .filter((token) => token !== '');
  }
}

/**
 * Reads field lines.
 *
 * @param text latin-1, in which `start` is the first byte of a field line and `end` follows the last one's CRLF
 * @throws FieldSyntaxError
 */
export function readFields(text: string, start: number, end: number): Fields {
  const fields = new Fields();
  for (let at = start; at < end; ) {
    const lineEnd = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    if (colon <= at || colon > lineEnd) throw new FieldSyntaxError('a field line without a name and a colon');
    const spelled = text.slice(at, colon);
    const common = COMMON.get(spelled);
    if (common === undefined && !TOKEN.test(spelled)) throw new FieldSyntaxError('a field name that is no token');
    const value = trimmed(text, colon + 1, lineEnd);
    if (!VALUE.test(value)) throw new FieldSyntaxError('a field value with a byte that is not allowed');
    fields.add(common?.[0] ?? spelled, common?.[1] ?? spelled.toLowerCase(), value);
    at = lineEnd + 2;
  }
  return fields;
}

const SPACE = 0x20;
const TAB = 0x09;

function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && isBlank(text.charCodeAt(from))) from += 1;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1;
  return text.slice(from, to);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

/**
 * One field line for the wire.
 *
 * INVARIANT: nothing that reaches this point may end a line; if it does, it is our own fault and nothing is sent.
 */
export function fieldLine(name: string, value: string): string {
  if (value.includes('\n') || value.includes('\r')) throw new Error(`a line end in the header ${name}`);
  return `${name}: ${value}\r\n`;
}
