/**
 * Free ports on loopback addresses, for processes that must know one another's address before they start.
 * They come from below the ephemeral range, so that neither an outgoing connection nor a server on port 0
 * takes one between the moment it is found free and the moment its process binds it.
 */
import { createServer, type Server } from 'node:net';

const LOWEST = 12_000;
const HIGHEST = 32_000;
const ATTEMPTS = 200;

/** Whole number from 0 up to, not including, `bound`. */
export type RandomInt = (bound: number) => number;

/** An address that no process of ours can listen on. */
export class AddressUnavailable extends Error {
  override readonly name = 'AddressUnavailable';
}

/**
 * One free port for each address, in order; the same address may stand there several times.
 * @throws AddressUnavailable when an address is not one of this machine's, or nothing is free there.
 */
export async function reservePorts(addresses: readonly string[], randomInt: RandomInt): Promise<readonly number[]> {
  const held: Server[] = [];
  try {
    const ports: number[] = [];
    for (const address of addresses) {
      const [server, port] = await bindAny(address, randomInt);
      held.push(server);
      ports.push(port);
    }
    return ports;
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  }
}

async function bindAny(address: string, randomInt: RandomInt): Promise<[Server, number]> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = LOWEST + randomInt(HIGHEST - LOWEST);
    const server = await bind(address, port);
    if (server !== undefined) return [server, port];
  }
  throw new AddressUnavailable(
    `no free port on ${address}: ${ATTEMPTS} between ${LOWEST} and ${HIGHEST} are all in use`,
  );
}

function bind(address: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(new AddressUnavailable(`nothing can listen on ${address} here (${error.code})`));
    });
    server.listen({ host: address, port, exclusive: true }, () => resolve(server));
  });
}
