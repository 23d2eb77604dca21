/** Nonces of signed requests remembered in the real Redis: what one replica has seen is new to none. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { redisReplayStore } from '@sidegate/sdk';
import { createRedisCommands } from '../../packages/sidegate/src/net/redis-commands.ts';
import { type AuthenticatedService, startAuthenticatedService } from '../support/authenticated-service.ts';
import { signedCall, signingAuthenticator, wireOf } from '../support/signed-calls.ts';
import { sendRequest, type WireRequest } from '../support/wire.ts';
import { withoutRedis } from './redis-binary.ts';
import { startRedisServer } from './redis-server.ts';

const PASSWORD = 'canary-redis-password';

describe('signed requests in Redis', { skip: withoutRedis() }, () => {
  test('C-224 of a hundred parallel uses at two replicas exactly one passes; a lost Redis lets nobody in', async () => {
    await using stack = new AsyncDisposableStack();
    const redis = stack.use(await startRedisServer(PASSWORD));
    const start = async (): Promise<AuthenticatedService> => {
      const commands = createRedisCommands({
        host: '127.0.0.1',
        port: redis.port,
        tls: false,
        database: 0,
        password: { reveal: () => PASSWORD },
      });
      stack.defer(() => commands.close());
      const replay = redisReplayStore({
        command: (command) => commands.send(command),
        keyPrefix: 'signatures:',
        clock: { now: () => Date.now() },
      });
      return stack.use(await startAuthenticatedService({ authenticator: signingAuthenticator(replay) }));
    };
    const replicas = [await start(), await start()] as const;
    const use = async (at: AuthenticatedService, request: WireRequest): Promise<number> =>
      (await sendRequest(at, request)).status;
    const request = wireOf(signedCall());
    const statuses = await Promise.all(
      Array.from({ length: 100 }, (_, index) => use(replicas[index % 2 === 0 ? 0 : 1], request)),
    );
    assert.equal(statuses.filter((status) => status === 200).length, 1);
    assert.equal(statuses.filter((status) => status === 401).length, 99);
    assert.equal(await use(replicas[1], wireOf(signedCall())), 200);
    await redis[Symbol.asyncDispose]();
    assert.equal(await use(replicas[0], wireOf(signedCall())), 503);
  });
});
