/** Clients that sign JWTs for the token endpoint, and those who would pass for one. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createPushedJwks } from '@sidegate/sdk';
import { endpointUrl, requestToken, startIdentityProvider } from '../support/identity-provider.ts';
import { ORDER_SECRET, servicesRealm } from '../support/realms.ts';
import { createSigningKey, encode, hmac, keySetBytes, type MintOptions, mint } from '../support/tokens.ts';

const ISSUER = 'https://keycloak.example.com/realms/services';
const SVID = 'spiffe://example.org/zone2/payment-service';
const TYPE = 'urn:ietf:params:oauth:client-assertion-type:';

const key = createSigningKey('ES256', 'client');
const rsa = createSigningKey('RS256', 'client-rsa');
const other = createSigningKey('ES256', 'other');
const domain = createSigningKey('ES256', 'domain');
const stranger = createSigningKey('ES256', 'domain');

const client = (clientId: string, attributes: Record<string, string>) => ({
  clientId,
  serviceAccountsEnabled: true,
  clientAuthenticatorType: 'client-jwt',
  attributes,
  defaultClientScopes: ['data-service:read'],
});

/** Each look at it is in another minute, so that the limit of failures is never reached. */
let minutes = 0;
const clock = { now: () => Date.now(), monotonic: () => 60_000 * minutes++ };

const provider = await startIdentityProvider({
  clock,
  algorithms: ['ES256'],
  trustBundles: new Map([['example.org', createPushedJwks(keySetBytes(domain.jwk()))]]),
  realms: [
    servicesRealm(
      client('signer', { 'jwks.string': keySetBytes(key.jwk(), rsa.jwk()).toString() }),
      client('only-es256', {
        'jwks.string': keySetBytes(key.jwk(), rsa.jwk()).toString(),
        'token.endpoint.auth.signing.alg': 'ES256',
      }),
      client('other', { 'jwks.string': keySetBytes(other.jwk()).toString() }),
      client('payment-service', { 'sidegate.spiffe_id': SVID }),
    ),
  ],
});
after(() => provider.close());

let count = 0;
const now = () => Math.floor(Date.now() / 1000);
/** Right claims of `signer`, some replaced; undefined removes one. */
const claims = (changes: object = {}) => ({
  iss: 'signer',
  sub: 'signer',
  aud: ISSUER,
  jti: `jti-${count++}`,
  iat: now(),
  exp: now() + 60,
  ...changes,
});
const assertion = (changes: object = {}, options: Partial<MintOptions> = {}) =>
  mint(claims(changes), { key, ...options, header: { typ: 'client-authentication+jwt', ...options.header } });

function ask(token: string, more: Record<string, string> = {}, headers: Record<string, string> = {}) {
  const form = {
    grant_type: 'client_credentials',
    client_assertion_type: `${TYPE}jwt-bearer`,
    client_assertion: token,
    ...more,
  };
  return requestToken(provider, 'services', form, headers);
}

const svid = (changes: object = {}, options: Partial<MintOptions> = {}) =>
  mint(
    { sub: SVID, aud: [ISSUER], iat: now(), exp: now() + 300, ...changes },
    { key: domain, ...options, header: { typ: 'JWT', ...options.header } },
  );

const publicKeyPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
const form = (token: string, more: Record<string, string> = {}) => ({ token, more });
const spiffe = (token: string, more: Record<string, string> = {}) => ({
  token,
  more: { client_assertion_type: `${TYPE}jwt-spiffe`, client_id: 'payment-service', ...more },
});

interface Presented {
  readonly token: string;
  readonly more: Record<string, string>;
}

