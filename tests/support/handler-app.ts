/** A service behind a sidecar that handles its requests as a test writes it, body not read. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HandlerApp extends AsyncDisposable {
  readonly port: number;
}

export async function startHandlerApp(handler: RequestListener): Promise<HandlerApp> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
