/** One upstream × one client identity: a pool of connections, and one way to send a request through it. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { Problem } from '@sidegate/sdk';
import { type ClientTls, type ConnectTo, createConnector, isTlsFailure } from './connector.ts';
import { hopByHopNames } from './hop-by-hop.ts';
import type { TransferFailure, UpstreamConnection } from './upstream-connection.ts';
import { createUpstreamPool, type UpstreamPool } from './upstream-pool.ts';

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
   * @param shapeResponse gets the raw header fields, returns the fields to send on
   * @throws Problem `upstream_*` or `bad_upstream_response`; the response is untouched when its head was not sent
   */
  send(request: UpstreamRequest, response: ServerResponse, shapeResponse: ShapeResponse): Promise<void>;
  close(): Promise<void>;
}

export type ShapeResponse = (headers: readonly string[]) => string[];

const MAX_CONNECTIONS = 128;
/** RFC 9110 section 9.2.2. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);

export function createUpstream(options: UpstreamOptions): Upstream {
  const { origin, host } = new URL(options.url);
  const pool = createUpstreamPool({
    connect: connectorOf(options),
    maxConnections: MAX_CONNECTIONS,
    timeoutMs: options.timeoutMs,
    host,
    monotonic: () => performance.now(),
  });
  return {
    origin,
    close: () => Promise.resolve(pool.close()),
    async send(request, response, shapeResponse) {
      const shape: ShapeResponse = (fields) => shapeResponse(endToEnd(fields));
      const attempt = async (fresh: boolean): Promise<TransferFailure | undefined> => {
        const connection = await acquire(pool, fresh, origin);
        if (request.signal.aborted) {
          pool.release(connection);
          return { kind: 'aborted', cause: undefined, unanswered: true, stale: false };
        }
        return new Promise((onDone) => {
          const onFree = (): void => pool.release(connection);
          connection.start({ request, response, shapeResponse: shape, onFree, onDone });
        });
      };
      let failure = await attempt(false);
      // The other side ended an idle connection as we took it: nothing was done, so it is safe to ask again.
      if (failure?.stale === true && isRepeatable(request)) failure = await attempt(true);
      if (failure !== undefined) throw transferProblem(failure, origin);
    },
  };
}

function connectorOf(options: UpstreamOptions): () => Promise<Socket> {
  const { hostname, host, protocol, port } = new URL(options.url);
  const connect = createConnector(options);
  return () =>
    new Promise((resolve, reject) => {
      connect({ hostname, host, protocol, port }, (error, socket) =>
        error === null ? resolve(socket) : reject(error),
      );
    });
}

async function acquire(pool: UpstreamPool, fresh: boolean, origin: string): Promise<UpstreamConnection> {
  try {
    return await pool.acquire(fresh);
  } catch (error) {
    throw connectProblem(error, origin);
  }
}

function isRepeatable({ method, body }: UpstreamRequest): boolean {
  return body === null && IDEMPOTENT.has(method);
}

/** Response fields without those that end at this hop. */
function endToEnd(fields: readonly string[]): string[] {
  const dropped = hopByHopNames(fields, 'bad_upstream_response');
  const kept: string[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? '';
    if (!dropped.has(name.toLowerCase())) kept.push(name, fields[i + 1] ?? '');
  }
  return kept;
}

function connectProblem(error: unknown, origin: string): Problem {
  const code = codeOf(error);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new Problem('upstream_timeout', `${origin} did not accept a connection in time`, { cause: error });
  }
  if (isTlsFailure(code)) return new Problem('upstream_tls', `TLS with ${origin} failed (${code})`, { cause: error });
  return new Problem('upstream_unreachable', `${origin} cannot be reached (${code})`, { cause: error });
}

function transferProblem({ kind, cause, unanswered }: TransferFailure, origin: string): Problem {
  if (cause instanceof Problem) return cause;
  const reason = cause instanceof Error ? cause.message.slice(0, 128) : 'the connection ended';
  switch (kind) {
    case 'timeout':
      return new Problem('upstream_timeout', `${origin} did not answer in time`);
    case 'syntax':
      return new Problem('bad_upstream_response', `${origin} sent an invalid message (${reason})`, { cause });
    case 'broken':
      if (isTlsFailure(codeOf(cause))) {
        // A server that speaks TLS 1.3 tells only now that it does not accept our certificate.
        return new Problem('upstream_tls', `TLS with ${origin} failed (${codeOf(cause)})`, { cause });
      }
      return unanswered
        ? new Problem('upstream_unreachable', `${origin} closed the connection without an answer (${reason})`, {
            cause,
          })
        : new Problem('bad_upstream_response', `${origin} broke off its answer (${reason})`, { cause });
    default:
      return new Problem('framing_invalid', 'the request ended before its body was complete', { cause });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no error code';
}
