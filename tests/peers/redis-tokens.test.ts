/** Tokens shared through the real Redis: one replica asks for all, Redis learns nothing, and its loss stops nobody. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type HttpApp, startHttpApp, valuesOf } from '../support/http-app.ts';
import type { TestSidecar } from '../support/sidecar.ts';
import { startTokenEndpoint, type TokenEndpoint } from '../support/token-endpoint.ts';
import { REPLICA_SECRETS, startReplica } from '../support/token-replica.ts';
import { until } from '../support/until.ts';
import { sendRequest } from '../support/wire.ts';
import { withoutRedis } from './redis-binary.ts';
import { type RedisServer, startRedisServer } from './redis-server.ts';

interface Surroundings {
  readonly redis: RedisServer;
  readonly endpoint: TokenEndpoint;
  readonly target: HttpApp;
  readonly stack: AsyncDisposableStack;
}

async function surroundings(): Promise<Surroundings> {
  const stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedisServer(REPLICA_SECRETS.REDIS));
  let issued = 0;
  const endpoint = stack.use(
    await startTokenEndpoint(async () => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { body: { access_token: `canary-token-${(issued += 1)}`, token_type: 'Bearer', expires_in: 300 } };
    }),
  );
  const target = stack.use(await startHttpApp());
  return { redis, endpoint, target, stack };
}

function replica(
  { redis, endpoint, target, stack }: Surroundings,
  options: {
    readonly scope?: string;
    readonly clientSecret?: string;
    readonly password?: string;
    readonly more?: string;
  } = {},
): Promise<TestSidecar> {
  const { password = '"${REDIS}"', more = '', ...rest } = options;
  const store = `{ type: redis, redis: { address: "127.0.0.1:${redis.port}", password: ${password}${more} } }`;
  return startReplica({ endpoint, target, store, ...rest }).then((started) => stack.use(started));
}

async function call(sidecar: TestSidecar): Promise<void> {
  const answer = await sendRequest({ port: sidecar.egressPort }, { target: '/data' });
  assert.equal(answer.status, 200, answer.raw);
}

const tokensAt = ({ seen }: HttpApp): readonly string[] =>
  seen.flatMap(({ rawHeaders }) => valuesOf(rawHeaders, 'authorization')).map((value) => value.replace('Bearer ', ''));

describe('tokens in Redis', { skip: withoutRedis() }, () => {
  test('a wrong password: every replica asks for itself, and says so once without any secret', async () => {
    const around = await surroundings();
    await using _ = around.stack;
    const wrong = await replica(around, { password: '"${CLIENT}"' });
    for (let i = 0; i < 3; i += 1) await call(wrong);
    assert.equal(wrong.log().split('Redis is away').length - 1, 1);
    for (const secret of [...Object.values(REPLICA_SECRETS), 'canary-token']) assert.ok(!wrong.log().includes(secret));
    assert.match(await around.redis.ask('KEYS', '*'), /\*0\r\n/);
  });

  test('C-217 another scope, another secret of the client: another token', async () => {
    const around = await surroundings();
    await using _ = around.stack;
    for (const options of [{}, { scope: 'write' }, { clientSecret: 'canary-other-secret' }]) {
      await call(await replica(around, options));
    }
    assert.equal(new Set(tokensAt(around.target)).size, 3);
  });

  test('six replicas at once: one token request, and Redis holds neither the token nor a secret', async () => {
    const around = await surroundings();
    await using _ = around.stack;
    const replicas = await Promise.all(Array.from({ length: 6 }, () => replica(around)));
    await Promise.all(replicas.flatMap((each) => [call(each), call(each)]));
    assert.equal(around.endpoint.requests.length, 1);
    assert.deepEqual(new Set(tokensAt(around.target)), new Set(['canary-token-1']));
    const keys = await around.redis.ask('KEYS', '*');
    const [key = ''] = /egress:tokens:[\da-f]{64}/.exec(keys) ?? [];
    assert.match(keys, /\*1\r\n/, 'the token and no lock');
    const [kept, ttl] = [await around.redis.ask('GET', key), await around.redis.ask('TTL', key)];
    const sealed = Buffer.from(kept.split('\r\n').at(-3) ?? '', 'base64').toString('latin1');
    for (const text of [keys, kept, sealed]) assert.ok(!text.includes('canary'));
    assert.ok(Number(/:(\d+)/.exec(ttl)?.[1]) > 290, ttl);
    for (const each of replicas) assert.ok(!each.log().includes('Redis'));
  });

  test('the prefix and the number of the database are those of the configuration', async () => {
    const around = await surroundings();
    await using _ = around.stack;
    await call(await replica(around, { more: ', db: 3, key_prefix: "mine:"' }));
    assert.match(await around.redis.ask('KEYS', '*'), /\*0\r\n/);
    assert.match(await around.redis.ask('INFO', 'keyspace'), /db3:keys=1/);
  });

  test('Redis goes and comes back: calls go through, and whoever starts then shares again', async () => {
    const around = await surroundings();
    await using _ = around.stack;
    const { port } = around.redis;
    await around.redis[Symbol.asyncDispose]();
    const lonely = await replica(around);
    await call(lonely);
    assert.equal(around.endpoint.requests.length, 1);
    await using back = await startRedisServer(REPLICA_SECRETS.REDIS, port);
    const other = await replica(around);
    await call(other);
    assert.equal(around.endpoint.requests.length, 2);
    await until(() => lonely.log().includes('Redis is away'));
    assert.ok(!other.log().includes('Redis is away'));
    assert.match(await back.ask('DBSIZE'), /:1\r\n/);
  });
});
