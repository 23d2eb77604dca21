/** Certificates that a proxy verified: its word counts on its own connections, and is anybody's word on every other one. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createPushedJwks } from '@sidegate/sdk';
import { allOf, bearer, mutualTls, proxiedCertificates, serviceAuth } from '@sidegate/sdk/server';
import { createTestAuthority } from '../support/certificates.ts';
import { startExpress } from '../support/frameworks/express.ts';
import { type GuardedServer, paymentRoutes } from '../support/frameworks/guarded-service.ts';
import { createSigningKey, keySetBytes, mint } from '../support/tokens.ts';
import { sendRequest } from '../support/wire.ts';

const ORDER = 'spiffe://acme.com/ns/production/sa/order-service';
const authority = createTestAuthority('mesh');
const server = authority.issue({ subject: [{ CN: 'localhost' }], dns: ['localhost'], eku: ['serverAuth'] });
const proxy = authority.issue({ uris: ['spiffe://acme.com/ns/ingress/sa/proxy'] });
const order = authority.issue({ uris: [ORDER] });
const other = authority.issue({ uris: ['spiffe://acme.com/ns/production/sa/report-service'] });
const listed = authority.issue({ subject: [{ CN: 'order-service' }, { O: 'Acme' }] });

const hexOf = (der: Buffer): string => createHash('sha256').update(der).digest('hex');
const xfcc = (value: string): readonly string[] => ['X-Forwarded-Client-Cert', value];
const pemOf = ({ certPem }: typeof order): string => encodeURIComponent(certPem);
const clientCert = ({ der }: typeof order): readonly string[] => ['Client-Cert', `:${der.toString('base64')}:`];

interface Row {
  readonly title: string;
  readonly headers: readonly string[];
  /** Shown on the connection. */
  readonly shown?: typeof order;
  readonly status: number;
  readonly service?: string;
}

const FORGED: readonly Row[] = [
  { title: 'S0-15 a forged header without a certificate', headers: xfcc(`URI=${ORDER}`), status: 401 },
  {
    title: "S0-15 a forged header behind a stranger's certificate",
    headers: xfcc(`URI=${ORDER}`),
    shown: other,
    status: 403,
  },
  { title: 'the proxy itself, which speaks for nobody', headers: [], shown: proxy, status: 401 },
  { title: 'an empty header of the proxy', headers: xfcc(''), shown: proxy, status: 401 },
  { title: 'a header that cannot be read', headers: xfcc(`URI=${ORDER};`), shown: proxy, status: 403 },
  {
    title: 'a header that the proxy did not write last',
    headers: xfcc(`URI=${ORDER},URI=spiffe://acme.com/ns/production/sa/report-service`),
    shown: proxy,
    status: 403,
  },
  {
    title: 'two identities in one element',
    headers: xfcc(`URI=${ORDER};URI=spiffe://acme.com/ns/production/sa/admin`),
    shown: proxy,
    status: 403,
  },
  { title: 'a trust domain instead of a workload', headers: xfcc('URI=spiffe://acme.com'), shown: proxy, status: 403 },
  {
    title: 'a hash of another certificate',
    headers: xfcc(`Hash=${hexOf(other.der)};Cert="${pemOf(order)}"`),
    shown: proxy,
    status: 403,
  },
  { title: 'a hash alone', headers: xfcc(`Hash=${hexOf(order.der)}`), shown: proxy, status: 403 },
  {
    title: 'a subject that is not listed',
    headers: xfcc('Subject="CN=order-service,O=Elsewhere"'),
    shown: proxy,
    status: 403,
  },
  { title: 'what is no certificate', headers: xfcc('Cert="-----BEGIN%20CERTIFICATE-----"'), shown: proxy, status: 403 },
];

const TRUE: readonly Row[] = [
  {
    title: 'S0-13 a URI of the proxy is the caller',
    headers: xfcc(`By=spiffe://acme.com/p;Hash=${hexOf(order.der)};Subject="";URI=${ORDER}`),
    shown: proxy,
    status: 200,
    service: ORDER,
  },
  {
    title: 'the last of several elements is the caller',
    headers: xfcc(`URI=spiffe://acme.com/ns/production/sa/report-service,URI=${ORDER}`),
    shown: proxy,
    status: 200,
    service: ORDER,
  },
  {
    title: 'several fields are one list',
    headers: [...xfcc('URI=spiffe://acme.com/ns/production/sa/report-service'), ...xfcc(`URI=${ORDER}`)],
    shown: proxy,
    status: 200,
    service: ORDER,
  },
  {
    title: 'S0-13 a listed subject is known by its common name',
    headers: xfcc('Subject="O=Acme,CN=order-service"'),
    shown: proxy,
    status: 200,
    service: 'order-service',
  },
  {
    title: 'a whole certificate is read',
    headers: xfcc(`Hash=${hexOf(listed.der)};Cert="${pemOf(listed)}"`),
    shown: proxy,
    status: 200,
    service: 'order-service',
  },
  {
    title: "without the proxy the connection's own certificate counts",
    headers: xfcc('URI=spiffe://acme.com/ns/production/sa/admin'),
    shown: order,
    status: 200,
    service: ORDER,
  },
];

