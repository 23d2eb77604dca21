import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDpopKey, createDpopNonces, type DpopKey, type ProofRequest } from '@sidegate/sdk';
import { requestToken, startIdentityProvider, systemClock } from '../../../../../tests/support/identity-provider.ts';
import { ORDER_SECRET, servicesRealm } from '../../../../../tests/support/realms.ts';

const URI = 'https://keycloak.example.com/realms/services/protocol/openid-connect/token';
const always = {
  clientId: 'always',
  serviceAccountsEnabled: true,
  secret: 'canary-always',
  attributes: { 'dpop.bound.access.tokens': 'true' },
  defaultClientScopes: ['data-service:read'],
};

async function start(options: { readonly nonces?: ReturnType<typeof createDpopNonces> } = {}) {
  const provider = await startIdentityProvider({ realms: [servicesRealm(always)], algorithms: ['ES256'], ...options });
  const ask = async (client_id: string, client_secret: string, headers: Record<string, string> = {}) => {
    const form = { grant_type: 'client_credentials', client_id, client_secret };
    const response = await requestToken(provider, 'services', form, headers);
    const body = (await response.json()) as Record<string, string>;
    const claims = JSON.parse(Buffer.from(body['access_token']?.split('.')[1] ?? 'e30', 'base64url').toString());
    return { status: response.status, body, claims, nonce: response.headers.get('dpop-nonce') };
  };
  return { ask, provider, [Symbol.asyncDispose]: () => provider.close() };
}

const prove = (key: DpopKey, changes: Partial<ProofRequest> = {}, atMs = Date.now()) =>
  key.prove({ method: 'POST', url: URI, ...changes }, atMs);

for (const [title, proof] of [
  ['for another endpoint', (key: DpopKey) => prove(key, { url: URI.replace('services', 'users') })],
  ['for another method', (key: DpopKey) => prove(key, { method: 'GET' })],
  ['from two minutes ago', (key: DpopKey) => prove(key, {}, Date.now() - 120_000)],
  ['that is none', () => 'canary'],
  ['that is empty', () => ''],
  ['beside a second one', (key: DpopKey) => `${prove(key)}, ${prove(key)}`],
] as const) {
  test(`RFC 9449 section 5 a DPoP proof ${title} is 400 invalid_dpop_proof, also where none was needed`, async () => {
    await using issuer = await start();
    const { status, body } = await issuer.ask('order-service', ORDER_SECRET, { dpop: proof(createDpopKey()) });
    assert.deepEqual([status, body['error']], [400, 'invalid_dpop_proof']);
    assert.doesNotMatch(JSON.stringify(body), /canary|eyJ/);
  });
}

test('RFC 9449 section 5.2 a client of bound tokens gets none without a proof', async () => {
  await using issuer = await start();
  const { status, body } = await issuer.ask('always', 'canary-always');
  assert.deepEqual([status, body['error']], [400, 'invalid_dpop_proof']);
});

test('a proof from who is not the client costs nobody else anything: it is not remembered', async () => {
  await using issuer = await start();
  const proof = prove(createDpopKey());
  assert.equal((await issuer.ask('always', 'wrong', { dpop: proof })).status, 401);
  assert.equal((await issuer.ask('always', 'canary-always', { dpop: proof })).status, 200);
});

test('RFC 9449 section 11.1 of 50 parallel requests with one proof exactly one gets a token', async () => {
  let minutes = 0;
  await using provider = await startIdentityProvider({
    realms: [servicesRealm(always)],
    algorithms: ['ES256'],
    clock: { ...systemClock, monotonic: () => 60_000 * minutes++ },
  });
  const dpop = prove(createDpopKey());
  const form = { grant_type: 'client_credentials', client_id: 'always', client_secret: 'canary-always' };
  const statuses = await Promise.all(
    Array.from({ length: 50 }, async () => (await requestToken(provider, 'services', form, { dpop })).status),
  );
  assert.deepEqual([statuses.filter((status) => status === 200).length, new Set(statuses).size], [1, 2]);
});

test('RFC 9449 section 6.1 the token of a proof is bound to its key and says DPoP', async () => {
  await using issuer = await start();
  const key = createDpopKey();
  for (const [id, secret] of [
    ['always', 'canary-always'],
    ['order-service', ORDER_SECRET],
  ] as const) {
    const { status, body, claims } = await issuer.ask(id, secret, { dpop: prove(key) });
    assert.deepEqual([status, body['token_type']], [200, 'DPoP']);
    assert.deepEqual(claims.cnf, { jkt: key.thumbprint });
  }
  const { body, claims } = await issuer.ask('order-service', ORDER_SECRET);
  assert.deepEqual([body['token_type'], claims.cnf], ['Bearer', undefined]);
  assert.deepEqual(
    issuer.provider.events.map(({ key_bound }) => key_bound),
    [true, true, undefined],
  );
});

test('RFC 9449 section 8 an issuer that wants nonces says which, and takes no other', async () => {
  const nonces = createDpopNonces({ secret: Buffer.alloc(32, 1), clock: systemClock });
  const foreign = createDpopNonces({ secret: Buffer.alloc(32, 2), clock: systemClock });
  await using issuer = await start({ nonces });
  const key = createDpopKey();
  for (const nonce of [undefined, foreign.current()]) {
    const refused = await issuer.ask('always', 'canary-always', { dpop: prove(key, { nonce }) });
    assert.deepEqual([refused.status, refused.body['error']], [400, 'use_dpop_nonce']);
    assert.equal(refused.nonce, nonces.current());
  }
  const { status, claims } = await issuer.ask('always', 'canary-always', {
    dpop: prove(key, { nonce: nonces.current() }),
  });
  assert.deepEqual([status, claims.cnf], [200, { jkt: key.thumbprint }]);
});
