/** Commands remembered in the real Redis. */
import { describe } from 'node:test';
import { redisIdempotencyStore } from '@sidegate/sdk/server';
import { createRedisCommands } from '../../packages/sidegate/src/net/redis-commands.ts';
import { idempotencyTable } from '../support/idempotency-table.ts';
import { withoutRedis } from './redis-binary.ts';
import { startRedisServer } from './redis-server.ts';

const PASSWORD = 'canary-redis-password';

describe('commands in Redis', { skip: withoutRedis() }, () => {
  idempotencyTable('Redis', async () => {
    const stack = new AsyncDisposableStack();
    const redis = stack.use(await startRedisServer(PASSWORD));
    const open = () => {
      const password = { reveal: () => PASSWORD };
      const commands = createRedisCommands({ host: '127.0.0.1', port: redis.port, tls: false, database: 0, password });
      stack.defer(() => commands.close());
      return redisIdempotencyStore({ command: (command) => commands.send(command), keyPrefix: 'payments:' });
    };
    return { replicas: [open(), open()], [Symbol.asyncDispose]: () => stack.disposeAsync() };
  });
});