const allowedClients = [ORDER, 'CN=order-service,O=Acme'];

async function start(authenticator: Parameters<typeof serviceAuth>[0]['authenticator']): Promise<GuardedServer> {
  const auth = serviceAuth({ service: 'payment-service', authenticator });
  const tls = { key: server.keyPem, cert: server.certPem, ca: authority.certPem };
  return startExpress({ auth, routes: paymentRoutes(() => {}), tls });
}

function ask(port: number, headers: readonly string[], shown?: typeof order) {
  const cert = shown === undefined ? {} : { cert: shown.certPem, key: shown.keyPem };
  return sendRequest(
    { port, tls: { ca: authority.certPem, ...cert } },
    { method: 'POST', target: '/commands', headers },
  );
}

describe('X-Forwarded-Client-Cert', () => {
  let served: GuardedServer;
  before(async () => {
    const certificates = proxiedCertificates({
      header: 'x-forwarded-client-cert',
      proxy: { identities: ['spiffe://acme.com/ns/ingress/sa/proxy'] },
    });
    served = await start(mutualTls({ allowedClients, certificates }));
  });
  after(() => served[Symbol.asyncDispose]());

  for (const { title, headers, shown, status, service } of [...FORGED, ...TRUE]) {
    test(`${title}: ${status}`, async () => {
      const answer = await ask(served.port, headers, shown);
      assert.equal(answer.status, status, answer.raw);
      if (service !== undefined) assert.equal(JSON.parse(answer.body).service, service);
    });
  }
});

test('S4-023 whoever calls without a certificate is told so', async () => {
  const auth = serviceAuth({
    service: 'payment-service',
    authenticator: mutualTls({ allowedClients }),
    errors: 'text',
  });
  const tls = { key: server.keyPem, cert: server.certPem, ca: authority.certPem };
  await using served = await startExpress({ auth, routes: paymentRoutes(() => {}), tls });
  const { status, body } = await ask(served.port, []);
  assert.deepEqual([status, body], [401, 'Client certificate required']);
});

describe('Client-Cert, RFC 9440', () => {
  let served: GuardedServer;
  before(async () => {
    const certificates = proxiedCertificates({
      header: 'client-cert',
      proxy: { identities: ['spiffe://acme.com/ns/ingress/sa/proxy'] },
    });
    served = await start(mutualTls({ allowedClients, certificates }));
  });
  after(() => served[Symbol.asyncDispose]());

  for (const { title, headers, shown, status } of [
    { title: 'S0-15 a forged field', headers: clientCert(order), shown: undefined, status: 401 },
    { title: 'another header of the proxy', headers: xfcc(`URI=${ORDER}`), shown: proxy, status: 401 },
    { title: 'two fields', headers: [...clientCert(order), ...clientCert(order)], shown: proxy, status: 403 },
    {
      title: 'what is no byte sequence',
      headers: ['Client-Cert', order.der.toString('base64')],
      shown: proxy,
      status: 403,
    },
    { title: 'bytes that are no certificate', headers: ['Client-Cert', ':AAAA:'], shown: proxy, status: 403 },
    { title: 'a certificate that is not listed', headers: clientCert(other), shown: proxy, status: 403 },
    { title: 'the certificate of the caller', headers: clientCert(order), shown: proxy, status: 200 },
  ]) {
    test(`${title}: ${status}`, async () => assert.equal((await ask(served.port, headers, shown)).status, status));
  }
});

describe('a proxy that is known by its address', () => {
  const behind = async (addresses: readonly string[]): Promise<number> => {
    const certificates = proxiedCertificates({ header: 'x-forwarded-client-cert', proxy: { addresses } });
    const auth = serviceAuth({
      service: 'payment-service',
      authenticator: mutualTls({ allowedClients, certificates }),
    });
    await using served = await startExpress({ auth, routes: paymentRoutes(() => {}) });
    const request = { method: 'POST', target: '/commands', headers: xfcc(`URI=${ORDER}`) };
    return (await sendRequest({ port: served.port }, request)).status;
  };

  test('S0-15 is not believed at another address', async () => {
    assert.equal(await behind(['10.0.0.0/8', '127.0.0.6']), 401);
  });
  test('is believed at its own', async () => assert.equal(await behind(['127.0.0.1']), 200));
  test('is believed within its prefix', async () => assert.equal(await behind(['127.0.0.0/8']), 200));

  for (const addresses of [[], ['localhost'], ['0.0.0.0/0'], ['10.0.0.0/33'], ['10.0.0.0/8/8'], ['10.0.0.0/']]) {
    test(`${JSON.stringify(addresses)} is refused at the start`, () => {
      assert.throws(() => proxiedCertificates({ header: 'client-cert', proxy: { addresses } }), RangeError);
    });
  }
});