const REFUSED: readonly (readonly [title: string, () => Presented])[] = [
  // C-198: the audience
  ['C-198 for the token endpoint', () => form(assertion({ aud: endpointUrl(provider, 'services', 'token') }))],
  ['C-198 for the public token endpoint', () => form(assertion({ aud: `${ISSUER}/protocol/openid-connect/token` }))],
  ['C-198 for a list with the issuer', () => form(assertion({ aud: [ISSUER] }))],
  ['C-198 for the issuer and another', () => form(assertion({ aud: [ISSUER, 'https://evil.example.com'] }))],
  ['C-198 for the issuer with a slash', () => form(assertion({ aud: `${ISSUER}/` }))],
  ['C-198 for the issuer in capitals', () => form(assertion({ aud: ISSUER.toUpperCase() }))],
  ['C-198 for another realm', () => form(assertion({ aud: ISSUER.replace('services', 'users') }))],
  ['C-198 without audience', () => form(assertion({ aud: undefined }))],
  // C-200: dates, parties, algorithms
  ['C-200 without exp', () => form(assertion({ exp: undefined }))],
  ['C-200 with exp as text', () => form(assertion({ exp: String(now() + 60) }))],
  ['C-200 that has expired', () => form(assertion({ iat: now() - 120, exp: now() - 60 }))],
  ['C-200 that lives longer than five minutes', () => form(assertion({ exp: now() + 301 }))],
  ['C-200 that lives six minutes and says no iat', () => form(assertion({ iat: undefined, exp: now() + 360 }))],
  ['C-200 that was made an hour ago for now', () => form(assertion({ iat: now() - 3600, exp: now() + 60 }))],
  ['C-200 from the future', () => form(assertion({ iat: now() + 60, exp: now() + 120 }))],
  ['C-200 not valid before a minute', () => form(assertion({ nbf: now() + 60 }))],
  ['C-200 with iss of another client', () => form(assertion({ iss: 'other' }))],
  ['C-200 with sub of another client', () => form(assertion({ sub: 'other' }))],
  ['C-200 of another client throughout', () => form(assertion({ iss: 'other', sub: 'other' }))],
  ['C-200 without iss', () => form(assertion({ iss: undefined }))],
  ['C-200 without sub', () => form(assertion({ sub: undefined }), { client_id: 'signer' })],
  ['C-200 without sub and client_id', () => form(assertion({ sub: undefined }))],
  [
    'C-200 by HS256 with the public key as secret',
    () => form(assertion({}, { header: { alg: 'HS256', kid: rsa.kid }, sign: hmac('sha256', publicKeyPem) })),
  ],
  ['C-200 by none', () => form(assertion({}, { header: { alg: 'none' }, sign: () => Buffer.alloc(0) }))],
  ['C-200 by another key', () => form(assertion({}, { key: other }))],
  ['C-200 by another key with the right kid', () => form(assertion({}, { key: other, header: { kid: 'client' } }))],
  [
    'C-200 with its own key inside',
    () => form(assertion({}, { key: other, header: { jwk: other.jwk(), kid: undefined } })),
  ],
  [
    'C-200 with the location of its key',
    () => form(assertion({}, { key: other, header: { jku: 'https://evil.example.com/jwks' } })),
  ],
  [
    'C-200 by an algorithm that the client may not use',
    () => form(assertion({ iss: 'only-es256', sub: 'only-es256' }, { key: rsa })),
  ],
  ['C-200 that is an access token', () => form(assertion({}, { header: { typ: 'at+jwt' } }))],
  ['C-200 that is a DPoP proof', () => form(assertion({}, { header: { typ: 'dpop+jwt' } }))],
  ['C-200 with a critical extension', () => form(assertion({}, { header: { crit: ['b64'], b64: true } }))],
  ['C-199 without jti', () => form(assertion({ jti: undefined }))],
  ['C-199 with an empty jti', () => form(assertion({ jti: '' }))],
  ['C-199 with a number as jti', () => form(assertion({ jti: 7 }))],
  ['C-199 with a jti of 256 characters', () => form(assertion({ jti: 'j'.repeat(256) }))],
  // C-201: two ways at once, or none
  [
    'C-201 unsigned beside a valid secret',
    () => form(unsigned(), { client_id: 'order-service', client_secret: ORDER_SECRET }),
  ],
  ['C-201 signed beside a secret', () => form(assertion(), { client_secret: 'x' })],
  ['C-201 of another client than client_id', () => form(assertion(), { client_id: 'other' })],
  ['C-201 of a client that has a secret', () => form(assertion({ iss: 'order-service', sub: 'order-service' }))],
  ['C-201 of an unknown client', () => form(assertion({ iss: 'nobody', sub: 'nobody' }))],
  ['C-201 of an unknown type', () => form(assertion(), { client_assertion_type: `${TYPE}saml2-bearer` })],
  ['C-201 without type', () => form(assertion(), { client_assertion_type: '' })],
  ['C-201 that is absent', () => form('', { client_id: 'signer' })],
  ['C-201 that is no JWT', () => form('x')],
  ['C-201 larger than 8 KiB', () => form(assertion({ x: 'x'.repeat(8192) }))],
  // JWT-SVIDs
  ['by JWT-SVID of another workload', () => spiffe(svid({ sub: `${SVID}2` }))],
  ['by JWT-SVID of another trust domain', () => spiffe(svid({}, { key: stranger }))],
  ['by JWT-SVID for two audiences', () => spiffe(svid({ aud: [ISSUER, 'data-service'] }))],
  ['by JWT-SVID for nobody', () => spiffe(svid({ aud: [] }))],
  ['by JWT-SVID for another audience', () => spiffe(svid({ aud: 'data-service' }))],
  ['by JWT-SVID without exp', () => spiffe(svid({ exp: undefined }))],
  ['by JWT-SVID that lives an hour', () => spiffe(svid({ exp: now() + 3600 }))],
  ['by JWT-SVID as an assertion of its own', () => spiffe(svid(), { client_assertion_type: `${TYPE}jwt-bearer` })],
  ['by its own assertion as a JWT-SVID', () => spiffe(assertion(), { client_id: 'signer' })],
  [
    'without the JWT-SVID of its client',
    () => ({ token: '', more: { client_id: 'payment-service', client_assertion_type: '' } }),
  ],
];

