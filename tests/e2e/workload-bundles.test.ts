/** JWT-SVIDs as tokens, by the bundles that a Workload API has: of trust domains that the configuration names, and as long as it has them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workloadApi } from '@sidegate/sdk/workload-api';
import { decodeProtectedHeader } from 'jose';
import { startIngress } from '../support/ingress.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { until } from '../support/until.ts';
import { attestSameUser, CLOCK, SCHEDULE, startWorkloadAuthority } from '../support/workload-authority.ts';

const PARTNER = 'partner.example';
const partnerKey = createSigningKey('ES256', 'partner-1');
const partnerBundle = keySetBytes(partnerKey.jwk({ use: undefined }));

const partnerSvid = (id = `spiffe://${PARTNER}/billing`): string => {
  const iat = Math.floor(Date.now() / 1000);
  return mint({ sub: id, aud: 'order-service', iat, exp: iat + 300 }, { key: partnerKey, header: { typ: 'JWT' } });
};

async function start(...trustDomains: readonly string[]) {
  await using started = new AsyncDisposableStack();
  const authority = started.use(await startWorkloadAuthority({ attestPeer: attestSameUser }));
  authority.federate(PARTNER, partnerBundle);
  const domains = trustDomains.map(
    (name) => `{ trust_domain: ${name}, audience: order-service, source: workload_api }`,
  );
  const ingress = started.use(
    await startIngress({
      jwt: `  trust_domains: [${domains.join(', ')}]`,
      chapters: `workload_api: { socket: "${authority.socket}", timeout: 5s }`,
    }),
  );
  const running = started.move();
  const ask = async (token: string): Promise<number | string> => {
    const { status, body } = await ingress.send({ headers: ['Authorization', `Bearer ${token}`] });
    return status === 200 ? status : (JSON.parse(body) as { code: string }).code;
  };
  return {
    authority,
    ask,
    /** Asked until it is so. */
    becomes: async (token: string, expected: number | string) => {
      await until(async () => (await ask(token)) === expected);
      assert.equal(await ask(token), expected);
    },
    /** A new one each time. */
    ownSvid: async () => {
      const api = workloadApi({ socket: authority.socket, clock: CLOCK, schedule: SCHEDULE, random: Math.random });
      const token = await api.jwtSvid(['order-service']);
      api.close();
      return token.reveal();
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

test('S4-083 a trust domain that the Workload API federates with is nobody where the configuration does not name it', async () => {
  await using system = await start('example.org');
  assert.equal(await system.ask(partnerSvid()), 'token_issuer_mismatch');
  assert.equal(await system.ask(await system.ownSvid()), 200);
});

test('S4-083 a federated trust domain signs for its own workloads alone, and no longer than the Workload API has its bundle', async () => {
  await using system = await start('example.org', PARTNER);
  assert.equal(await system.ask(partnerSvid('spiffe://example.org/zone2/order-service')), 'token_key_not_found');
  assert.equal(await system.ask(partnerSvid()), 200);
  system.authority.federate(PARTNER, undefined);
  await system.becomes(partnerSvid(), 'jwks_unavailable');
  system.authority.federate(PARTNER, keySetBytes(createSigningKey('ES256', 'partner-2').jwk({ use: undefined })));
  await system.becomes(partnerSvid(), 'token_key_not_found');
  system.authority.federate(PARTNER, partnerBundle);
  await system.becomes(partnerSvid(), 200);
});

test('a key that the Workload API tells of is good from then on, beside the one before', async () => {
  await using system = await start('example.org');
  const before = await system.ownSvid();
  system.authority.rotateKey();
  const after = await system.ownSvid();
  assert.notEqual(decodeProtectedHeader(after).kid, decodeProtectedHeader(before).kid);
  await system.becomes(after, 200);
  assert.equal(await system.ask(before), 200);
});
