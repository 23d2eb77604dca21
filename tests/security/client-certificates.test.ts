import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import https from 'node:https';
import { test } from 'node:test';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { startIdentityProvider, systemClock, type TestIdentityProvider } from '../support/identity-provider.ts';
import { ORDER_SECRET, servicesRealm } from '../support/realms.ts';

const serverCa = createTestAuthority('keycloak-ca');
const clientCa = createTestAuthority('zone3-ca');
const otherCa = createTestAuthority('evil-ca');
const server = serverCa.issue({
  subject: [{ CN: 'keycloak.example.com' }],
  dns: ['keycloak.example.com'],
  eku: ['serverAuth'],
});

const subject = [{ O: 'MyOrg' }, { CN: 'payment-service-client' }];
const uris = ['spiffe://example.org/zone2/payment-service'];
const good = clientCa.issue({ subject, uris });

const byCertificate = {
  clientId: 'payment-service',
  serviceAccountsEnabled: true,
  clientAuthenticatorType: 'client-x509',
  attributes: { 'x509.subjectdn': 'CN=payment-service-client, O=MyOrg' },
  defaultClientScopes: ['data-service:read'],
};
/** Signed by whoever: what counts is the key. */
const own = otherCa.issue({ subject: [{ CN: 'legacy' }], eku: null });
const bySelfSigned = {
  clientId: 'legacy',
  serviceAccountsEnabled: true,
  clientAuthenticatorType: 'client-x509',
  attributes: {
    'sidegate.self_signed': 'true',
    'jwks.string': JSON.stringify({ keys: [createPublicKey(own.privateKey).export({ format: 'jwk' })] }),
  },
  defaultClientScopes: ['data-service:read'],
};
const svid = clientCa.issue({ subject: [{ CN: 'anything' }], uris: ['spiffe://example.org/zone2/order-service'] });
const bySvid = {
  clientId: 'workload',
  serviceAccountsEnabled: true,
  clientAuthenticatorType: 'client-x509',
  attributes: { 'sidegate.spiffe_id': 'spiffe://example.org/zone2/order-service' },
  defaultClientScopes: ['data-service:read'],
};
const bound = {
  clientId: 'bound',
  serviceAccountsEnabled: true,
  secret: 'canary-bound',
  attributes: { 'tls.client.certificate.bound.access.tokens': 'true' },
  defaultClientScopes: ['data-service:read'],
};

function start(clock = systemClock): Promise<TestIdentityProvider> {
  return startIdentityProvider({
    clock,
    realms: [servicesRealm(byCertificate, bySelfSigned, bySvid, bound)],
    tls: { cert: server.certPem, key: server.keyPem, clientCa: clientCa.certPem },
    algorithms: ['ES256'],
  });
}

interface Reply {
  readonly status: number;
  readonly body: { readonly error?: string; readonly access_token?: string };
  /** Of the token, when there is one. */
  readonly cnf: unknown;
}

/** A token request over TLS, with a client certificate or without. */
async function ask(
  provider: TestIdentityProvider,
  form: Readonly<Record<string, string>>,
  client?: TestCertificate,
  headers: Readonly<Record<string, string>> = {},
): Promise<Reply> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString();
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const request = https.request(
    {
      host: '127.0.0.1',
      port: provider.port,
      servername: 'keycloak.example.com',
      path: '/realms/services/protocol/openid-connect/token',
      method: 'POST',
      ca: serverCa.certPem,
      ...(client === undefined ? {} : { cert: client.certPem, key: client.keyPem }),
      headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded', 'content-length': body.length },
      agent: false,
    },
    (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => {
        const answer = JSON.parse(text);
        const claims = answer.access_token?.split('.')[1] ?? 'e30';
        const { cnf } = JSON.parse(Buffer.from(claims, 'base64url').toString());
        resolve({ status: response.statusCode ?? 0, body: answer, cnf });
      });
    },
  );
  request.on('error', reject);
  request.end(body);
  return promise;
}

