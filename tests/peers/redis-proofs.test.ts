/** DPoP proofs remembered in the real Redis: what one replica has seen is new to none. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Ingress, startIngress } from '../support/ingress.ts';
import { createProofKey } from '../support/proofs.ts';
import { sendRequest, type WireAnswer } from '../support/wire.ts';
import { withoutRedis } from './redis-binary.ts';
import { startRedisServer } from './redis-server.ts';

const PASSWORD = 'canary-redis-password';
const ORIGIN = 'https://orders.example.com';

describe('proofs in Redis', { skip: withoutRedis() }, () => {
  test('C-059 C-224 of a hundred parallel uses at two replicas exactly one passes; a lost Redis lets nobody in', async () => {
    const key = createProofKey();
    await using stack = new AsyncDisposableStack();
    const redis = await startRedisServer(PASSWORD);
    stack.defer(() => redis[Symbol.asyncDispose]());
    const store = `{ type: redis, redis: { address: "127.0.0.1:${redis.port}", password: "\${REDIS}" } }`;
    const dpop = `{ enabled: true, origins: [${ORIGIN}], replay_store: ${store} }`;
    const first = stack.use(
      await startIngress({
        proxy: `  authz: { enabled: false }\n  auth: { dpop: ${dpop} }`,
        env: { REDIS: PASSWORD },
      }),
    );
    const second = stack.use(
      await startIngress({
        proxy: `  authz: { enabled: false }\n  auth: { dpop: ${dpop} }`,
        env: { REDIS: PASSWORD, JWKS: `${first.jwks.origin}/certs` },
      }),
    );
    const token = first.token({ cnf: { jkt: key.thumbprint } });
    const use = (proof: string, at: Ingress): Promise<WireAnswer> =>
      sendRequest(at.wire, { target: '/orders', headers: ['Authorization', `DPoP ${token}`, 'DPoP', proof] });
    const proof = key.prove({ uri: `${ORIGIN}/orders`, token });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => use(proof, i % 2 ? first : second)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal(answers.filter(({ body }) => body.includes('dpop_proof_replayed')).length, 99);
    assert.ok(!(await redis.ask('KEYS', '*')).includes(key.thumbprint));
    await redis[Symbol.asyncDispose]();
    const late = await use(key.prove({ uri: `${ORIGIN}/orders`, token }), first);
    assert.equal(late.status, 503, late.raw);
  });
});
