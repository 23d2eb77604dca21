/** A bundle server on a loopback socket: one bundle with its ETag, or whatever a test wants instead. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BundleServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The headers of each request, and the status it was answered with. */
  readonly requests: { readonly headers: IncomingHttpHeaders; status: number }[];
  /** What it serves from now on. */
  serve(bundle: Uint8Array | ((response: ServerResponse) => void)): void;
}

export async function startBundleServer(port = 0): Promise<BundleServer> {
  let current: Uint8Array | ((response: ServerResponse) => void) = new Uint8Array();
  const requests: BundleServer['requests'] = [];
  const server = createServer((request, response) => {
    const seen = { headers: request.headers, status: 0 };
    requests.push(seen);
    response.on('close', () => (seen.status = response.statusCode));
    if (typeof current === 'function') return current(response);
    const etag = `"${createHash('sha256').update(current).digest('hex')}"`;
    if (request.headers['if-none-match'] === etag) return response.writeHead(304, { etag }).end();
    return response.writeHead(200, { etag, 'content-type': 'application/gzip' }).end(current);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}/bundle.tar.gz`,
    port: address.port,
    requests,
    serve: (bundle) => {
      current = bundle;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