describe('a certificate beside a token', () => {
  const ISSUER = 'https://idp.example.com/realms/services';
  const key = createSigningKey('ES256', 'k1');
  const now = Math.floor(Date.now() / 1000);
  const token = (claims: object): string =>
    mint(
      {
        iss: ISSUER,
        aud: 'payment-service',
        sub: 'order-service',
        client_id: 'order-service',
        iat: now,
        exp: now + 300,
        scope: 'payment:charge',
        ...claims,
      },
      { key },
    );
  const bearing = (claims: object): readonly string[] => ['Authorization', `Bearer ${token(claims)}`];
  const client = (clientId: string) => ({ clientId, issuer: ISSUER });
  const tokens = () =>
    bearer({
      issuers: [{ issuer: ISSUER, keys: createPushedJwks(keySetBytes(key.jwk())) }],
      audience: 'payment-service',
      systemScopes: ['payment:charge'],
    });

  describe('by name', () => {
    let served: GuardedServer;
    before(async () => {
      served = await start(allOf(mutualTls({ allowedClients }), tokens()));
    });
    after(() => served[Symbol.asyncDispose]());

    for (const { title, headers, shown, status } of [
      { title: 'S4-012 a certificate without a token', headers: [], shown: listed, status: 401 },
      { title: 'S4-012 a token without a certificate', headers: bearing({}), shown: undefined, status: 401 },
      {
        title: 'S4-012 a token of another service',
        headers: bearing({ sub: 'admin-service', client_id: 'admin-service' }),
        shown: listed,
        status: 403,
      },
      {
        title: 'a token of a user, which nobody may pass on',
        headers: bearing({ sub: 'mary', client_id: 'web-app', scope: '' }),
        shown: listed,
        status: 403,
      },
      { title: 'a SPIFFE ID that no table names', headers: bearing({}), shown: order, status: 403 },
      {
        title: 'S4-012 a token that is bound to another certificate',
        headers: bearing({ cnf: { 'x5t#S256': order.thumbprint } }),
        shown: listed,
        status: 401,
      },
      {
        title: 'S4-012 both of the same service',
        headers: bearing({ cnf: { 'x5t#S256': listed.thumbprint } }),
        shown: listed,
        status: 200,
      },
    ]) {
      test(`${title}: ${status}`, async () => {
        const answer = await ask(served.port, headers, shown);
        assert.equal(answer.status, status, answer.raw);
      });
    }
  });

  describe('by the table of identities', () => {
    let served: GuardedServer;
    before(async () => {
      const identities = new Map([[ORDER, { ...client('order-service'), mayForward: [client('web-app')] }]]);
      served = await start(allOf(mutualTls({ allowedClients, identities }), tokens()));
    });
    after(() => served[Symbol.asyncDispose]());

    const user = (claims: object) =>
      bearing({ sub: 'mary', client_id: 'web-app', scope: '', realm_access: { roles: ['customer'] }, ...claims });
    test('a token that it passes on says who the user is', async () => {
      const request = { method: 'POST', target: '/orders', headers: user({}) };
      const tls = { ca: authority.certPem, cert: order.certPem, key: order.keyPem };
      const { status, body } = await sendRequest({ port: served.port, tls }, request);
      assert.deepEqual([status, JSON.parse(body)], [201, { service: 'order-service', user: 'mary' }]);
    });
    for (const { title, headers, status, body } of [
      {
        title: 'a token of a client that it may not pass on',
        headers: user({ client_id: 'other-app' }),
        status: 403,
        body: undefined,
      },
      { title: 'its own token', headers: bearing({}), status: 200, body: { service: 'order-service', user: null } },
      {
        title: 'its own token, whatever the subject is called',
        headers: bearing({ sub: '0b5c2b1e' }),
        status: 200,
        body: { service: 'order-service', user: null },
      },
      {
        title: 'its own token on behalf of a user',
        headers: bearing({ user_id: 'mary' }),
        status: 200,
        body: { service: 'order-service', user: 'mary' },
      },
    ]) {
      test(`${title}: ${status}`, async () => {
        const answer = await ask(served.port, headers, order);
        assert.equal(answer.status, status, answer.raw);
        if (body !== undefined) assert.deepEqual(JSON.parse(answer.body), body);
      });
    }
  });

  test('S4-013 the same service trusts its mesh for the certificate and asks for the token itself', async () => {
    const certificates = proxiedCertificates({
      header: 'x-forwarded-client-cert',
      proxy: { addresses: ['127.0.0.1'] },
    });
    const authenticator = allOf(mutualTls({ allowedClients, certificates }), tokens());
    const auth = serviceAuth({ service: 'payment-service', authenticator });
    await using served = await startExpress({ auth, routes: paymentRoutes(() => {}) });
    const asked = (headers: readonly string[]) =>
      sendRequest({ port: served.port }, { method: 'POST', target: '/charge', headers }).then(({ status }) => status);
    const mesh = xfcc('Subject="CN=order-service,O=Acme"');
    assert.equal(await asked(mesh), 401, 'the mesh alone authorizes nothing');
    assert.equal(await asked(bearing({})), 401);
    assert.equal(await asked([...mesh, ...bearing({ scope: 'payment:refund', sub: 'order-service' })]), 403);
    assert.equal(await asked([...mesh, ...bearing({})]), 200);
  });
});
