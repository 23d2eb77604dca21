/** The SDK's HttpClient port on undici: bounded in time and size, and never following a redirect. */
import { AnswerTooLarge, type HttpClient } from '@sidegate/sdk';
import { Agent, request } from 'undici';
import { type ClientTls, type ConnectTo, createConnector } from './connector.ts';

export interface HttpClientOptions {
  readonly tls?: ClientTls;
  readonly connectTo: ConnectTo;
}

export interface ClosableHttpClient {
  readonly send: HttpClient;
  close(): Promise<void>;
}

export function createHttpClient(options: HttpClientOptions): ClosableHttpClient {
  const agent = new Agent({
    connect: createConnector({ ...options, connectTimeoutMs: 3_000 }),
    connections: 4,
    pipelining: 1,
    keepAliveTimeout: 10_000,
  });
  return {
    close: () => agent.destroy(),
    send: async ({ method, url, headers, body, timeoutMs, maxBytes }) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await request(url, { dispatcher: agent, method, headers, body: body ?? null, signal });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > maxBytes) throw new AnswerTooLarge(`more than ${maxBytes} bytes`);
        chunks.push(chunk);
      }
      return { status: answer.statusCode, headers: singleValues(answer.headers), body: Buffer.concat(chunks) };
    },
  };
}

function singleValues(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const single: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return single;
}
