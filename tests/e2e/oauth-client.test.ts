/** A client library of others (oauth4webapi), strict about every answer, goes through every flow of the token service. */
import assert from 'node:assert/strict';
import { createPublicKey, randomBytes } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { createDpopNonces } from '@sidegate/sdk';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import { Agent, request as undiciRequest } from 'undici';
import {
  EXCHANGE,
  JWT_BEARER,
  SERVICES,
  startBridgedRealms,
  TOKEN_TYPE,
  TRUST_DOMAIN,
} from '../support/bridged-realms.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { createSigningKey, keySetBytes } from '../support/tokens.ts';

const PUBLIC = 'https://keycloak.example.com';
const ca = createTestAuthority('keycloak-ca');
const clientCa = createTestAuthority('zone2-ca');
const server = ca.issue({ dns: ['keycloak.example.com'], eku: ['serverAuth'] });
const certificate = clientCa.issue({ subject: [{ O: 'MyOrg' }, { CN: 'billing-client' }] });
const svid = clientCa.issue({ uris: ['spiffe://example.org/zone2/workload'] });
const selfSigned = createTestAuthority('itself').issue({ subject: [{ CN: 'legacy' }], eku: null });
const signer = createSigningKey('ES256', 'signer');

const client = (clientId: string, clientAuthenticatorType: string, attributes: Record<string, string>) => ({
  clientId,
  clientAuthenticatorType,
  attributes,
  serviceAccountsEnabled: true,
  protocolMappers: [
    { name: 'a', protocolMapper: 'oidc-audience-mapper', config: { 'included.custom.audience': 'order-service' } },
  ],
  optionalClientScopes: ['orders:read'],
});

const nonces = createDpopNonces({ secret: randomBytes(32), clock: { now: () => Date.now() } });
const realms = await startBridgedRealms({
  nonces,
  clients: [client('signer', 'client-jwt', { 'jwks.string': keySetBytes(signer.jwk()).toString() })],
});
after(() => realms[Symbol.asyncDispose]());
/** The same over TLS, for clients that show certificates. */
const secured = await startBridgedRealms({
  tls: { cert: server.certPem, key: server.keyPem, clientCa: clientCa.certPem },
  clients: [
    client('billing', 'client-x509', { 'x509.subjectdn': 'CN=billing-client,O=MyOrg' }),
    client('workload', 'client-x509', { 'sidegate.spiffe_id': 'spiffe://example.org/zone2/workload' }),
    client('legacy', 'client-x509', {
      'sidegate.self_signed': 'true',
      'jwks.string': keySetBytes(createPublicKey(selfSigned.privateKey).export({ format: 'jwk' })).toString(),
    }),
  ],
});
after(() => secured[Symbol.asyncDispose]());

type Shown = { readonly certPem: string; readonly keyPem: string };

/** The library talks to the public address; these bring it to where the provider listens. */
interface Transport {
  readonly [oauth.customFetch]: (url: string, options: Sent) => Promise<Response>;
}

interface Sent {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly body?: unknown;
}

const plain: Transport = {
  [oauth.customFetch]: (url, options) => fetch(url.replace(PUBLIC, realms.provider.url), options as RequestInit),
};

function showing({ certPem, keyPem }: Shown): Transport {
  const connect = { ca: ca.certPem, servername: 'keycloak.example.com', cert: certPem, key: keyPem };
  const dispatcher = new Agent({ connect });
  return {
    [oauth.customFetch]: async (url, options) => {
      const to = url.replace(PUBLIC, secured.provider.url);
      const {
        statusCode: status,
        headers,
        body,
      } = await undiciRequest(to, {
        dispatcher,
        method: 'POST',
        headers: options.headers,
        body: String(options.body),
      });
      return new Response(await body.text(), { status, headers: { 'content-type': String(headers['content-type']) } });
    },
  };
}

const issuer = new URL(SERVICES);
const as = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...plain }),
);
const gateway: oauth.Client = { client_id: 'api-gateway' };
const secret = oauth.ClientSecretBasic('canary-api-gateway');
const scope = { scope: 'orders:read' };

