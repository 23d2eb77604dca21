import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { startTokenEndpoint } from '../../../../tests/support/token-endpoint.ts';
import { readAssertionKey } from './client-assertion.ts';
import type { ClientAuthentication } from './client-authentication.ts';
import { type ClientCredentialsGrant, obtainToken, RESERVED_TOKEN_PARAMETERS } from './client-credentials.ts';

const NOW = Date.UTC(2026, 0, 1);
const clock = { now: () => NOW, monotonic: () => 0 };
const good = { access_token: 'abc.def', token_type: 'Bearer', expires_in: 300 };
const ISSUER = 'https://idp.example.com/realms/services';
const pem = { type: 'pkcs8', format: 'pem' } as const;

const PAIRS = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
};

const grant = (tokenUrl: string, authentication: ClientAuthentication): ClientCredentialsGrant => ({
  tokenUrl,
  clientId: 'order-service',
  authentication,
  scopes: ['read'],
});

function signer(algorithm: keyof typeof PAIRS): ClientAuthentication {
  const read = readAssertionKey(PAIRS[algorithm].privateKey.export(pem), 'order-1');
  assert.ok(typeof read !== 'string');
  let ids = 0;
  return { method: 'private_key_jwt', ...read, audience: ISSUER, newId: () => `id-${(ids += 1)}` };
}

describe('a key that is refused:', () => {
  const ROWS = [
    ['no PEM', 'canary', /is not an unencrypted PEM private key/],
    ['a public key', PAIRS.ES256.publicKey.export({ type: 'spki', format: 'pem' }), /is not an unencrypted PEM/],
    [
      'an encrypted key',
      PAIRS.ES256.privateKey.export({ ...pem, cipher: 'aes-256-cbc', passphrase: 'x' }),
      /unencrypted/,
    ],
    ['RSA of 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pem), /1024 bits/],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(pem), /is neither an RSA, a P-256/],
    ['X25519', generateKeyPairSync('x25519').privateKey.export(pem), /is neither an RSA, a P-256/],
  ] as const;
  for (const [title, text, reason] of ROWS) {
    test(title, () => {
      const read = readAssertionKey(text, 'k');
      assert.ok(typeof read === 'string');
      assert.match(read, reason);
    });
  }
});

describe('private_key_jwt', () => {
  for (const algorithm of Object.keys(PAIRS) as (keyof typeof PAIRS)[]) {
    test(`C-198 C-200 signs with ${algorithm}: issuer as the only audience, iss = sub, a minute, a kid`, async () => {
      await using endpoint = await startTokenEndpoint(() => ({ body: good }));
      const authentication = signer(algorithm);
      await obtainToken(grant(endpoint.url, authentication), { http: endpoint.http, clock });
      const [request] = endpoint.requests;
      const form = request?.form;
      assert.equal(form?.get('client_assertion_type'), 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
      const assertion = form?.get('client_assertion') ?? '';
      const jwk = createPublicKey(PAIRS[algorithm].publicKey.export({ type: 'spki', format: 'pem' })).export({
        format: 'jwk',
      });
      const keys = createLocalJWKSet({ keys: [{ ...jwk, kid: 'order-1', alg: algorithm }] });
      const { payload } = await jwtVerify(assertion, keys, { currentDate: new Date(NOW), algorithms: [algorithm] });
      const iat = NOW / 1000;
      const identity = { iss: 'order-service', sub: 'order-service', aud: ISSUER };
      assert.deepEqual(payload, { ...identity, jti: 'id-1', iat, exp: iat + 60 });
      assert.deepEqual(decodeProtectedHeader(assertion), {
        alg: algorithm,
        typ: 'client-authentication+jwt',
        kid: 'order-1',
      });
      assert.deepEqual([form?.get('client_id'), form?.get('client_secret')], ['order-service', null]);
      assert.equal(request?.headers.authorization, undefined);
    });
  }

  test('C-199 never sends an assertion twice', async () => {
    await using endpoint = await startTokenEndpoint(() => ({ body: good }));
    const authentication = signer('EdDSA');
    for (let i = 0; i < 3; i += 1)
      await obtainToken(grant(endpoint.url, authentication), { http: endpoint.http, clock });
    assert.equal(new Set(endpoint.requests.map(({ form }) => form.get('client_assertion'))).size, 3);
  });

  test('C-226 an answer that repeats the assertion is not repeated', async () => {
    await using endpoint = await startTokenEndpoint(({ form }) => ({
      status: 400,
      body: { error: 'invalid_client', error_description: `bad ${form.get('client_assertion') ?? ''}` },
    }));
    const attempt = obtainToken(grant(endpoint.url, signer('ES256')), { http: endpoint.http, clock });
    await assert.rejects(attempt, /an error that repeats the client secret/);
  });
});

describe('tls_client_auth', () => {
  test('C-192 C-202 sends the client id and neither secret, assertion nor certificate header', async () => {
    await using endpoint = await startTokenEndpoint(() => ({ body: good }));
    await obtainToken(grant(endpoint.url, { method: 'tls_client_auth' }), { http: endpoint.http, clock });
    const [request] = endpoint.requests;
    assert.deepEqual(
      [...(request?.form ?? [])],
      [
        ['grant_type', 'client_credentials'],
        ['scope', 'read'],
        ['client_id', 'order-service'],
      ],
    );
    const names = Object.keys(request?.headers ?? {});
    assert.deepEqual(names.sort(), ['accept', 'connection', 'content-length', 'content-type', 'host']);
  });
});

describe('parameters', () => {
  test('C-194 a reserved parameter is not sent, so none is repeated', async () => {
    await using endpoint = await startTokenEndpoint(() => ({ body: good }));
    const parameters = Object.fromEntries([...RESERVED_TOKEN_PARAMETERS].map((name) => [name, 'forged']));
    const forged = { ...grant(endpoint.url, { method: 'tls_client_auth' }), parameters };
    await obtainToken(forged, { http: endpoint.http, clock });
    const form = [...(endpoint.requests[0]?.form ?? [])];
    assert.deepEqual(
      form.filter(([, value]) => value === 'forged'),
      [],
    );
  });

  test('others are sent as they are', async () => {
    await using endpoint = await startTokenEndpoint(() => ({ body: good }));
    const parameters = { tenant: 'a b&c=d' };
    await obtainToken(
      { ...grant(endpoint.url, { method: 'tls_client_auth' }), parameters },
      { http: endpoint.http, clock },
    );
    assert.equal(endpoint.requests[0]?.form.get('tenant'), 'a b&c=d');
  });
});
