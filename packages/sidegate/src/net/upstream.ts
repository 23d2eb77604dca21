/** One upstream × one client identity: a pool of connections, and one way to send a request through it. */
import { isTlsFailure, Problem, type ProblemCode } from '@sidegate/sdk';
import type { Cancellable, Cancellation } from './cancellation.ts';
import { CONNECT_TIMEOUT, type ConnectorOptions, createConnector, HANDSHAKE_TIMEOUT } from './connector.ts';
import { ADDRESS_FORBIDDEN } from './forbidden-address.ts';
import type { RequestBody } from './request-body.ts';
import type { ResponseHead } from './response-parser.ts';
import { isRepeatable, type RetryCondition, type RetryPolicy } from './retry.ts';
import type { Transfer, TransferFailure, UpstreamConnection } from './upstream-connection.ts';
import { createUpstreamPool, type UpstreamPool } from './upstream-pool.ts';
import { WithholdingSink } from './withholding-sink.ts';

export interface UpstreamOptions extends ConnectorOptions {
  /** Until the response head, and between two pieces of its body. */
  readonly timeoutMs: number;
  /** Connections that wait for a request, and how long: by default all of them, as long as an answer may take. */
  readonly maxIdle?: number;
  readonly idleTimeoutMs?: number;
  /** Undefined: nothing is asked twice, but for a connection that had ended while it was idle. */
  readonly retry?: RetryPolicy;
}

export interface UpstreamRequest {
  readonly method: string;
  /** Path and query, exactly as they go on the wire. */
  readonly path: string;
  /** Field lines, without hop-by-hop fields, without Host and without those that frame the message. */
  readonly lines: string;
  /** The field lines of each further attempt; undefined: the same. */
  readonly renew?: (() => Promise<string>) | undefined;
  /** When the upstream's own name is not to be used. */
  readonly host: string | undefined;
  readonly body: RequestBody | undefined;
  /** `Content-Length: 0` was sent. */
  readonly announcedEmpty: boolean;
  /** What follows once the upstream has agreed to an upgrade, which the lines ask for; undefined: they ask for none. */
  readonly tunnel?: RequestBody | undefined;
}

/** Where an answer goes, piece by piece. */
export interface ResponseSink {
  head(head: ResponseHead): void;
  /**
   * A piece of the body, read during the call only.
   *
   * @returns false to be left alone until {@link whenDrained} says so
   */
  write(bytes: Buffer, start: number, end: number): boolean;
  /** Nothing more is there for now. */
  flush(): void;
  end(): void;
  /** Calls `resume`, once, when there is room again. */
  whenDrained(resume: () => void): void;
}

export interface Upstream {
  /** `scheme://host:port`. */
  readonly origin: string;
  /**
   * Streams the request out and the answer into `sink`, with backpressure both ways.
   *
   * @throws Problem `upstream_*` or `bad_upstream_response`; nothing went into the sink when its head did not
   */
  send(request: UpstreamRequest, sink: ResponseSink, cancellation: Cancellation): Promise<void>;
  /** Idle connections end now, the others with what is under way. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 128;
/** For a connection; each is asked for at most as long as an answer may take. */
const MAX_WAITING = 2_048;

export function createUpstream(options: UpstreamOptions): Upstream {
  const { origin, host } = new URL(options.url);
  const pool = createUpstreamPool({
    connect: createConnector(options),
    maxConnections: MAX_CONNECTIONS,
    maxWaiting: MAX_WAITING,
    maxIdle: options.maxIdle ?? MAX_CONNECTIONS,
    timeoutMs: options.timeoutMs,
    idleTimeoutMs: options.idleTimeoutMs ?? options.timeoutMs,
    host,
    monotonic: () => performance.now(),
  });
  return {
    origin,
    close: () => Promise.resolve(pool.close()),
    send: (request, sink, cancellation) =>
      new Promise((resolve, reject) => {
        const retry = options.retry !== undefined && isRepeatable(request) ? options.retry : undefined;
        new Sending({ request, sink, cancellation }, { pool, origin, retry, resolve, reject }).attempt(false);
      }),
  };
}

interface Job {
  readonly request: UpstreamRequest;
  readonly sink: ResponseSink;
  readonly cancellation: Cancellation;
}

interface SendingPorts {
  readonly pool: UpstreamPool;
  readonly origin: string;
  /** Undefined: this request is not asked twice. */
  readonly retry: RetryPolicy | undefined;
  readonly resolve: () => void;
  readonly reject: (problem: unknown) => void;
}

/** One request, until its answer is whole or it has failed. */
class Sending implements Transfer, Cancellable {
  request: UpstreamRequest;
  readonly sink: ResponseSink;
  /** Undefined: whatever is answered is passed on. */
  readonly #withholding: WithholdingSink | undefined;
  #attempts = 1;
  /** Waits for the next attempt. */
  #timer: NodeJS.Timeout | undefined;
  readonly #cancellation: Cancellation;
  readonly #ports: SendingPorts;
  #connection: UpstreamConnection | undefined;
  #fresh = false;