/** As a service that gets the token sees it; by the library's own rules for RFC 9068, certificates and DPoP. */
function validated(
  token: string,
  audience: string,
  scheme: 'Bearer' | 'DPoP' = 'Bearer',
  more: Record<string, string> = {},
) {
  const headers = { authorization: `${scheme} ${token}`, ...more };
  const request = new Request('https://order-service.example.com/orders', { headers });
  return oauth.validateJwtAccessToken(as, request, audience, plain);
}

test('both discovery documents are one, and tell everything that the service offers', async () => {
  const oidc = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, plain));
  assert.deepEqual(oidc, as);
  const endpoint = `${SERVICES}/protocol/openid-connect`;
  const { scopes_supported: scopes, ...rest } = as;
  assert.deepEqual([...(scopes ?? [])].sort(), ['orders:create', 'orders:read']);
  assert.deepEqual(
    {
      token: rest.token_endpoint,
      keys: rest.jwks_uri,
      introspection: rest.introspection_endpoint,
      revocation: rest.revocation_endpoint,
      grants: rest.grant_types_supported,
      methods: rest.token_endpoint_auth_methods_supported,
      bound: rest.tls_client_certificate_bound_access_tokens,
      proofs: rest.dpop_signing_alg_values_supported,
      responses: rest.response_types_supported,
    },
    {
      token: `${endpoint}/token`,
      keys: `${endpoint}/certs`,
      introspection: `${endpoint}/token/introspect`,
      revocation: `${endpoint}/revoke`,
      grants: ['client_credentials', EXCHANGE, JWT_BEARER],
      methods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      bound: true,
      proofs: ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'RS256', 'PS256'],
      responses: [],
    },
  );
  const algorithms = rest.token_endpoint_auth_signing_alg_values_supported ?? [];
  assert.ok(algorithms.includes('ES256') && !algorithms.some((name) => name.startsWith('HS') || name === 'none'));
});

describe('a token by client credentials', async () => {
  const key = {
    key: signer.privateKey.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']),
    kid: 'signer',
  };
  for (const [title, client_id, authentication, shown] of [
    ['client_secret_basic', 'api-gateway', secret, undefined],
    ['client_secret_post', 'api-gateway', oauth.ClientSecretPost('canary-api-gateway'), undefined],
    ['private_key_jwt', 'signer', oauth.PrivateKeyJwt(key), undefined],
    ['tls_client_auth', 'billing', oauth.TlsClientAuth(), certificate],
    ['self_signed_tls_client_auth', 'legacy', oauth.TlsClientAuth(), selfSigned],
    ['spiffe_x509', 'workload', oauth.TlsClientAuth(), svid],
  ] as const) {
    test(`is given by ${title}`, async () => {
      const options = shown === undefined ? plain : showing(shown);
      const asking = { client_id };
      const response = await oauth.clientCredentialsGrantRequest(as, asking, authentication, scope, options);
      const answer = await oauth.processClientCredentialsResponse(as, asking, response);
      assert.deepEqual([answer.token_type, answer.expires_in, answer.scope], ['bearer', 300, 'orders:read']);
      // the library verifies tokens that are bound to certificates nowhere
      const claims =
        shown === undefined ? await validated(answer.access_token, 'order-service') : decodeJwt(answer.access_token);
      assert.equal(claims['client_id'], client_id);
      assert.deepEqual(claims['cnf'], shown && { 'x5t#S256': shown.thumbprint });
    });
  }
});

test('a token by DPoP, whose nonce the library learns from the first refusal, and that the library accepts as bound', async () => {
  const keys = await oauth.generateKeyPair('ES256');
  const DPoP = oauth.DPoP(gateway, keys);
  const ask = async () => {
    const response = await oauth.clientCredentialsGrantRequest(as, gateway, secret, scope, { DPoP, ...plain });
    return await oauth.processClientCredentialsResponse(as, gateway, response);
  };
  const refused = await ask().catch((error: unknown) => error);
  assert.ok(oauth.isDPoPNonceError(refused), String(refused));
  const answer = await ask();
  assert.equal(answer.token_type, 'dpop');
  let proof = '';
  await oauth.protectedResourceRequest(
    answer.access_token,
    'GET',
    new URL('https://order-service.example.com/orders'),
    undefined,
    undefined,
    {
      DPoP,
      [oauth.customFetch]: async (_: string, { headers }: Sent) => {
        proof = headers['dpop'] ?? '';
        return new Response('', { status: 200 });
      },
    },
  );
  const claims = await validated(answer.access_token, 'order-service', 'DPoP', { dpop: proof });
  assert.equal(claims.cnf?.jkt, await DPoP.calculateThumbprint());
});

