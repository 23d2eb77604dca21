/** Tokens for tokens (RFC 8693): what comes of one never has more than it had. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  EXCHANGE,
  LOGIN,
  PARTNER,
  SERVICES,
  startBridgedRealms,
  TOKEN_TYPE,
  type TokenAnswer,
} from '../support/bridged-realms.ts';
import { createSigningKey, hmac } from '../support/tokens.ts';

const realms = await startBridgedRealms();
after(() => realms[Symbol.asyncDispose]());
const { partnerToken, userToken, exchange, ask } = realms;

const other = createSigningKey('ES256', 'partner');
const now = () => Math.floor(Date.now() / 1000);
const ACTOR = { actor_token_type: `${TOKEN_TYPE}access_token` };
const chain = (length: number): object => ({ sub: `s${length}`, ...(length > 1 ? { act: chain(length - 1) } : {}) });

type Refused = readonly [title: string, error: string, ask: () => Promise<TokenAnswer> | TokenAnswer];

const byGateway = async (token: string | Promise<string>, form: Record<string, string> = {}) =>
  await exchange('api-gateway', await token, form);

const REFUSED: readonly Refused[] = [
  // scope: C-204
  [
    'C-204 a scope that the subject token lacks',
    'invalid_scope',
    () => byGateway(userToken('orders:read'), { scope: 'orders:create' }),
  ],
  [
    'C-204 one scope more',
    'invalid_scope',
    () => byGateway(userToken('orders:read'), { scope: 'orders:read orders:create' }),
  ],
  [
    'C-204 a scope that the client lacks',
    'invalid_scope',
    () => byGateway(userToken('payments:create'), { scope: 'payments:create' }),
  ],
  ['C-204 the scope *', 'invalid_scope', () => byGateway(partnerToken({ scope: '*' }), { scope: '*' })],
  [
    'C-204 a scope of a token that has none',
    'invalid_scope',
    () => byGateway(partnerToken({ scope: undefined }), { scope: 'orders:read' }),
  ],
  [
    'C-204 a scope that is a prefix of one it has',
    'invalid_scope',
    () => byGateway(partnerToken({ scope: 'orders:read' }), { scope: 'orders' }),
  ],
  // actors: C-204
  ['C-204 a fifth actor', 'invalid_request', () => byGateway(partnerToken({ act: chain(4) }))],
  ['C-204 a chain of a hundred actors', 'invalid_request', () => byGateway(partnerToken({ act: chain(25) }))],
  ['C-204 an actor that is a text', 'invalid_request', () => byGateway(partnerToken({ act: 'someone' }))],
  ['C-204 an actor without subject', 'invalid_request', () => byGateway(partnerToken({ act: { iss: PARTNER } }))],
  ['C-204 an actor that is a list', 'invalid_request', () => byGateway(partnerToken({ act: [{ sub: 'a' }] }))],
  [
    'C-204 an actor who acts for another',
    'invalid_request',
    () => byGateway(userToken(), { ...ACTOR, actor_token: partnerToken({ act: chain(1) }) }),
  ],
  [
    'a subject that another may act for',
    'invalid_request',
    () => byGateway(partnerToken({ may_act: { sub: 'service-account-other' } })),
  ],
  ['a subject that nobody may act for', 'invalid_request', () => byGateway(partnerToken({ may_act: {} }))],
  [
    'a subject that may be acted for in an unknown way',
    'invalid_request',
    () => byGateway(partnerToken({ may_act: { sub: 'service-account-api-gateway', email: 'a@b' } })),
  ],
  // parameters: RFC 8693 section 2.1
  ['no subject token', 'invalid_request', () => byGateway('')],
  ['no type of the subject token', 'invalid_request', () => byGateway(userToken(), { subject_token_type: '' })],
  [
    'a subject token of another type',
    'invalid_request',
    () => byGateway(userToken(), { subject_token_type: `${TOKEN_TYPE}saml2` }),
  ],
  [
    'a refresh token',
    'invalid_request',
    () => byGateway(userToken(), { subject_token_type: `${TOKEN_TYPE}refresh_token` }),
  ],
  [
    'a transaction token for an access token',
    'invalid_request',
    () => byGateway(userToken(), { subject_token_type: `${TOKEN_TYPE}txn_token` }),
  ],
  [
    'a refresh token as result',
    'invalid_request',
    () => byGateway(userToken(), { requested_token_type: `${TOKEN_TYPE}refresh_token` }),
  ],
  [
    'an ID token as result',
    'invalid_request',
    () => byGateway(userToken(), { requested_token_type: `${TOKEN_TYPE}id_token` }),
  ],
  ['an actor token without its type', 'invalid_request', () => byGateway(userToken(), { actor_token: partnerToken() })],
  ['the type of an actor token without it', 'invalid_request', () => byGateway(userToken(), ACTOR)],
  [
    'an actor token of another type',
    'invalid_request',
    () => byGateway(userToken(), { actor_token: partnerToken(), actor_token_type: 'x' }),
  ],
  // the tokens themselves
  ['a token for another service', 'invalid_request', () => byGateway(partnerToken({ aud: 'order-service' }))],
  ['a token without audience', 'invalid_request', () => byGateway(partnerToken({ aud: undefined }))],
  ['a token that has expired', 'invalid_request', () => byGateway(partnerToken({ iat: now() - 120, exp: now() - 60 }))],
  [
    'a token in the seconds in which clocks differ',
    'invalid_request',
    () => byGateway(partnerToken({ iat: now() - 60, exp: now() - 2 })),
  ],
  ['a token without expiry', 'invalid_request', () => byGateway(partnerToken({ exp: undefined }))],
  ['a token from the future', 'invalid_request', () => byGateway(partnerToken({ iat: now() + 60, exp: now() + 120 }))],
  [
    'a token of an unknown issuer',
    'invalid_request',
    () => byGateway(partnerToken({ iss: 'https://evil.example.com' })),
  ],
  [
    'a token of an identity provider that is only there to log in',
    'invalid_request',
    () => byGateway(partnerToken({ iss: LOGIN })),
  ],
  ['a token of this realm by another key', 'invalid_request', () => byGateway(partnerToken({ iss: SERVICES }))],
  ['a token by another key of the same name', 'invalid_request', () => byGateway(partnerToken({}, { key: other }))],
  [
    'an unsigned token',
    'invalid_request',
    () => byGateway(partnerToken({}, { header: { alg: 'none' }, sign: () => Buffer.alloc(0) })),
  ],
  [
    'a token by HMAC',
    'invalid_request',
    () => byGateway(partnerToken({}, { header: { alg: 'HS256' }, sign: hmac('sha256', 'x') })),
  ],
  ['an ID token', 'invalid_request', () => byGateway(partnerToken({ at_hash: 'x' }))],
  ['a JWT of another kind', 'invalid_request', () => byGateway(partnerToken({}, { header: { typ: 'dpop+jwt' } }))],
  ['a token that is none', 'invalid_request', () => byGateway('canary')],
  ['a token of 9000 characters', 'invalid_request', () => byGateway(partnerToken({ x: 'x'.repeat(9000) }))],
  [
    'an actor token for another service',
    'invalid_request',
    () => byGateway(userToken(), { ...ACTOR, actor_token: partnerToken({ aud: 'x' }) }),
  ],
  // subjects
  [
    'a subject of the partner with the name of a user here',
    'invalid_request',
    () => byGateway(partnerToken({ sub: 'local-user' })),
  ],
  [
    'a subject of the partner with the name of a federated user',
    'invalid_request',
    () => byGateway(partnerToken({ sub: 'jane-here' })),
  ],
  [
    'a subject of the partner with the name of a service account',
    'invalid_request',
    () => byGateway(partnerToken({ sub: 'service-account-plain' })),
  ],
  // audiences and clients
  [
    'an audience that the client may not name',
    'invalid_target',
    () => byGateway(userToken(), { audience: 'data-service' }),
  ],
  [
    'a resource that the client may not name',
    'invalid_target',
    () => byGateway(userToken(), { resource: 'https://data-service' }),
  ],
  ['the audience of the subject token', 'invalid_target', () => byGateway(userToken(), { audience: 'api-gateway' })],
  [
    'a client that may not exchange',
    'unauthorized_client',
    async () => await exchange('plain', partnerToken({ aud: 'plain' })),
  ],
  ['a client whose token it is not', 'invalid_request', async () => await exchange('order-service', await userToken())],
];

describe('token exchange', () => {
  for (const [title, error, attempt] of REFUSED) {
    test(`${title} is 400 ${error}`, async () => {
      const { status, body } = await attempt();
      assert.deepEqual([status, body['error']], [400, error], JSON.stringify(body));
      assert.doesNotMatch(JSON.stringify(body), /eyJ|canary/);
    });
  }
});

test('an exchange without client authentication is 401', async () => {
  const form = { grant_type: EXCHANGE, subject_token: await userToken(), subject_token_type: `${TOKEN_TYPE}jwt` };
  const { status } = await ask('api-gateway', { ...form, client_secret: 'x' });
  assert.equal(status, 401);
});

test('a user token of one realm becomes a token of another: subject kept, scope and audience narrowed, the actor named', async () => {
  const { status, body, claims } = await byGateway(userToken(), { scope: 'orders:read' });
  assert.equal(status, 200, JSON.stringify(body));
  const { access_token: _, expires_in: expiresIn, ...rest } = body;
  assert.deepEqual(rest, {
    issued_token_type: `${TOKEN_TYPE}access_token`,
    token_type: 'Bearer',
    scope: 'orders:read',
  });
  const { exp, iat, jti: __, ...said } = claims;
  assert.equal(Number(exp) - Number(iat), expiresIn);
  assert.deepEqual(said, {
    iss: SERVICES,
    sub: 'user-123',
    aud: 'order-service',
    scope: 'orders:read',
    azp: 'api-gateway',
    client_id: 'api-gateway',
    // roles of realm users mean nothing in realm services
    preferred_username: 'john',
    email: 'john@example.com',
    act: { sub: 'service-account-api-gateway', client_id: 'api-gateway' },
  });
});

test('without a scope parameter it has what both the subject token and the client may have', async () => {
  const { claims } = await byGateway(userToken('orders:create payments:create'));
  assert.equal(claims['scope'], 'orders:create');
});

test('it ends with the subject token, and never later than tokens of its client', async () => {
  const short = await byGateway(partnerToken({ exp: now() + 30 }));
  assert.ok(Number(short.body['expires_in']) <= 30 && Number(short.body['expires_in']) >= 28);
  const long = await byGateway(partnerToken({ exp: now() + 3000 }));
  assert.equal(long.body['expires_in'], 300);
});

test('a user whom the partner calls otherwise is the user of the realm file', async () => {
  const { claims } = await byGateway(partnerToken({ sub: 'jane-there' }));
  assert.deepEqual([claims['sub'], claims['realm_access']], ['jane-here', { roles: ['customer'] }]);
});

test('who may act is let, and an actor token names the actor', async () => {
  const mayAct = { may_act: { sub: 'service-account-api-gateway', client_id: 'api-gateway' } };
  assert.equal((await byGateway(partnerToken(mayAct))).status, 200);
  const actor = partnerToken({ sub: 'their-agent', client_id: 'their-client' });
  const { claims } = await byGateway(userToken(), { ...ACTOR, actor_token: actor });
  assert.deepEqual(claims['act'], { sub: 'their-agent', iss: PARTNER, client_id: 'their-client' });
});

test('whom another issuer names among the actors stays its own, whatever it says', async () => {
  const act = {
    sub: 'service-account-plain',
    iss: SERVICES,
    act: { sub: 'service-account-bearer', client_id: 'bearer' },
  };
  const { claims } = await byGateway(partnerToken({ act }));
  assert.deepEqual(claims['act'], {
    sub: 'service-account-api-gateway',
    client_id: 'api-gateway',
    act: { ...act, iss: PARTNER, act: { ...act.act, iss: PARTNER } },
  });
});

test('C-204 four services act one after the other, a fifth one does not', async () => {
  let token = await userToken();
  const path = ['api-gateway', 'order-service', 'payment-service', 'data-service'];
  let last: TokenAnswer | undefined;
  for (const client of path) {
    last = await exchange(client, token);
    assert.equal(last.status, 200, `${client}: ${JSON.stringify(last.body)}`);
    assert.equal(last.claims['sub'], 'user-123');
    token = String(last.body['access_token']);
  }
  const actors = [];
  for (
    let act = last?.claims['act'] as { client_id: string; act?: never } | undefined;
    act !== undefined;
    act = act.act
  ) {
    actors.push(act.client_id);
  }
  assert.deepEqual(actors, path.toReversed());
  const fifth = await exchange('archive', token);
  assert.deepEqual([fifth.status, fifth.body['error']], [400, 'invalid_request']);
});

test('a narrowed token cannot be widened again further on', async () => {
  const narrow = await byGateway(userToken(), { scope: 'orders:read' });
  const wide = await exchange('order-service', String(narrow.body['access_token']), { scope: 'orders:create' });
  assert.deepEqual([wide.status, wide.body['error']], [400, 'invalid_scope']);
});

test('a token that was revoked in its own realm is exchanged in no other', async () => {
  const token = await userToken();
  assert.equal((await byGateway(token)).status, 200);
  const revoked = await fetch(`${realms.provider.url}/realms/users/protocol/openid-connect/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: 'web-app', token }),
  });
  assert.equal(revoked.status, 200, await revoked.text());
  const { status, body } = await byGateway(token);
  assert.deepEqual([status, body['error']], [400, 'invalid_request']);
});
