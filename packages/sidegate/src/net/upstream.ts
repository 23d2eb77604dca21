/** One upstream × one client identity: a pool of connections, and one way to send a request through it. */

import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { Problem } from '@sidegate/sdk';
import { errors, Pool } from 'undici';
import { type ClientTls, type ConnectTo, createConnector, isTlsFailure } from './connector.ts';
import { hopByHopNames } from './hop-by-hop.ts';

export interface UpstreamOptions {
  /** Scheme, host and port; a path in it is not used. */
  readonly url: string;
  readonly tls?: ClientTls;
  readonly connectTo: ConnectTo;
  /** Until the response head, and between two chunks of its body. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
}

export interface UpstreamRequest {
  readonly method: string;
  /** Path and query, exactly as they go on the wire. */
  readonly path: string;
  /** `[name, value, …]`, without hop-by-hop fields and without Host unless it is to be kept. */
  readonly headers: string[];
  readonly body: Readable | null;
  readonly signal: AbortSignal;
}

export interface Upstream {
  /** `scheme://host:port`. */
  readonly origin: string;
  /**
   * Streams the request out and the answer into `response`, with backpressure both ways.
   *
   * @param shapeResponse gets the status and the raw header fields, returns the fields to send on
   * @returns the status
   * @throws Problem `upstream_*` or `bad_upstream_response`; the response is untouched when its head was not sent
   */
  send(request: UpstreamRequest, response: ServerResponse, shapeResponse: ShapeResponse): Promise<number>;
  close(): Promise<void>;
}

export type ShapeResponse = (headers: readonly string[]) => string[];

export function createUpstream(options: UpstreamOptions): Upstream {
  const { origin } = new URL(options.url);
  const pool = new Pool(origin, {
    connect: createConnector(options),
    connections: 128,
    pipelining: 1,
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    keepAliveTimeout: 60_000,
    maxHeaderSize: 64 * 1024,
    maxResponseSize: -1,
  });
  return {
    origin,
    close: () => pool.close(),
    send: async (request, response, shapeResponse) => {
      let status = 0;
      try {
        await pool.stream({ ...request, responseHeaders: 'raw' }, ({ statusCode, headers }) => {
          status = statusCode;
          response.writeHead(statusCode, shapeResponse(endToEnd(headers as unknown as readonly RawField[])));
          return response;
        });
      } catch (error) {
        throw upstreamProblem(error, origin, status !== 0);
      }
      return status;
    },
  };
}

type RawField = Buffer | string;

/** Response fields as latin-1 text, without those that end at this hop. */
function endToEnd(fields: readonly RawField[]): string[] {
  const texts = fields.map((field) => (typeof field === 'string' ? field : field.toString('latin1')));
  const dropped = hopByHopNames(texts, 'bad_upstream_response');
  const kept: string[] = [];
  for (let i = 0; i + 1 < texts.length; i += 2) {
    const name = texts[i] ?? '';
    if (!dropped.has(name.toLowerCase())) kept.push(name, texts[i + 1] ?? '');
  }
  return kept;
}

function upstreamProblem(error: unknown, origin: string, answering: boolean): Problem {
  if (error instanceof Problem) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'UND_ERR_HEADERS_TIMEOUT' || code === 'UND_ERR_BODY_TIMEOUT' || code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new Problem('upstream_timeout', `${origin} did not answer in time (${code})`, { cause: error });
  }
  if (isTlsFailure(code)) {
    return new Problem('upstream_tls', `TLS with ${origin} failed (${code})`, { cause: error });
  }
  if (
    error instanceof errors.HTTPParserError ||
    code === 'UND_ERR_HEADERS_OVERFLOW' ||
    code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' ||
    isUnwantedInterim(error)
  ) {
    return new Problem('bad_upstream_response', `${origin} sent an invalid message (${reasonOf(error)})`, {
      cause: error,
    });
  }
  if (answering) {
    return new Problem('bad_upstream_response', `${origin} broke off its answer (${reasonOf(error)})`, {
      cause: error,
    });
  }
  return new Problem('upstream_unreachable', `${origin} cannot be reached (${reasonOf(error)})`, {
    cause: error,
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message.slice(0, 128);
}

/** 101 or 100 to a request that asked for neither: undici has no code of its own for them. */
function isUnwantedInterim(error: unknown): boolean {
  return error instanceof Error && (error.message === 'bad upgrade' || error.message === 'bad response');
}
