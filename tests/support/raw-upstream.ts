/** A service behind a sidecar that does what services must not do: it answers with any bytes, or none, and hangs up. */
import net, { type AddressInfo } from 'node:net';

export interface RawUpstream extends AsyncDisposable {
  readonly port: number;
  /** Everything received on each connection, oldest first. */
  readonly connections: readonly { readonly received: string; readonly closed: boolean }[];
}

/** @param onHead called once on each connection, when its first request head is there */
export async function startRawUpstream(onHead: (socket: net.Socket) => void): Promise<RawUpstream> {
  const connections: { received: string; closed: boolean }[] = [];
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    const connection = { received: '', closed: false };
    connections.push(connection);
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      connection.closed = true;
      sockets.delete(socket);
    });
    socket.on('data', (chunk: Buffer) => {
      const before = connection.received.includes('\r\n\r\n');
      connection.received += chunk.toString('latin1');
      if (!before && connection.received.includes('\r\n\r\n')) onHead(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
