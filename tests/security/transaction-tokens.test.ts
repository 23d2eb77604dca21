/** Transaction tokens: begun by who may, and never more on their way than they were at the start. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { SERVICES, startBridgedRealms, TOKEN_TYPE, type TokenAnswer, TRUST_DOMAIN } from '../support/bridged-realms.ts';
import { endpointUrl } from '../support/identity-provider.ts';

const realms = await startBridgedRealms();
after(() => realms[Symbol.asyncDispose]());
const { partnerToken, userToken, exchange, ask } = realms;

const TXN = { requested_token_type: `${TOKEN_TYPE}txn_token`, audience: TRUST_DOMAIN, scope: 'orders:create' };
const DETAILS = JSON.stringify({ action: 'BUY', item: { sku: 'PROD-123', quantity: 2 } });
const CONTEXT = JSON.stringify({ req_ip: '192.0.2.7', authn: 'urn:ietf:rfc:6749' });

const begin = async (token: string | Promise<string>, form: Record<string, string> = {}) =>
  await exchange('api-gateway', await token, { ...TXN, ...form });
/** A transaction that has begun, as its token. */
const begun = async (form: Record<string, string> = {}): Promise<string> => {
  const { body } = await begin(userToken(), {
    scope: 'orders:create orders:read',
    request_details: DETAILS,
    request_context: CONTEXT,
    ...form,
  });
  return String(body['access_token']);
};
const replace = async (token: string | Promise<string>, form: Record<string, string> = {}, client = 'order-service') =>
  await exchange(client, await token, { ...TXN, subject_token_type: `${TOKEN_TYPE}txn_token`, ...form });

/** A transaction token changed by whoever has it; its signature is the old one. */
const forged = async (changes: object): Promise<string> => {
  const [header, payload, signature] = (await begun()).split('.');
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as object;
  return `${header}.${Buffer.from(JSON.stringify({ ...claims, ...changes })).toString('base64url')}.${signature}`;
};
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

const REFUSED: readonly (readonly [title: string, error: string, ask: () => Promise<TokenAnswer>])[] = [
  ['another audience than the trust domain', 'invalid_target', () => begin(userToken(), { audience: 'order-service' })],
  ['no audience', 'invalid_target', () => begin(userToken(), { audience: '' })],
  [
    'a resource beside the trust domain',
    'invalid_target',
    () => begin(userToken(), { resource: 'https://order-service' }),
  ],
  ['a scope that the subject token lacks', 'invalid_scope', () => begin(userToken('orders:read'))],
  ['a subject token of unknown scope', 'invalid_scope', () => begin(partnerToken({ scope: undefined }))],
  ['no purpose', 'invalid_scope', () => begin(partnerToken({ scope: undefined }), { scope: '' })],
  [
    'a client that may not begin transactions',
    'unauthorized_client',
    () => exchange('bearer', partnerToken({ aud: 'bearer' }), TXN),
  ],
  ['a token for another service', 'invalid_request', () => begin(partnerToken({ aud: 'order-service' }))],
  ['details that are no JSON', 'invalid_request', () => begin(userToken(), { request_details: '{' })],
  ['details that are a list', 'invalid_request', () => begin(userToken(), { request_details: '[]' })],
  [
    'details that name something twice',
    'invalid_request',
    () => begin(userToken(), { request_details: '{"a":1,"a":2}' }),
  ],
  [
    'details of more than 4 KiB',
    'invalid_request',
    () => begin(userToken(), { request_details: JSON.stringify({ a: 'a'.repeat(4096) }) }),
  ],
  ['details that are 500 deep', 'invalid_request', () => begin(userToken(), { request_details: nested(500) })],
  ['context that is a text', 'invalid_request', () => begin(userToken(), { request_context: '"x"' })],
  [
    'details that hold the subject token',
    'invalid_request',
    async () => {
      const token = await userToken();
      return await begin(token, { request_details: JSON.stringify({ token }) });
    },
  ],
  // replacing
  [
    'a replacement with a scope that the old one lacks',
    'invalid_scope',
    () => replace(begun({ scope: 'orders:read' })),
  ],
  [
    'a replacement with another detail',
    'invalid_request',
    () => replace(begun(), { request_details: '{"action":"SELL"}' }),
  ],
  [
    'a replacement with another detail inside',
    'invalid_request',
    () => replace(begun(), { request_details: '{"item":{"sku":"PROD-123"}}' }),
  ],
  [
    'a replacement with another context',
    'invalid_request',
    () => replace(begun(), { request_context: '{"req_ip":"192.0.2.8"}' }),
  ],
  ['a replacement for another trust domain', 'invalid_target', () => replace(begun(), { audience: 'example.net' })],
  [
    'a replacement with an actor',
    'invalid_request',
    () => replace(begun(), { actor_token: partnerToken(), actor_token_type: `${TOKEN_TYPE}jwt` }),
  ],
  ['a replacement by who may not', 'unauthorized_client', () => replace(begun(), {}, 'bearer')],
  ['a transaction token with another scope', 'invalid_request', () => replace(forged({ scope: 'payments:create' }))],
  ['a transaction token that lives longer', 'invalid_request', () => replace(forged({ exp: 4_000_000_000 }))],
  ['an access token as a transaction token', 'invalid_request', () => replace(userToken())],
  [
    'a transaction token as an access token',
    'invalid_request',
    async () => await exchange('order-service', await begun()),
  ],
  [
    'a transaction token for an access token',
    'invalid_request',
    async () => {
      const form = { subject_token_type: `${TOKEN_TYPE}txn_token` };
      return await exchange('order-service', await begun(), form);
    },
  ],
];