const wrong: readonly (readonly [string, TestCertificate | undefined])[] = [
  ['no certificate', undefined],
  ['a certificate of another authority', otherCa.issue({ subject, uris })],
  ['a certificate that has expired', clientCa.issue({ subject, uris, notAfter: new Date(Date.now() - 60_000) })],
  ['a server certificate', clientCa.issue({ subject, uris, eku: ['serverAuth'] })],
  ['a certificate for any usage', clientCa.issue({ subject, uris, eku: ['any'] })],
  ['a certificate authority', clientCa.issue({ subject, uris, ca: true })],
  ['another common name', clientCa.issue({ subject: [{ O: 'MyOrg' }, { CN: 'order-service-client' }] })],
  ['a part of the subject missing', clientCa.issue({ subject: [{ CN: 'payment-service-client' }] })],
  ['an extra part in the subject', clientCa.issue({ subject: [...subject, { OU: 'Billing' }] })],
  ['the whole subject inside the common name', clientCa.issue({ subject: [{ CN: 'payment-service-client,O=MyOrg' }] })],
];

for (const [title, certificate] of wrong) {
  test(`tls_client_auth with ${title} is refused with 401 invalid_client`, async () => {
    await using provider = await start();
    const { status, body } = await ask(provider, { client_id: 'payment-service' }, certificate);
    assert.deepEqual([status, body.error], [401, 'invalid_client']);
  });
}

const wrongWorkload: readonly (readonly [string, string, TestCertificate | undefined])[] = [
  ['self_signed_tls_client_auth without a certificate', 'legacy', undefined],
  ['self_signed_tls_client_auth with another key', 'legacy', otherCa.issue({ subject: [{ CN: 'legacy' }] })],
  [
    'self_signed_tls_client_auth with a verified certificate',
    'legacy',
    clientCa.issue({ subject: [{ CN: 'legacy' }] }),
  ],
  [
    'self_signed_tls_client_auth with its key in a certificate that has expired',
    'legacy',
    otherCa.issue({ privateKey: own.privateKey, notAfter: new Date(Date.now() - 60_000) }),
  ],
  ['an X.509-SVID that is absent', 'workload', undefined],
  ['an X.509-SVID of another workload', 'workload', good],
  [
    'an X.509-SVID of another authority',
    'workload',
    otherCa.issue({ uris: ['spiffe://example.org/zone2/order-service'] }),
  ],
  [
    'an X.509-SVID with two URIs',
    'workload',
    clientCa.issue({ uris: ['spiffe://example.org/zone2/order-service', 'spiffe://example.org/x'] }),
  ],
  [
    'its SPIFFE ID as a common name',
    'workload',
    clientCa.issue({ subject: [{ CN: 'spiffe://example.org/zone2/order-service' }] }),
  ],
];

for (const [title, id, certificate] of wrongWorkload) {
  test(`${title} is refused with 401 invalid_client`, async () => {
    await using provider = await start();
    const { status, body } = await ask(provider, { client_id: id }, certificate);
    assert.deepEqual([status, body.error], [401, 'invalid_client']);
  });
}

for (const [title, id, certificate] of [
  ['a self-signed certificate with one of its keys', 'legacy', own],
  ['a renewed certificate with the same key', 'legacy', otherCa.issue({ privateKey: own.privateKey })],
  ['its X.509-SVID', 'workload', svid],
  ['its X.509-SVID, named by its SPIFFE ID', 'spiffe://example.org/zone2/order-service', svid],
] as const) {
  test(`a client that shows ${title} gets a token that is bound to it`, async () => {
    await using provider = await start();
    const { status, cnf } = await ask(provider, { client_id: id }, certificate);
    assert.deepEqual([status, cnf], [200, { 'x5t#S256': certificate.thumbprint }]);
  });
}

test('tls_client_auth ends with the certificate, also on a connection that is still open', async () => {
  const twoDaysMs = 2 * 86_400_000;
  await using provider = await start({ ...systemClock, now: () => Date.now() + twoDaysMs });
  const { status, body } = await ask(provider, { client_id: 'payment-service' }, good);
  assert.deepEqual([status, body.error], [401, 'invalid_client']);
});

