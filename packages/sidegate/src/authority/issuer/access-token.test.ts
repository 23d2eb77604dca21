import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, type JWK, jwtVerify } from 'jose';
import { endpointUrl, requestToken, startIdentityProvider } from '../../../../../tests/support/identity-provider.ts';
import { JOHN_PASSWORD, ORDER_SECRET, servicesRealm, usersRealm } from '../../../../../tests/support/realms.ts';

const CLIENT_CREDENTIALS = {
  grant_type: 'client_credentials',
  client_id: 'order-service',
  client_secret: ORDER_SECRET,
};
const LOGIN = { grant_type: 'password', client_id: 'web-app', username: 'john', password: JOHN_PASSWORD };

async function tokenFrom(response: Response): Promise<string> {
  assert.equal(response.status, 200);
  const body = (await response.json()) as { access_token: string };
  return body.access_token;
}

test('S3-022 S3-027 S3-102 a service gets a token of realm services by client credentials', async () => {
  await using provider = await startIdentityProvider({ realms: [servicesRealm()] });
  const response = await requestToken(provider, 'services', CLIENT_CREDENTIALS);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const { access_token: token, ...rest } = (await response.json()) as { access_token: string };
  assert.deepEqual(rest, { token_type: 'Bearer', expires_in: 300, scope: 'data-service:read' });

  const keys = createRemoteJWKSet(new URL(endpointUrl(provider, 'services', 'certs')));
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: 'https://keycloak.example.com/realms/services',
    audience: 'data-service',
    typ: 'at+jwt',
  });
  assert.equal(protectedHeader.alg, 'RS256');
  const { exp = 0, iat = 0, jti, ...claims } = payload;
  assert.equal(exp - iat, 300);
  assert.match(jti ?? '', /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  assert.deepEqual(claims, {
    iss: 'https://keycloak.example.com/realms/services',
    sub: 'id-of-order-service',
    aud: 'data-service',
    azp: 'order-service',
    client_id: 'order-service',
    scope: 'data-service:read',
    realm_access: { roles: ['service-account'] },
    resource_access: { 'data-service': { roles: ['read-inventory', 'write-orders', 'read-orders'] } },
    preferred_username: 'service-account-order-service',
  });
});

test('S3-021 S3-023 S3-085 S3-086 S3-093 a user gets a token with roles and all three audiences', async () => {
  await using provider = await startIdentityProvider({ realms: [usersRealm()] });
  const token = await tokenFrom(await requestToken(provider, 'users', LOGIN));
  const keys = createRemoteJWKSet(new URL(endpointUrl(provider, 'users', 'certs')));
  for (const audience of ['api-gateway', 'order-service', 'payment-service']) {
    const { payload } = await jwtVerify(token, keys, { audience });
    const { exp = 0, iat = 0, jti: _, ...claims } = payload;
    assert.equal(exp - iat, 300);
    assert.deepEqual(claims, {
      iss: 'https://keycloak.example.com/realms/users',
      sub: 'user-123',
      aud: ['api-gateway', 'order-service', 'payment-service'],
      azp: 'web-app',
      client_id: 'web-app',
      realm_access: { roles: ['customer', 'orders:create'] },
      preferred_username: 'john',
      email: 'john@example.com',
      name: 'John Doe',
    });
  }
});

for (const algorithm of ['RS256', 'ES256'] as const) {
  test(`a client gets ${algorithm} tokens that node:crypto verifies with the published key`, async () => {
    const client = { 'access.token.signed.response.alg': algorithm };
    const signing = {
      clientId: 'signing',
      secret: 'canary-signing',
      serviceAccountsEnabled: true,
      defaultClientScopes: ['data-service:read'],
      attributes: client,
    };
    await using provider = await startIdentityProvider({ realms: [servicesRealm(signing)] });
    const credentials = { ...CLIENT_CREDENTIALS, client_id: 'signing', client_secret: 'canary-signing' };
    const token = await tokenFrom(await requestToken(provider, 'services', credentials));
    const { alg, kid, typ } = decodeProtectedHeader(token);
    assert.deepEqual([alg, typ], [algorithm, 'at+jwt']);

    const response = await fetch(endpointUrl(provider, 'services', 'certs'));
    const { keys } = (await response.json()) as { keys: JWK[] };
    const jwk = keys.find((key) => key.kid === kid);
    assert.ok(jwk);
    const [header, payload, signature = ''] = token.split('.');
    const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const;
    const signed = (text: string) => verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64url'));
    assert.equal(signed(`${header}.${payload}x`), false);
    assert.equal(signed(`${header}.${payload}`), true);
  });
}

test('a client without full scope gets tokens without roles: scope mappings are not evaluated', async () => {
  const [orderService, ...clients] = servicesRealm().clients ?? [];
  assert.ok(orderService);
  const narrow = { ...servicesRealm(), clients: [{ ...orderService, fullScopeAllowed: false }, ...clients] };
  await using provider = await startIdentityProvider({ realms: [narrow] });
  const claims = decodeJwt(await tokenFrom(await requestToken(provider, 'services', CLIENT_CREDENTIALS)));
  assert.deepEqual(
    [claims['azp'], claims['realm_access'], claims['resource_access']],
    ['order-service', undefined, undefined],
  );
});

test('every token has its own jti', async () => {
  await using provider = await startIdentityProvider({ realms: [servicesRealm()] });
  const tokens = await Promise.all(
    Array.from({ length: 10 }, async () => tokenFrom(await requestToken(provider, 'services', CLIENT_CREDENTIALS))),
  );
  assert.equal(new Set(tokens).size, 10);
  assert.equal(new Set(provider.events.map(({ jti }) => jti)).size, 10);
});
