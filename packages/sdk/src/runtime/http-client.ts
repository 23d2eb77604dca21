/**
 * The HttpClient port over undici, which is loaded at the first request: importing the SDK stays cheap. Bounded in time and
 * bytes, and a redirect is an answer like any other.
 */
import type { Agent, Dispatcher } from 'undici';
import { AnswerTooLarge, type HttpClient } from '../ports.ts';
import { type TlsIdentity, verifiedTls } from './verified-tls.ts';

export interface HttpClientOptions {
  /** PEM: the only authorities trusted; absent: those that Node trusts. */
  readonly ca?: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** For a few calls a minute to each. */
const CONNECTIONS = 4;

export function createHttpClient({ ca }: HttpClientOptions): HttpClient {
  let agent: Promise<Agent> | undefined;
  return async (request) => {
    agent ??= openAgent({ ca }, { connections: CONNECTIONS, connectTimeoutMs: CONNECT_TIMEOUT_MS });
    return boundedHttpClient(await agent)(request);
  };
}

export interface PoolOptions {
  /** To each origin. */
  readonly connections: number;
  readonly connectTimeoutMs: number;
}

/** Connections that show this identity and trust these authorities; idle ones do not keep the process alive. */
export async function openAgent(identity: TlsIdentity, { connections, connectTimeoutMs }: PoolOptions): Promise<Agent> {
  const { Agent: UndiciAgent } = await import('undici');
  return new UndiciAgent({ connections, connect: verifiedTls(identity, connectTimeoutMs) });
}

/** Sends over these connections. */
export function boundedHttpClient(dispatcher: Dispatcher): HttpClient {
  return async ({ method, url, headers, body, timeoutMs, maxBytes }) => {
    const { origin, pathname, search } = new URL(url);
    const answer = await dispatcher.request({
      origin,
      path: `${pathname}${search}`,
      method,
      headers: { ...headers },
      body: body ?? null,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw new AnswerTooLarge(`more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    return { status: answer.statusCode, headers: singleValues(answer.headers), body: Buffer.concat(chunks) };
  };
}

function singleValues(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const single = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return single;
}
