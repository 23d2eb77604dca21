/** The plumbing that the four example apps share: a route table served as JSON over plain HTTP. No authentication: that is the sidecar's work. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Call {
  /** Values of the `:name` segments of the route. */
  readonly params: Readonly<Record<string, string>>;
  /** As the sidecar forwarded them, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The parsed JSON body; an empty object when there was none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Keys are `METHOD /path/:param`. */
export type Routes = Readonly<Record<string, (call: Call) => Answer | Promise<Answer>>>;

const MAX_BODY_BYTES = 64 * 1024;

/** Serves until SIGTERM, on 127.0.0.1 and the port named by `PORT`; one line on stdout says when it listens. */
export function serveJson(service: string, routes: Routes): void {
  const server = createServer((request, response) => {
    void answer(routes, request).then(({ status, body }) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
    });
  });
  server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
    const { address, port } = server.address() as AddressInfo;
    process.stdout.write(`${JSON.stringify({ event: 'listening', service, app: `${address}:${port}` })}\n`);
  });
  process.once('SIGTERM', () => server.close());
}

async function answer(routes: Routes, request: IncomingMessage): Promise<Answer> {
  try {
    for (const [route, handle] of Object.entries(routes)) {
      const params = match(route, request);
      if (params === undefined) continue;
      const headers = Object.fromEntries(
        Object.entries(request.headersDistinct).map(([k, v]) => [k, v?.join(', ') ?? '']),
      );
      return await handle({ params, headers, body: await readJson(request) });
    }
    return { status: 404, body: { error: 'not_found' } };
  } catch (error) {
    return { status: error instanceof SyntaxError ? 400 : 502, body: { error: String(error) } };
  }
}

function match(route: string, request: IncomingMessage): Record<string, string> | undefined {
  const wanted = route.split(/[ /]/);
  const actual = [request.method, ...(request.url ?? '').split('?', 1).join('').split('/')];
  if (wanted.length !== actual.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = actual[index] ?? '';
    if (segment.startsWith(':') && value !== '') params[segment.slice(1)] = value;
    else if (segment !== value) return undefined;
  }
  return params;
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new SyntaxError('the body is too large');
    chunks.push(chunk);
  }
  if (bytes === 0) return {};
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('not a JSON object');
  return value as Record<string, unknown>;
}
