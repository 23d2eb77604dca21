/** Commands to one Redis, by its own client library: bounded in time, rejected at once while there is no connection. */

export interface RedisOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly password: { reveal(): string } | undefined;
  readonly database: number;
}

export interface RedisCommands {
  /** @returns what Redis answers; rejects when it does not, in time */
  readonly send: (command: readonly string[]) => Promise<unknown>;
  close(): Promise<void>;
}

export const REDIS_PACKAGE = '@redis/client';

const TIMEOUT_MS = 1_000;
const MAX_RECONNECT_MS = 5_000;

/** Whether the library, which only some need, is there. */
export function hasRedisLibrary(): boolean {
  try {
    import.meta.resolve(REDIS_PACKAGE);
    return true;
  } catch {
    return false;
  }
}

/** Connects in the background, and again whenever the connection is lost. */
export function createRedisCommands({ host, port, tls, password, database }: RedisOptions): RedisCommands {
  const connecting = import('@redis/client').then(({ createClient }) => {
    const client = createClient({
      socket: {
        host,
        port,
        ...(tls ? { tls: true as const, servername: host, rejectUnauthorized: true } : {}),
        connectTimeout: TIMEOUT_MS,
        reconnectStrategy: (retries) => Math.min(100 * 2 ** retries, MAX_RECONNECT_MS),
      },
      ...(password === undefined ? {} : { password: password.reveal() }),
      database,
      disableOfflineQueue: true,
    });
    let trouble = new Error('there is no connection');
    client.on('error', (error: Error) => {
      trouble = error;
    });
    // Who comes while it connects for the first time waits, later nobody does.
    const begun = inTime(client.connect()).catch((error: Error) => {
      trouble = error;
    });
    return { client, begun, trouble: () => trouble };
  });

  return {
    send: async (command) => {
      const { client, begun, trouble } = await connecting;
      if (!client.isReady) await begun;
      if (!client.isReady) throw trouble();
      return inTime(client.sendCommand([...command]));
    },
    close: async () => {
      const { client } = await connecting;
      client.destroy();
    },
  };
}

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