test('tls_client_auth is not replaced by a secret', async () => {
  await using provider = await start();
  const { status, body } = await ask(provider, { client_id: 'payment-service', client_secret: 'x' }, good);
  assert.deepEqual([status, body.error], [401, 'invalid_client']);
});

/** Every way in which proxies tell of a certificate that they have seen. */
const TOLD: readonly (readonly [title: string, headers: Readonly<Record<string, string>>])[] = [
  [
    'XFCC of Envoy',
    {
      'x-forwarded-client-cert': `Cert="${encodeURIComponent(good.certPem)}";Subject="CN=payment-service-client,O=MyOrg"`,
    },
  ],
  [
    'XFCC with a hash',
    { 'x-forwarded-client-cert': `By=spiffe://example.org/keycloak;Hash=${good.thumbprint};URI=${uris[0]}` },
  ],
  ['Client-Cert of RFC 9440', { 'client-cert': `:${good.der.toString('base64')}:` }],
  [
    'headers of nginx',
    {
      'ssl-client-cert': encodeURIComponent(good.certPem),
      'x-ssl-client-verify': 'SUCCESS',
      'x-ssl-client-s-dn': 'CN=payment-service-client,O=MyOrg',
    },
  ],
  ['headers of Traefik', { 'x-forwarded-tls-client-cert': good.der.toString('base64') }],
  ['X-Client-Cert', { 'x-client-cert': good.der.toString('base64') }],
];

for (const [title, headers] of TOLD) {
  test(`C-202 tls_client_auth through a forged ${title} is 401 without a certificate, and with a worthless one`, async () => {
    await using provider = await start();
    for (const id of ['payment-service', 'legacy', 'workload']) {
      for (const certificate of [undefined, otherCa.issue({ subject, uris })]) {
        const { status, body } = await ask(provider, { client_id: id }, certificate, headers);
        assert.deepEqual([status, body.error], [401, 'invalid_client'], id);
      }
    }
  });

  test(`C-202 a forged ${title} does not change to whom a token is bound`, async () => {
    await using provider = await start();
    const shown = otherCa.issue({ subject: [{ CN: 'anybody' }] });
    const { status, cnf } = await ask(provider, { client_id: 'bound', client_secret: 'canary-bound' }, shown, headers);
    assert.deepEqual([status, cnf], [200, { 'x5t#S256': shown.thumbprint }]);
    const refused = await ask(provider, { client_id: 'bound', client_secret: 'canary-bound' }, undefined, headers);
    assert.deepEqual([refused.status, refused.body.error], [400, 'invalid_request']);
  });
}

test('the token of a client that authenticates with its certificate is bound to it', async () => {
  await using provider = await start();
  const { status, body, cnf } = await ask(provider, { client_id: 'payment-service' }, good);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(cnf, { 'x5t#S256': good.thumbprint });
  assert.deepEqual(
    provider.events.map(({ client, certificate_bound }) => [client, certificate_bound]),
    [['payment-service', true]],
  );
});

test('a client configured for bound tokens gets none without a certificate', async () => {
  await using provider = await start();
  const { status, body } = await ask(provider, { client_id: 'bound', client_secret: 'canary-bound' });
  assert.deepEqual([status, body.error], [400, 'invalid_request']);
});

test('a bound token names any certificate whose key the client holds (RFC 8705 section 3)', async () => {
  await using provider = await start();
  for (const certificate of [good, otherCa.issue({ subject })]) {
    const { status, cnf } = await ask(provider, { client_id: 'bound', client_secret: 'canary-bound' }, certificate);
    assert.equal(status, 200);
    assert.deepEqual(cnf, { 'x5t#S256': certificate.thumbprint });
  }
});

test('a certificate that nobody asked to bind changes nothing', async () => {
  await using provider = await start();
  const { status, cnf } = await ask(provider, { client_id: 'order-service', client_secret: ORDER_SECRET }, good);
  assert.deepEqual([status, cnf], [200, undefined]);
});