describe('a client assertion', () => {
  for (const [title, presented] of REFUSED) {
    test(`${title} is 401 invalid_client`, async () => {
      const { token, more } = presented();
      const response = await ask(token, more);
      const answer = await response.text();
      assert.deepEqual([response.status, JSON.parse(answer).error], [401, 'invalid_client'], answer);
      assert.equal(JSON.parse(answer).error_description, 'Invalid credentials');
      assert.equal(response.headers.get('cache-control'), 'no-store');
    });
  }
});

test('C-201 an assertion beside HTTP Basic is 401 invalid_client', async () => {
  const authorization = `Basic ${Buffer.from(`order-service:${ORDER_SECRET}`).toString('base64')}`;
  assert.equal((await ask(assertion(), {}, { authorization })).status, 401);
});

test('C-199 of 100 parallel requests with one assertion exactly one gets a token', async () => {
  const token = assertion();
  const statuses = await Promise.all(Array.from({ length: 100 }, async () => (await ask(token)).status));
  assert.equal(statuses.filter((status) => status === 200).length, 1);
  assert.equal(statuses.filter((status) => status === 401).length, 99);
});

test('C-199 one jti serves two clients: who used it is part of it', async () => {
  const statuses = [];
  for (const id of ['signer', 'only-es256', 'signer', 'only-es256']) {
    statuses.push((await ask(assertion({ iss: id, sub: id, jti: 'the same' }))).status);
  }
  assert.deepEqual(statuses, [200, 200, 401, 401]);
});

const ACCEPTED: readonly (readonly [title: string, client: string, () => Presented])[] = [
  ['by ES256, without client_id', 'only-es256', () => form(assertion({ iss: 'only-es256', sub: 'only-es256' }))],
  [
    'by RS256, untyped',
    'signer',
    () => form(assertion({}, { key: rsa, header: { typ: undefined } }), { client_id: 'signer' }),
  ],
  ['by JWT-SVID', 'payment-service', () => spiffe(svid())],
  ['by JWT-SVID, named by its SPIFFE ID', 'payment-service', () => spiffe(svid(), { client_id: SVID })],
  ['by JWT-SVID that names it', 'payment-service', () => spiffe(svid({ aud: ISSUER }), { client_id: '' })],
];

for (const [title, clientId, presented] of ACCEPTED) {
  test(`a client that proves itself ${title} gets a token`, async () => {
    const { token, more } = presented();
    const response = await ask(token, more);
    const answer = (await response.json()) as { access_token: string };
    assert.equal(response.status, 200, JSON.stringify(answer));
    assert.equal(
      JSON.parse(Buffer.from(answer.access_token.split('.')[1] ?? '', 'base64url').toString()).azp,
      clientId,
    );
  });
}

function unsigned(): string {
  return `${encode(JSON.stringify({ alg: 'none' }))}.${encode(JSON.stringify(claims()))}.`;
}