describe('a transaction token', () => {
  for (const [title, error, attempt] of REFUSED) {
    test(`from ${title} is 400 ${error}`, async () => {
      const { status, body } = await attempt();
      assert.deepEqual([status, body['error']], [400, error], JSON.stringify(body));
      assert.doesNotMatch(JSON.stringify(body), /eyJ|canary|PROD/);
    });
  }

  test('says who began what, for whom and where, and nothing of the token it came from', async () => {
    const { status, body, claims } = await begin(userToken(), { request_details: DETAILS, request_context: CONTEXT });
    assert.equal(status, 200, JSON.stringify(body));
    const { access_token: token, expires_in: expiresIn, ...rest } = body;
    assert.deepEqual(rest, { issued_token_type: `${TOKEN_TYPE}txn_token`, token_type: 'N_A', scope: 'orders:create' });
    const { iat, exp, txn, jti: _, ...said } = claims;
    assert.equal(Number(exp) - Number(iat), expiresIn);
    assert.match(String(txn), /^[\da-f-]{36}$/);
    assert.deepEqual(said, {
      iss: SERVICES,
      aud: TRUST_DOMAIN,
      sub: 'user-123',
      scope: 'orders:create',
      req_wl: 'api-gateway',
      tctx: { action: 'BUY', item: { sku: 'PROD-123', quantity: 2 } },
      rctx: { req_ip: '192.0.2.7', authn: 'urn:ietf:rfc:6749' },
    });
    const keys = createRemoteJWKSet(new URL(endpointUrl(realms.provider, 'services', 'certs')));
    const { protectedHeader } = await jwtVerify(String(token), keys, { issuer: SERVICES, audience: TRUST_DOMAIN });
    assert.deepEqual([protectedHeader.typ, protectedHeader.alg], ['txntoken+jwt', 'ES256']);
  });

  test('lives for five minutes at most, also where other tokens of its client live longer', async () => {
    const token = realms.partnerToken({
      aud: 'data-service',
      exp: Math.floor(Date.now() / 1000) + 3600,
      scope: 'orders:create',
    });
    assert.equal((await exchange('data-service', token)).body['expires_in'], 900);
    assert.equal((await exchange('data-service', token, TXN)).body['expires_in'], 300);
  });

  test('is never the same transaction twice', async () => {
    const token = await userToken();
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await begin(token)).claims['txn']));
    assert.equal(new Set(ids).size, 20);
  });

  test('is replaced by a narrower one: the transaction, its subject, context and details stay, the workload is added', async () => {
    const first = await begun();
    const { status, body, claims } = await replace(first, {
      scope: 'orders:read',
      request_details: '{"checked":true}',
    });
    assert.equal(status, 200, JSON.stringify(body));
    const before = JSON.parse(Buffer.from(first.split('.')[1] ?? '', 'base64url').toString()) as typeof claims;
    for (const same of ['iss', 'aud', 'sub', 'txn', 'rctx']) assert.deepEqual(claims[same], before[same], same);
    assert.deepEqual(
      [claims['scope'], claims['req_wl'], claims['tctx']],
      ['orders:read', 'api-gateway,order-service', { ...(before['tctx'] as object), checked: true }],
    );
    assert.ok(Number(claims['exp']) <= Number(before['exp']));
    const wider = await replace(String(body['access_token']), { scope: 'orders:create' }, 'payment-service');
    assert.deepEqual([wider.status, wider.body['error']], [400, 'invalid_scope']);
  });

  test('is replaced three times at most', async () => {
    let token = await begun();
    for (const client of ['order-service', 'payment-service', 'data-service']) {
      const { status, body } = await replace(token, {}, client);
      assert.equal(status, 200, JSON.stringify(body));
      token = String(body['access_token']);
    }
    const { status, body } = await replace(token, {}, 'archive');
    assert.deepEqual([status, body['error']], [400, 'invalid_request']);
  });

  test('leaves no token, detail or context in the log', async () => {
    const token = await begun();
    await replace(token);
    await ask('api-gateway', { grant_type: 'x' });
    const log = JSON.stringify(realms.provider.events);
    assert.doesNotMatch(log, /PROD-123|192\.0\.2\.7|eyJ|canary/);
    assert.match(log, /"txn":"[\da-f-]{36}"/);
  });
});
