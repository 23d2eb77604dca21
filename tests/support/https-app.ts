/** An Express application behind TLS on a free port. */
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

export interface StartedApp extends AsyncDisposable {
  readonly port: number;
}

export async function startHttpsApp(app: RequestListener, tls: https.ServerOptions, port = 0): Promise<StartedApp> {
  const server = https.createServer(tls, app);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
