/** An issuer's key endpoint on a loopback port, which answers as told and counts what it is asked. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { HttpClient } from '@sidegate/sdk';

export interface JwksServer extends AsyncDisposable {
  readonly origin: string;
  /** Paths in the order of the requests. */
  readonly requests: readonly string[];
  /** How the next requests are answered. */
  answer: (incoming: IncomingMessage, response: ServerResponse) => void;
}

/** @param port 0 = any free port; a number brings an endpoint back to where it was */
export async function startJwksServer(answer: JwksServer['answer'], port: number = 0): Promise<JwksServer> {
  const requests: string[] = [];
  const server = createServer((incoming, response) => {
    requests.push(incoming.url ?? '');
    self.answer(incoming, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  const self: JwksServer = {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    answer,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

/** An answer with these bytes. */
export function bytes(
  body: string | Buffer,
  type: string = 'application/json',
  status: number = 200,
): JwksServer['answer'] {
  return (_incoming, response) => void response.writeHead(status, { 'content-type': type }).end(body);
}

/** The HttpClient port on node:http: one connection each, no redirects, bounded. */
export const plainHttp: HttpClient = ({ method, url, headers, body, timeoutMs, maxBytes }) =>
  new Promise((resolve, reject) => {
    const outgoing = request(url, { method, headers, agent: false, timeout: timeoutMs }, (incoming) => {
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > maxBytes) outgoing.destroy(new Error(`the answer is larger than ${maxBytes} bytes`));
      });
      incoming.on('error', reject);
      incoming.on('end', () => {
        const single = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as const);
        resolve({ status: incoming.statusCode ?? 0, headers: Object.fromEntries(single), body: Buffer.concat(chunks) });
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.on('error', reject);
    outgoing.end(body);
  });