async function generic(
  grant: string,
  parameters: Record<string, string>,
  options: object = {},
  as_ = gateway,
  by = secret,
) {
  const response = await oauth.genericTokenEndpointRequest(as, as_, by, grant, parameters, plain);
  return await oauth.processGenericTokenEndpointResponse(as, as_, response, options);
}

test('a token by exchange, one by assertion, and a transaction token', async () => {
  const subject = { subject_token: await realms.userToken(), subject_token_type: `${TOKEN_TYPE}access_token` };
  const exchanged = await generic(EXCHANGE, { ...subject, ...scope });
  assert.equal(exchanged['issued_token_type'], `${TOKEN_TYPE}access_token`);
  const claims = await validated(exchanged.access_token, 'order-service');
  assert.deepEqual(
    [claims.sub, claims['act']],
    ['user-123', { sub: 'service-account-api-gateway', client_id: 'api-gateway' }],
  );

  const assertion = realms.partnerToken({ sub: 'jane-there', aud: SERVICES, jti: 'once' }, { header: { typ: 'JWT' } });
  const bearer = { client_id: 'bearer' };
  const asserted = await generic(
    JWT_BEARER,
    { assertion, ...scope },
    {},
    bearer,
    oauth.ClientSecretPost('canary-bearer'),
  );
  assert.equal((await validated(asserted.access_token, 'order-service')).sub, 'jane-here');

  const transaction = { requested_token_type: `${TOKEN_TYPE}txn_token`, audience: TRUST_DOMAIN };
  const recognizedTokenTypes = { n_a: () => undefined };
  const txn = await generic(EXCHANGE, { ...subject, ...scope, ...transaction }, { recognizedTokenTypes });
  assert.deepEqual([txn.token_type, txn['issued_token_type']], ['n_a', `${TOKEN_TYPE}txn_token`]);
  await assert.rejects(validated(txn.access_token, TRUST_DOMAIN), 'a transaction token is no access token');
});

test('a token is active for its audience until it is revoked', async () => {
  const audience: oauth.Client = { client_id: 'order-service' };
  const response = await oauth.clientCredentialsGrantRequest(as, gateway, secret, scope, plain);
  const { access_token: token } = await oauth.processClientCredentialsResponse(as, gateway, response);
  const introspect = async () => {
    const by = oauth.ClientSecretPost('canary-order-service');
    const asked = await oauth.introspectionRequest(as, audience, by, token, plain);
    return await oauth.processIntrospectionResponse(as, audience, asked);
  };
  const { active, client_id: clientId, scope: granted } = await introspect();
  assert.deepEqual([active, clientId, granted], [true, 'api-gateway', 'orders:read']);
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, gateway, secret, token, plain));
  assert.deepEqual(await introspect(), { active: false });
});

for (const [title, error, ask] of [
  [
    'a wrong secret',
    'invalid_client',
    () => generic('client_credentials', scope, {}, gateway, oauth.ClientSecretPost('x')),
  ],
  ['a scope', 'invalid_scope', () => generic('client_credentials', { scope: 'payments:create' })],
  ['an audience', 'invalid_target', () => generic('client_credentials', { audience: 'archive' })],
  ['a grant', 'unsupported_grant_type', () => generic('authorization_code', { code: 'x' })],
] as const) {
  test(`a refusal of ${title} is one that the library understands`, async () => {
    const refusal: unknown = await ask().catch((refused: unknown) => refused);
    assert.ok(
      refusal instanceof oauth.ResponseBodyError || refusal instanceof oauth.WWWAuthenticateChallengeError,
      String(refusal),
    );
    if (refusal instanceof oauth.ResponseBodyError) assert.equal(refusal.error, error);
    else assert.equal(error, 'invalid_client');
  });
}
