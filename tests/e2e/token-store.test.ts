/** `egress.token_store`: without Redis every replica asks for itself, and its owner is told. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startHttpApp, valuesOf } from '../support/http-app.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { REPLICA_SECRETS, startReplica } from '../support/token-replica.ts';
import { sendRequest } from '../support/wire.ts';

const granted = () => ({ body: { access_token: 'canary-token', token_type: 'Bearer', expires_in: 300 } });

describe('a token store', () => {
  for (const [title, store, warnings] of [
    ['of Redis that is not there', '{ type: redis, redis: { address: "127.0.0.1:1", password: "${REDIS}" } }', 1],
    ['of memory', '{ type: memory }', 0],
  ] as const) {
    test(`${title}: the call goes through with a token of its own, ${warnings} warning, no secret`, async () => {
      await using endpoint = await startTokenEndpoint(granted);
      await using target = await startHttpApp();
      await using replica = await startReplica({ endpoint, target, store });
      for (let i = 0; i < 3; i += 1) {
        const answer = await sendRequest({ port: replica.egressPort }, { target: '/data' });
        assert.equal(answer.status, 200, answer.raw);
      }
      assert.deepEqual(valuesOf(target.seen.at(-1)?.rawHeaders ?? [], 'authorization'), ['Bearer canary-token']);
      assert.equal(endpoint.requests.length, 1);
      assert.equal(replica.log().split('Redis is away').length - 1, warnings);
      for (const secret of [...Object.values(REPLICA_SECRETS), 'canary-token']) {
        assert.ok(!`${replica.log()}${replica.lines.join('')}`.includes(secret));
      }
    });
  }
});
