/**
 * Cross-origin calls from browsers (https://fetch.spec.whatwg.org/#http-cors-protocol). A preflight carries no credentials, so
 * it is answered before authentication, and only to origins that are allowed; for every other one it is a request like any.
 * What the service itself says about CORS is replaced.
 */
import { type Fields, fieldLine } from '../net/fields.ts';
import type { Reply } from '../net/reply.ts';
import type { RequestHead } from '../net/request-head.ts';
import { CORRELATION_HEADER } from '../proxy/correlation.ts';
import type { Exchange } from '../proxy/exchange.ts';

export interface CorsRules {
  /** As browsers send them; `*` = every one. */
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly requestHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeSeconds: number;
}

export interface Cors {
  /** What every answer to this request says about CORS. */
  answerLines(fields: Fields): string;
  /** The method that a preflight of an allowed origin asks about; undefined for every other request. */
  preflightMethod(request: RequestHead): string | undefined;
  /** What only the answer to a preflight says. */
  readonly preflightLines: string;
}

const ANY = '*';
const METHOD = /^[A-Z]{1,32}$/;

export function compileCors(rules: CorsRules): Cors {
  const { origins, methods, requestHeaders, exposedHeaders, credentials, maxAgeSeconds } = rules;
  const any = origins.includes(ANY);
  // Whether one origin is allowed must not be remembered for another.
  const vary = any ? '' : fieldLine('Vary', 'Origin');
  const allowed =
    listLine('Access-Control-Expose-Headers', exposedHeaders) +
    (credentials ? fieldLine('Access-Control-Allow-Credentials', 'true') : '') +
    vary;
  const lines: ReadonlyMap<string, string> = new Map(
    origins.map((origin) => [origin, fieldLine('Access-Control-Allow-Origin', origin) + allowed]),
  );
  const linesFor = (fields: Fields): string | undefined => lines.get(any ? ANY : (fields.single('origin') ?? ''));
  return {
    answerLines: (fields) => linesFor(fields) ?? vary,
    preflightMethod: ({ method, fields }) => {
      if (method !== 'OPTIONS' || fields.single('origin') === undefined || hasBody(fields)) return undefined;
      const wanted = fields.single('access-control-request-method');
      return wanted !== undefined && METHOD.test(wanted) && linesFor(fields) !== undefined ? wanted : undefined;
    },
    preflightLines:
      listLine('Access-Control-Allow-Methods', methods) +
      listLine('Access-Control-Allow-Headers', requestHeaders) +
      fieldLine('Access-Control-Max-Age', String(maxAgeSeconds)),
  };
}

/** Nothing is forwarded: it was about what may be. */
export function answerPreflight(exchange: Exchange, { preflightLines }: Cors, reply: Reply): Promise<void> {
  exchange.answered = true;
  exchange.upstream = undefined;
  const ours =
    fieldLine('X-Sidegate-Decision', exchange.requestId) + fieldLine(CORRELATION_HEADER, exchange.correlationId);
  reply.head(204, `${exchange.corsLines ?? ''}${preflightLines}${ours}`, undefined);
  reply.end();
  return Promise.resolve();
}

function listLine(name: string, values: readonly string[]): string {
  return values.length === 0 ? '' : fieldLine(name, values.join(', '));
}

function hasBody(fields: Fields): boolean {
  return fields.has('content-length') || fields.has('transfer-encoding');
}
