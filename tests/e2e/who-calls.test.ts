/** The two ways in which a service is known, by its certificate and by its token; and that its token gets no further than it has to. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createTestAuthority, type TestCertificate } from '../support/certificates.ts';
import { type HttpApp, startHttpApp, valuesOf } from '../support/http-app.ts';
import { type Ingress, ONE_TARGET, startIngress } from '../support/ingress.ts';
import { type RefusalChecks, refusalChecks } from '../support/refusal.ts';
import { startTestSidecar, type TestSidecar } from '../support/sidecar.ts';
import { startTokenEndpoint } from '../support/token-endpoint.ts';
import { createSigningKey } from '../support/tokens.ts';
import { sendRequest } from '../support/wire.ts';

describe('S4-010 by certificate: Subject or SAN, verified in the handshake', () => {
  const authority = createTestAuthority('internal-ca');
  const BY_SUBJECT = { subject: [{ O: 'Acme Corp' }, { CN: 'checkout-service' }] };
  const BY_SAN = { subject: [{ CN: 'whatever' }], uris: ['spiffe://acme.com/ns/production/sa/checkout-service'] };
  let app: HttpApp;
  let sidecar: TestSidecar;
  let checks: RefusalChecks;

  before(async () => {
    const server = authority.issue({ dns: ['localhost'], eku: ['serverAuth'] });
    app = await startHttpApp();
    sidecar = await startTestSidecar({
      files: { '/tls.crt': server.certPem, '/tls.key': server.keyPem, '/ca.crt': authority.certPem },
      env: { APP: `http://127.0.0.1:${app.port}` },
      yaml: `service: { name: order-service }
http: { addr: "127.0.0.1:0", tls: { enabled: true, cert_file: /tls.crt, key_file: /tls.key, client_ca_file: /ca.crt, client_auth: require } }
proxy:
  enabled: true
  upstream: { url: "\${APP}" }
  auth: { enabled: false }
  authz: { enabled: false }
  mtls:
    enabled: true
    allowed_clients: ["CN=checkout-service,O=Acme Corp", "spiffe://acme.com/ns/production/sa/checkout-service"]
`,
    });
    checks = refusalChecks(sidecar, app);
  });
  after(async () => {
    await sidecar[Symbol.asyncDispose]();
    await app[Symbol.asyncDispose]();
  });

  const send = (client: TestCertificate | undefined, headers: readonly string[] = []) =>
    sendRequest(
      {
        port: sidecar.ingressPort,
        tls: { ca: authority.certPem, ...(client === undefined ? {} : { cert: client.certPem, key: client.keyPem }) },
      },
      { headers },
    );

  test('who shows none fails the handshake, whatever the request would say', async () => {
    await checks.refusedHandshake(() => send(undefined, ['X-Service-Name', 'checkout-service']));
  });

  for (const [title, names] of [
    ['Subject', BY_SUBJECT],
    ['SAN', BY_SAN],
  ] as const) {
    test(`the ${title} of another authority fails the handshake`, async () => {
      await checks.refusedHandshake(() => send(createTestAuthority('internal-ca').issue(names)));
    });
  }

  for (const [title, names, code = 'peer_identity_missing'] of [
    ['another Subject', { subject: [{ O: 'Acme Corp' }, { CN: 'report-service' }] }],
    ['a part of the Subject', { subject: [{ CN: 'checkout-service' }] }],
    ['the name in a host name', { subject: [{ CN: 'report-service' }], dns: ['checkout-service'] }],
    ['another SAN', { uris: ['spiffe://acme.com/ns/production/sa/report-service'] }, 'peer_not_allowed'],
  ] as const) {
    test(`${title} is somebody else: refused, and headers with the right name change nothing`, async () => {
      const headers = ['X-Forwarded-Client-Cert', `URI=${BY_SAN.uris[0]}`, 'X-Service-Name', 'checkout-service'];
      await checks.refused(code, () => send(authority.issue(names), headers));
    });
  }

  test('the Subject, and the SAN, say who it is, in the record as well', async () => {
    assert.equal((await send(authority.issue(BY_SUBJECT))).status, 200);
    assert.equal((await send(authority.issue(BY_SAN))).status, 200);
    const peers = sidecar.audit.filter(({ decision }) => decision === 'allow').map(({ peer }) => peer);
    const [subject, san] = peers as readonly { readonly spiffe_id?: string; readonly subject?: string }[];
    assert.match(subject?.subject ?? '', /CN=checkout-service/);
    assert.equal(san?.spiffe_id, BY_SAN.uris[0]);
  });
});

describe('S4-011 by token: in the Authorization header, signed, verified where TLS has no part', () => {
  let order: Ingress;
  before(async () => {
    order = await startIngress({
      files: {
        '/etc/authz/policies/order.rego':
          'package order\n\ndefault allow := false\n\nallow if input.token.azp == "checkout-service"\n',
      },
      proxy: '  authz: { policy_query: data.order.allow }',
      chapters: 'policy: { path: /etc/authz/policies }',
    });
  });
  after(() => order[Symbol.asyncDispose]());

  const ofService = (name: string) => order.token({ azp: name, sub: name });
  const forged = (): string => {
    const [header, , signature] = ofService('report-service').split('.');
    return [header, ofService('checkout-service').split('.')[1], signature].join('.');
  };

  for (const [title, code, headers] of [
    [
      'signed by somebody else',
      'token_signature_invalid',
      () => [
        'Authorization',
        `Bearer ${order.token({ azp: 'checkout-service' }, { key: createSigningKey('ES256', 'users-1') })}`,
      ],
    ],
    ['with the claims of another token', 'token_signature_invalid', () => ['Authorization', `Bearer ${forged()}`]],
    ['of another service', 'policy_denied', () => ['Authorization', `Bearer ${ofService('report-service')}`]],
    ['with another scheme', 'token_missing', () => ['Authorization', `Basic ${ofService('checkout-service')}`]],
    ['in another header', 'token_missing', () => ['X-Auth-Token', ofService('checkout-service')]],
  ] as const) {
    test(`a token ${title} is refused`, async () => {
      await order.refused(code, () => sendRequest(order.wire, { headers: headers() }));
    });
  }

  test('its claims name the service', async () => {
    assert.equal(
      (await order.send({ headers: ['Authorization', `Bearer ${ofService('checkout-service')}`] })).status,
      200,
    );
    assert.equal(order.app.seen.length, 1);
  });
});

test('S0-70 the token of a service never reaches a browser, even if every application shows all that it has', async () => {
  await using stack = new AsyncDisposableStack();
  // Writes what it got where a browser finds it: in a cookie, in a header, in the page.
  const echo = stack.use(
    await startHttpApp(({ rawHeaders }, response) => {
      const found = valuesOf(rawHeaders, 'authorization').join() || 'nothing';
      response.writeHead(200, { 'set-cookie': `token=${found}`, 'x-authorization': found });
      response.end(rawHeaders.join('\n'));
    }),
  );
  const data = stack.use(await startIngress({ upstreamPort: echo.port }));
  const serviceToken = data.token({ azp: 'order-service', sub: 'order-service' });
  const endpoint = stack.use(
    await startTokenEndpoint(() => ({ body: { access_token: serviceToken, token_type: 'Bearer', expires_in: 300 } })),
  );
  let egress = 0;
  const app = stack.use(
    await startHttpApp((request, response) => {
      void fetch(`http://127.0.0.1:${egress}/data/stock`).then(async (answer) => {
        response.writeHead(answer.status, [...answer.headers].filter(([name]) => /^(set-cookie|x-)/.test(name)).flat());
        response.end(`${request.rawHeaders.join('\n')}\n${await answer.text()}`);
      });
    }),
  );
  const order = stack.use(
    await startIngress({
      upstreamPort: app.port,
      chapters: ONE_TARGET,
      env: { TARGET: `http://127.0.0.1:${data.sidecar.ingressPort}`, TOKEN_URL: endpoint.url, SECRET: 'client-secret' },
    }),
  );
  egress = order.sidecar.egressPort;
  const userToken = order.token();
  const page = await order.send({ headers: ['Authorization', `Bearer ${userToken}`] });
  assert.equal(page.status, 200, page.raw);
  // It did come all the way from behind the other sidecar, which took the token of the service, and nothing else.
  assert.match(page.raw, /set-cookie: token=nothing/i);
  assert.equal(endpoint.requests.length, 1);
  assert.ok(data.sidecar.audit.some(({ decision }) => decision === 'allow'));
  for (const secret of [serviceToken, userToken, 'client-secret', serviceToken.split('.')[2] ?? '']) {
    assert.ok(!page.raw.includes(secret));
  }
});
