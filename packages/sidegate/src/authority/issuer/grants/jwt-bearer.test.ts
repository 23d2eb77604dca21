import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import {
  JWT_BEARER,
  LOGIN,
  PARTNER,
  SERVICES,
  startBridgedRealms,
} from '../../../../../../tests/support/bridged-realms.ts';
import { endpointUrl } from '../../../../../../tests/support/identity-provider.ts';
import { createSigningKey, hmac } from '../../../../../../tests/support/tokens.ts';

const realms = await startBridgedRealms();
after(() => realms[Symbol.asyncDispose]());

const now = () => Math.floor(Date.now() / 1000);
const other = createSigningKey('ES256', 'partner');
let count = 0;
const assertion = (changes: object = {}, options: Parameters<typeof realms.partnerToken>[1] = {}) =>
  realms.partnerToken(
    { sub: 'jane-there', aud: SERVICES, jti: `a${count++}`, scope: undefined, ...changes },
    { ...options, header: { typ: 'JWT', ...options?.header } },
  );
const ask = (token: string, form: Record<string, string> = {}, client = 'bearer') =>
  realms.ask(client, { grant_type: JWT_BEARER, assertion: token, ...form });

const REFUSED: readonly (readonly [
  title: string,
  error: string,
  token: () => string,
  form?: Record<string, string>,
])[] = [
  ['that is absent', 'invalid_request', () => ''],
  ['that is no JWT', 'invalid_grant', () => 'canary'],
  ['of an issuer that nobody named', 'invalid_grant', () => assertion({ iss: 'https://evil.example.com' })],
  ['of an identity provider that is only there to log in', 'invalid_grant', () => assertion({ iss: LOGIN })],
  [
    'of a realm whose tokens are only exchanged',
    'invalid_grant',
    () => assertion({ iss: SERVICES.replace('services', 'users') }),
  ],
  ['of this realm itself', 'invalid_grant', () => assertion({ iss: SERVICES })],
  ['by another key', 'invalid_grant', () => assertion({}, { key: other })],
  ['by HMAC', 'invalid_grant', () => assertion({}, { header: { alg: 'HS256' }, sign: hmac('sha256', 'x') })],
  [
    'for the token endpoint',
    'invalid_grant',
    () => assertion({ aud: endpointUrl(realms.provider, 'services', 'token') }),
  ],
  ['for a list of audiences', 'invalid_grant', () => assertion({ aud: [SERVICES] })],
  ['for the client', 'invalid_grant', () => assertion({ aud: 'bearer' })],
  ['without expiry', 'invalid_grant', () => assertion({ exp: undefined })],
  ['that has expired', 'invalid_grant', () => assertion({ iat: now() - 120, exp: now() - 60 })],
  ['that lives longer than five minutes', 'invalid_grant', () => assertion({ exp: now() + 301 })],
  ['without subject', 'invalid_grant', () => assertion({ sub: undefined })],
  ['about somebody who is no user here', 'invalid_grant', () => assertion({ sub: 'their-user' })],
  ['about a user by the name that he has here', 'invalid_grant', () => assertion({ sub: 'jane-here' })],
  ['without jti', 'invalid_grant', () => assertion({ jti: undefined })],
  ['that is an access token', 'invalid_grant', () => assertion({}, { header: { typ: 'at+jwt' } })],
  ['with a scope that the client lacks', 'invalid_scope', () => assertion(), { scope: 'payments:create' }],
  ['for an audience that the client may not name', 'invalid_target', () => assertion(), { audience: 'archive' }],
];

describe('an assertion as a grant (RFC 7523 section 3.1)', () => {
  for (const [title, error, token, form] of REFUSED) {
    test(`${title} is 400 ${error}`, async () => {
      const { status, body } = await ask(token(), form);
      assert.deepEqual([status, body['error']], [400, error], JSON.stringify(body));
    });
  }

  test('through a client that may not use them is 400 unauthorized_client', async () => {
    const { status, body } = await ask(assertion(), {}, 'plain');
    assert.deepEqual([status, body['error']], [400, 'unauthorized_client']);
  });

  test('stands for the user whom the realm file names, with the roles of the realm file', async () => {
    const { status, body, claims } = await ask(assertion(), { scope: 'orders:read' });
    assert.equal(status, 200, JSON.stringify(body));
    assert.deepEqual(
      [claims['sub'], claims['azp'], claims['scope'], claims['realm_access'], claims['aud']],
      ['jane-here', 'bearer', 'orders:read', { roles: ['customer'] }, 'order-service'],
    );
    assert.ok(!JSON.stringify(claims).includes(PARTNER));
  });

  test('serves once, however many send it at the same time', async () => {
    const token = assertion();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(token)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  });
});
