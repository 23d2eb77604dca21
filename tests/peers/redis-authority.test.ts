/** Replicas of an authority that remember in the real Redis what may be used once. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { SignJWT } from 'jose';
import { authorityFolder } from '../support/authority.ts';
import type { IssuerProcess } from '../support/issuer-process.ts';
import { audienceMapper, ORDER_SECRET, servicesRealm } from '../support/realms.ts';
import { withoutRedis } from './redis-binary.ts';
import { startRedisServer } from './redis-server.ts';

const PASSWORD = 'canary-redis-password';
const ISSUER = 'http://127.0.0.1:8443/realms/services';
const key = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const reporting = {
  clientId: 'reporting',
  serviceAccountsEnabled: true,
  clientAuthenticatorType: 'client-jwt',
  attributes: { 'jwks.string': JSON.stringify({ keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'r1' }] }) },
  protocolMappers: [audienceMapper('data-service')],
};

const assertionWith = (jti: string): Promise<string> =>
  new SignJWT({ jti })
    .setProtectedHeader({ alg: 'ES256', kid: 'r1' })
    .setIssuer('reporting')
    .setSubject('reporting')
    .setAudience(ISSUER)
    .setIssuedAt()
    .setExpirationTime('4m')
    .sign(key.privateKey);

async function ask({ url }: IssuerProcess, form: Readonly<Record<string, string>>): Promise<number> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...form });
  return (await fetch(`${url}/realms/services/protocol/openid-connect/token`, { method: 'POST', body })).status;
}

const present = (replica: IssuerProcess, assertion: string): Promise<number> =>
  ask(replica, {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });

describe('an authority with Redis', { skip: withoutRedis() }, () => {
  test('C-199 C-224 100 parallel uses of one assertion on two replicas: 1 success; a lost Redis takes none, and secrets go on', async () => {
    await using stack = new AsyncDisposableStack();
    const redis = await startRedisServer(PASSWORD);
    stack.defer(() => redis[Symbol.asyncDispose]());
    const more = `replay: { type: redis, redis: { address: "127.0.0.1:${redis.port}", password_file: redis.password } }`;
    // Each has a store of its own: all that they have in common is the Redis.
    const folders = await Promise.all([1, 2].map(() => authorityFolder({ realms: [servicesRealm(reporting)], more })));
    for (const folder of folders) {
      stack.use(folder);
      await folder.write('redis.password', PASSWORD);
    }
    const replicas = await Promise.all(folders.map((folder) => folder.start()));
    for (const replica of replicas) {
      stack.use(replica);
      assert.ok(replica.url !== undefined, replica.stderr());
    }
    const assertion = await assertionWith('only-once');
    const uses = Array.from({ length: 50 }, () => replicas.map((replica) => present(replica, assertion))).flat();
    const statuses = await Promise.all(uses);
    assert.equal(statuses.filter((status) => status === 200).length, 1, statuses.join());
    assert.equal(statuses.filter((status) => status === 401 || status === 429).length, 99, statuses.join());
    assert.match(await redis.ask('KEYS', '*'), /sidegate:replay:/);
    assert.ok(!(await redis.ask('KEYS', '*')).includes('only-once'));
    await redis[Symbol.asyncDispose]();
    const [first] = replicas;
    assert.ok(first);
    assert.equal(await ask(first, { client_id: 'order-service', client_secret: ORDER_SECRET }), 200);
    const other = replicas[1] ?? first;
    const late = await present(other, await assertionWith('late'));
    // The caller's refusals before may still count against it.
    assert.ok(late === 503 || late === 429, String(late));
    for (const replica of replicas) assert.doesNotMatch(replica.stdout() + replica.stderr(), /canary-redis/);
  });
});
