/** The SDK's HttpClient port on node:http and node:https: bounded in time and size, and never following a redirect. */
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import { AnswerTooLarge, type HttpClient, provenServer } from '@sidegate/sdk';
import { type ClientTls, type ConnectTo, dialledAddress } from './connector.ts';

export interface HttpClientOptions {
  readonly tls?: ClientTls;
  readonly connectTo: ConnectTo;
  /** Default: a connection each, so that none is met as the other side ends it. */
  readonly connections?: { readonly keepAlive: true; readonly maxSockets: number };
}

export interface ClosableHttpClient {
  readonly send: HttpClient;
  close(): Promise<void>;
}

/** For a few calls a minute. */
const AGENT = { keepAlive: false, maxSockets: 4 } as const;

export function createHttpClient({ tls = {}, connectTo, connections }: HttpClientOptions): ClosableHttpClient {
  const plain = new http.Agent(connections ?? AGENT);
  const secure = new https.Agent({ ...(connections ?? AGENT), ...tls, minVersion: 'TLSv1.2', maxCachedSessions: 0 });
  return {
    close: async () => {
      plain.destroy();
      secure.destroy();
    },
    send: async ({ method, url, headers, body, timeoutMs, maxBytes }) => {
      const target = new URL(url);
      const dialled = dialledAddress(target, connectTo);
      const shared = {
        method,
        path: `${target.pathname}${target.search}`,
        headers: {
          host: target.host,
          ...headers,
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        },
        signal: AbortSignal.timeout(timeoutMs),
        host: dialled.address,
        port: dialled.port,
      };
      const request =
        target.protocol === 'https:'
          ? https.request({ ...shared, ...provenServer(dialled.name), agent: secure })
          : http.request({ ...shared, agent: plain });
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        request.on('response', resolve).on('error', reject).end(body);
      });
      return { status: answer.statusCode ?? 0, headers: singleValues(answer), body: await bodyOf(answer, maxBytes) };
    },
  };
}

async function bodyOf(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw new AnswerTooLarge(`more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function singleValues({ headersDistinct }: IncomingMessage): Record<string, string> {
  const single: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, values] of Object.entries(headersDistinct))
    if (values !== undefined) single[name] = values.join(', ');
  return single;
}