  constructor({ request, sink, cancellation }: Job, ports: SendingPorts) {
    this.request = request;
    this.#cancellation = cancellation;
    this.#ports = ports;
    this.#withholding =
      ports.retry?.conditions.includes('5xx') === true
        ? new WithholdingSink(sink, {
            mayWithhold: () => this.#mayRetry('5xx'),
            giveUp: () => this.#connection?.cancel(this),
          })
        : undefined;
    this.sink = this.#withholding ?? sink;
  }

  /** @param fresh on a connection that was never used before */
  attempt(fresh: boolean): void {
    this.#fresh = fresh;
    this.#withholding?.reset();
    const connection = this.#ports.pool.acquire(fresh, this.#cancellation);
    if (connection instanceof Promise) {
      const { pool, origin, reject } = this.#ports;
      const since = pool.now();
      connection
        .then(
          (opened) => this.#begin(opened, since),
          (error: unknown) => {
            const problem = connectProblem(error, origin);
            if (NOT_AGAIN.has(problem.code) || !this.#again('connect_failure')) reject(problem);
          },
        )
        .catch(reject);
    } else this.#begin(connection);
  }

  cancel(): void {
    if (this.#timer === undefined) {
      this.#connection?.cancel(this);
      return;
    }
    clearTimeout(this.#timer);
    this.onDone(ABORTED);
  }

  onDone(failure: TransferFailure | undefined): void {
    const { origin, resolve, reject } = this.#ports;
    this.#connection = undefined;
    this.#timer = undefined;
    this.#cancellation.work = undefined;
    if (this.#withholding?.withheld === true && this.#again('5xx')) return;
    if (failure === undefined) resolve();
    // The other side ended an idle connection as we took it: nothing was done, so it is safe to ask again.
    else if (failure.stale && !this.#fresh && isRepeatable(this.request)) this.#attemptAnew(true);
    else {
      const problem = transferProblem(failure, origin);
      if (problem.code !== 'upstream_unreachable' || !this.#again('reset')) reject(problem);
    }
  }

  #mayRetry(condition: RetryCondition): boolean {
    const { retry } = this.#ports;
    if (retry === undefined || this.#cancellation.cancelled) return false;
    return retry.conditions.includes(condition) && this.#attempts < retry.attempts;
  }

  /** @returns false when that was the last attempt */
  #again(condition: RetryCondition): boolean {
    if (!this.#mayRetry(condition)) return false;
    this.#attempts += 1;
    this.#cancellation.work = this;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#attemptAnew(false);
    }, this.#ports.retry?.delayMs);
    return true;
  }

  /** With field lines of its own where those of the last attempt are used up. */
  #attemptAnew(fresh: boolean): void {
    const { reject } = this.#ports;
    const { renew } = this.request;
    const attempt = (lines: string): void => {
      this.request = { ...this.request, lines };
      if (this.#cancellation.cancelled) this.onDone(ABORTED);
      else this.attempt(fresh);
    };
    if (renew !== undefined) {
      renew().then(attempt).catch(reject);
      return;
    }
    try {
      this.attempt(fresh);
    } catch (error) {
      reject(error);
    }
  }

  /** @param since when it began to wait for the connection; absent: it did not */
  #begin(connection: UpstreamConnection, since?: number): void {
    if (this.#cancellation.cancelled) {
      this.#ports.pool.release(connection);
      this.onDone(ABORTED);
      return;
    }
    this.#connection = connection;
    this.#cancellation.work = this;
    connection.start(this, since);
  }
}

/** The limit of this process, or of its machine. */
const NO_DESCRIPTOR: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE']);

const ABORTED: TransferFailure = { kind: 'aborted', cause: undefined, unanswered: true, stale: false };

/** Connecting once more would end the same way, or make it worse. */
const NOT_AGAIN: ReadonlySet<ProblemCode> = new Set([
  'egress_address_forbidden',
  'upstream_overloaded',
  'upstream_tls',
]);

function connectProblem(error: unknown, origin: string): Problem {
  if (error instanceof Problem) return error;
  const code = codeOf(error);
  if (code === ADDRESS_FORBIDDEN) {
    return new Problem('egress_address_forbidden', `${origin} leads to an address that is not allowed`);
  }
  if (code === CONNECT_TIMEOUT) {
    return new Problem('upstream_timeout', `${origin} did not accept a connection in time`, { cause: error });
  }
  if (code === HANDSHAKE_TIMEOUT) {
    return new Problem('upstream_timeout', `${origin} did not end the TLS handshake in time`, { cause: error });
  }
  if (isTlsFailure(code)) return new Problem('upstream_tls', `TLS with ${origin} failed (${code})`, { cause: error });
  if (NO_DESCRIPTOR.has(code)) {
    const reason = `no descriptor is left for a connection to ${origin} (${code})`;
    return new Problem('not_ready', reason, { cause: error, retryAfterSeconds: 1 });
  }
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
