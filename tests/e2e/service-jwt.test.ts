/** Service JWTs and tokens of users at one service: who signed, for whom, how long, and which kind of caller it is. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { expressGuards } from '@sidegate/sdk/express';
import { bearer, serviceAuth } from '@sidegate/sdk/server';
import {
  createServiceJwt,
  createServiceTokenValidator,
  publicPemKeys,
  readSigningKey,
  serviceTokenAuthenticator,
} from '@sidegate/sdk/service-tokens';
import express from 'express';
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from 'jose';
import { createTestAuthority } from '../support/certificates.ts';
import { type StartedApp, startHttpsApp } from '../support/https-app.ts';
import { type ProtectedService, startProtectedService } from '../support/protected-service.ts';
import { sendRequest, type WireAnswer } from '../support/wire.ts';

const ca = createTestAuthority('internal-ca');
const server = ca.issue({ eku: ['serverAuth'], dns: ['service-b'] });
const TLS = { cert: server.certPem, key: server.keyPem };

const pems = () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    privateKey,
  };
};
const a = pems();
const c = pems();
const nobody = pems();

let b: ProtectedService;
before(async () => {
  b = await startProtectedService({
    name: 'service-b',
    authenticator: serviceTokenAuthenticator({
      validator: createServiceTokenValidator({
        issuers: {
          'service-a': publicPemKeys({ pem: a.publicPem, keyId: 'k1' }),
          'service-c': publicPemKeys({ pem: c.publicPem, keyId: 'k1' }),
        },
        algorithms: ['RS256'],
      }),
      expectedAudience: 'service-b',
      allowedIssuers: ['service-a', 'service-c'],
    }),
    tls: TLS,
  });
});
after(() => b[Symbol.asyncDispose]());

function get(port: number, headers: readonly string[], target = '/internal/data'): Promise<WireAnswer> {
  const tls = { ca: ca.certPem, servername: 'service-b' };
  return sendRequest({ port, tls }, { target, headers: ['Host', 'service-b:443', ...headers] });
}
const withToken = (token: string): readonly string[] => ['Authorization', `Bearer ${token}`];
const answered = ({ status, body }: WireAnswer): string => `${status} ${body}`;

const now = (): number => Math.floor(Date.now() / 1000);
const claims = (changes: JWTPayload = {}): JWTPayload => ({
  iss: 'service-a',
  sub: 'service-a',
  aud: 'service-b',
  iat: now(),
  exp: now() + 300,
  jti: randomUUID(),
  ...changes,
});
const minted = (changes: JWTPayload = {}, key: KeyObject | Uint8Array = a.privateKey, alg = 'RS256'): Promise<string> =>
  new SignJWT(claims(changes)).setProtectedHeader({ alg }).sign(key);
const unsigned = (): string => {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${encode({ alg: 'none' })}.${encode(claims())}.`;
};
const INVALID = '401 {"detail":"Invalid token"}';
const OTHER = '403 {"detail":"Token not for this service"}';

const REFUSED: readonly (readonly [title: string, expected: string, headers: () => Promise<readonly string[]>])[] = [
  [
    'S2-23 HS256 with the public key as its secret',
    INVALID,
    async () => withToken(await minted({}, Buffer.from(a.publicPem), 'HS256')),
  ],
  ['S2-23 alg none', INVALID, async () => withToken(unsigned())],
  ['S2-23 another algorithm of the same key', INVALID, async () => withToken(await minted({}, a.privateKey, 'PS256'))],
  ['S2-24 another audience', OTHER, async () => withToken(await minted({ aud: 'service-c' }))],
  ['S2-24 an audience that begins like ours', OTHER, async () => withToken(await minted({ aud: 'service-b2' }))],
  [
    'S2-24 no audience',
    OTHER,
    async () =>
      withToken(await new SignJWT(claims({ aud: [] })).setProtectedHeader({ alg: 'RS256' }).sign(a.privateKey)),
  ],
  ['S2-25 a signature of a key that nobody knows', INVALID, async () => withToken(await minted({}, nobody.privateKey))],
  ['S2-25 an expired token', INVALID, async () => withToken(await minted({ iat: now() - 400, exp: now() - 100 }))],
  ['S2-25 what is no JWT', INVALID, async () => withToken('not-a-jwt')],
  ['S2-26 a header without a blank', INVALID, async () => ['Authorization', `Bearer${await minted()}`]],
  ['S2-26 a header without a token', INVALID, async () => ['Authorization', 'Bearer ']],
  ['S2-26 a scheme alone', INVALID, async () => ['Authorization', 'Bearer']],
  ['S2-26 another scheme', INVALID, async () => ['Authorization', `Token ${await minted()}`]],
  ['S2-26 two headers', INVALID, async () => [...withToken(await minted()), ...withToken(await minted())]],
  ['S2-27 no header', INVALID, async () => []],
  [
    'S2-30 the key of service-c under the name of service-a',
    INVALID,
    async () => withToken(await minted({}, c.privateKey)),
  ],
  [
    'S2-30 the key of service-a under the name of service-c',
    INVALID,
    async () => withToken(await minted({ iss: 'service-c', sub: 'service-c' })),
  ],
  ['S2-30 the subject of another service', INVALID, async () => withToken(await minted({ sub: 'service-c' }))],
];
for (const [title, expected, headers] of REFUSED) {
  test(`${title} is ${expected}`, async () => {
    const before = b.served.length;
    assert.equal(answered(await get(b.port, await headers())), expected);
    assert.equal(b.served.length, before);
  });
}

test('S2-19 S2-20 S2-21 a service JWT is signed RS256, is from its argument, for its audience, for five minutes', () => {
  const key = readSigningKey(c.privatePem, 'k1');
  const before = now();
  const token = createServiceJwt('service-c', 'service-b', key);
  assert.equal(decodeProtectedHeader(token).alg, 'RS256');
  const { iss, sub, aud, iat = 0, exp } = decodeJwt(token);
  assert.deepEqual({ iss, sub, aud }, { iss: 'service-c', sub: 'service-c', aud: 'service-b' });
  assert.ok(iat >= before && iat <= now());
  assert.equal(exp, iat + 300);
});

test('S2-21 a service without a name has no token', () => {
  assert.throws(() => createServiceJwt('', 'service-b', readSigningKey(a.privatePem, 'k1')), RangeError);
});

test('S2-22 S2-24 S2-29 S2-31 with the public key alone, whoever signed for service-b is let in under its own name', async () => {
  for (const [name, pem] of [
    ['service-a', a.privatePem],
    ['service-c', c.privatePem],
  ] as const) {
    const token = createServiceJwt(name, 'service-b', readSigningKey(pem, 'k1'));
    assert.equal(answered(await get(b.port, withToken(token))), `200 {"data":"sensitive","called_by":"${name}"}`);
  }
});

describe('users and services', () => {
  const idp = pems();
  let own: StartedApp;
  before(async () => {
    const issuer = { issuer: 'https://idp.example', keys: publicPemKeys({ pem: idp.publicPem }) };
    const auth = serviceAuth({
      service: 'service-b',
      authenticator: bearer({ issuers: [issuer], audience: 'service-b' }),
      errors: 'detail',
    });
    const guards = expressGuards(auth);
    const app = express();
    app.get('/for-services', guards.serviceOnly(), (_request, response) => void response.json('service'));
    app.get('/for-users', guards.requireRoles('customer'), (_request, response) => void response.json('user'));
    guards.requireRules(app);
    own = await startHttpsApp(app, TLS);
  });
  after(() => own[Symbol.asyncDispose]());

  const user = () =>
    minted(
      { iss: 'https://idp.example', sub: 'john', azp: 'web-app', realm_access: { roles: ['customer'] } },
      idp.privateKey,
    );
  const service = () =>
    minted({ iss: 'https://idp.example', sub: 'service-a', client_id: 'service-a' }, idp.privateKey);

  test("S2-62 a user's token is refused where services call, with the same issuer and with service JWTs", async () => {
    const headers = withToken(await user());
    assert.equal((await get(own.port, headers, '/for-services')).status, 403);
    assert.equal(answered(await get(b.port, headers)), INVALID);
  });

  test("S2-62 a service's token is refused where users call", async () => {
    assert.equal((await get(own.port, withToken(await service()), '/for-users')).status, 403);
  });

  test('S2-62 each is accepted where its kind is asked for', async () => {
    assert.equal(answered(await get(own.port, withToken(await service()), '/for-services')), '200 "service"');
    assert.equal(answered(await get(own.port, withToken(await user()), '/for-users')), '200 "user"');
  });
});
