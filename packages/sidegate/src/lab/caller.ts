/** How the lab itself calls its services: with whatever certificate and token an expectation or an attack needs. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isTlsFailure } from '@sidegate/sdk';
import type { ConnectTo } from '../net/connector.ts';
import { createHttpClient } from '../net/http-client.ts';

export interface CallerOptions {
  readonly connectTo: ConnectTo;
  /** The root directory's `etc/certs`. */
  readonly certificates: string;
  /** Authority that must have signed the server's certificate: `zone2`. */
  readonly serverAuthority: string;
  /** Path of a client certificate without its ending: `gateway/client-zone2`; absent = none is shown. */
  readonly clientCertificate?: string;
}

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, or as a form when it is URLSearchParams. */
  readonly body?: object;
}

export type Outcome =
  | { readonly kind: 'answer'; readonly status: number; readonly code: string | undefined; readonly body: JsonBody }
  | { readonly kind: 'handshake'; readonly code: string };

export type JsonBody = Readonly<Record<string, unknown>>;

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 256 * 1024;

/** Performs one call on a connection of its own; network errors other than a failed handshake reject. */
export async function call(request: Call, options: CallerOptions): Promise<Outcome> {
  const read = (path: string): Promise<string> => readFile(join(options.certificates, path), 'utf8');
  const certificate = options.clientCertificate;
  const client = createHttpClient({
    connectTo: options.connectTo,
    tls: {
      ca: await read(`ca/${options.serverAuthority}-ca.crt`),
      ...(certificate === undefined
        ? {}
        : { cert: await read(`${certificate}.crt`), key: await read(`${certificate}.key`) }),
    },
  });
  try {
    const { method, url, token, body } = request;
    const form = body instanceof URLSearchParams;
    const answer = await client.send({
      method,
      url,
      headers: {
        ...(body === undefined ? {} : { 'content-type': form ? FORM : 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...request.headers,
      },
      ...(body === undefined ? {} : { body: form ? body.toString() : JSON.stringify(body) }),
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_BYTES,
    });
    const parsed = parse(answer.body);
    const code = parsed['code'];
    return { kind: 'answer', status: answer.status, code: typeof code === 'string' ? code : undefined, body: parsed };
  } catch (error) {
    const code = failureCode(error);
    // In TLS 1.3 the client learns of a refused certificate only when it reads: as an alert, or as a reset.
    if (code !== undefined && url(request).protocol === 'https:' && (isTlsFailure(code) || CUT.has(code))) {
      return { kind: 'handshake', code };
    }
    throw error;
  } finally {
    await client.close();
  }
}

const FORM = 'application/x-www-form-urlencoded';
const CUT: ReadonlySet<string> = new Set(['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE']);

const url = (request: Call): URL => new URL(request.url);

function failureCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return undefined;
}

function parse(body: Buffer): JsonBody {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as JsonBody) : {};
  } catch {
    return {};
  }
}
