/**
 * Gateway, order and data sidecar in the test process, each with the example's own configuration and policy: mutual TLS
 * between them, an order app that calls the data service through its egress, keys and service tokens from loopback.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { createTestAuthority, type TestAuthority, type TestCertificate } from './certificates.ts';
import { startHandlerApp } from './handler-app.ts';
import { type HttpApp, startHttpApp } from './http-app.ts';
import { bytes, startJwksServer } from './jwks-server.ts';
import { startTestSidecar, type TestSidecar } from './sidecar.ts';
import { startTokenEndpoint } from './token-endpoint.ts';
import { createSigningKey, keySetBytes, mint } from './tokens.ts';

export interface ThreeSidecars extends AsyncDisposable {
  readonly gateway: TestSidecar;
  readonly order: TestSidecar;
  readonly data: TestSidecar;
  readonly dataApp: HttpApp;
  /** To connect to the gateway as a user. */
  readonly ca: string;
  /** Everything that must never be in a record or a log: keys, secrets, and every token that was used. */
  readonly secrets: readonly string[];
  userToken(changes?: Readonly<Record<string, unknown>>): string;
  serviceToken(changes?: Readonly<Record<string, unknown>>): string;
}

const EXAMPLE = path.resolve(import.meta.dirname, '../../examples/three-zones');
const REALMS = 'https://keycloak.example.com/realms';
const SECRET = 'canary-order-service-secret';

export async function startThreeSidecars(): Promise<ThreeSidecars> {
  await using started = new AsyncDisposableStack();
  const zones = [
    createTestAuthority('zone1-CA'),
    createTestAuthority('zone2-CA'),
    createTestAuthority('zone3-CA'),
  ] as const;
  const key = createSigningKey('ES256', 'lab-1');
  const jwks = started.use(await startJwksServer(bytes(keySetBytes(key.jwk()))));
  const secrets: string[] = [SECRET];
  const kept = (secret: string): string => {
    secrets.push(secret);
    return secret;
  };
  const token = (claims: object): string => {
    const iat = Math.floor(Date.now() / 1000);
    return kept(mint({ iat, exp: iat + 300, ...claims }, { key }));
  };
  const serviceToken: ThreeSidecars['serviceToken'] = (changes = {}) => {
    const service = { iss: `${REALMS}/services`, aud: 'data-service', sub: 'order-service', azp: 'order-service' };
    return token({ ...service, scope: 'data-service:read data-service:write', ...changes });
  };
  const issuer = started.use(
    await startTokenEndpoint(() => ({
      body: { access_token: serviceToken(), token_type: 'Bearer', expires_in: 300, scope: 'data-service:read' },
    })),
  );

  const start = async (name: string, policy: string, options: StartOptions): Promise<TestSidecar> => {
    const { app, targets = {}, certificates } = options;
    const folder = `/etc/certs/${name}`;
    const issued = Object.entries(certificates);
    const sidecar = await startTestSidecar({
      yaml: loopbackConfiguration(name),
      files: {
        [`/etc/authz/policies/${policy}.rego`]: readFileSync(path.join(EXAMPLE, 'policies', `${policy}.rego`), 'utf8'),
        ...Object.fromEntries(zones.map((zone, index) => [`/etc/certs/ca/zone${index + 1}-ca.crt`, zone.certPem])),
        ...Object.fromEntries(issued.map(([file, { certPem }]) => [`${folder}/${file}.crt`, certPem])),
        ...Object.fromEntries(issued.map(([file, { keyPem }]) => [`${folder}/${file}.key`, kept(keyPem)])),
      },
      env: {
        AUTHZ_HTTP_ADDR: '127.0.0.1:0',
        AUTHZ_PROXY_UPSTREAM_URL: `http://127.0.0.1:${app}`,
        ...(name === 'data-service' ? {} : { AUTHZ_EGRESS_ADDR: '127.0.0.1:0' }),
        ORDER_SERVICE_CLIENT_SECRET: SECRET,
        JWKS: `${jwks.origin}/certs`,
        TOKEN_URL: issuer.url,
      },
      connectTo: new Map(Object.entries(targets).map(([host, port]) => [host, { address: '127.0.0.1', port }])),
    });
    await sidecar.ready;
    return started.use(sidecar);
  };

  const dataApp = started.use(await startHttpApp());
  const data = await start('data-service', 'dataservice', {
    app: dataApp.port,
    certificates: { server: serverOf(zones[2], 'data-service.zone3.local') },
  });
  let egressPort = 0;
  const orderApp = started.use(await startHandlerApp((request, response) => callData(egressPort, request, response)));
  const order = await start('order-service', 'order', {
    app: orderApp.port,
    targets: { 'data-service.zone3.local:8443': data.ingressPort },
    certificates: {
      server: serverOf(zones[1], 'order-service.zone2.local'),
      'client-zone3': clientOf(zones[2], 'order-service', 'zone2'),
    },
  });
  egressPort = order.egressPort;
  const gateway = await start('gateway', 'gateway', {
    app: dataApp.port,
    targets: { 'order-service.zone2.local:8443': order.ingressPort },
    certificates: {
      server: serverOf(zones[0], 'api-gateway.zone1.local'),
      'client-zone2': clientOf(zones[1], 'api-gateway', 'zone1'),
    },
  });
  const running = started.move();
  return {
    gateway,
    order,
    data,
    dataApp,
    ca: zones[0].certPem,
    secrets,
    userToken: (changes = {}) =>
      token({
        iss: `${REALMS}/users`,
        aud: ['api-gateway', 'order-service', 'payment-service'],
        sub: 'user-123',
        azp: 'web-app',
        preferred_username: 'john',
        realm_access: { roles: ['customer', 'orders:create'] },
        ...changes,
      }),
    serviceToken,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface StartOptions {
  readonly app: number;
  /** `host:port` → port on loopback. */
  readonly targets?: Readonly<Record<string, number>>;
  /** File name → certificate. */
  readonly certificates: Readonly<Record<string, TestCertificate>>;
}

const serverOf = (zone: TestAuthority, name: string): TestCertificate =>
  zone.issue({ subject: [{ O: 'MyOrg' }, { CN: name }], dns: [name, 'localhost'], eku: ['serverAuth'] });

const clientOf = (zone: TestAuthority, name: string, from: string): TestCertificate =>
  zone.issue({
    subject: [{ O: 'MyOrg' }, { CN: `${name}-client` }],
    uris: [`spiffe://example.org/${from}/${name}`],
  });

/** The example's file; only the identity provider is plain HTTP on loopback here. */
function loopbackConfiguration(name: string): string {
  return readFileSync(path.join(EXAMPLE, `${name}.yaml`), 'utf8')
    .replace(/jwks_url: .*/, 'jwks_url: ${JWKS}')
    .replace(/token_url: .*/, 'token_url: ${TOKEN_URL}');
}

/** The order app: everything it is asked for, it asks of the data service, with user and correlation id. */
function callData(egressPort: number, request: http.IncomingMessage, response: http.ServerResponse): void {
  const { 'x-original-user': user = '', 'x-correlation-id': correlation = '' } = request.headers;
  const headers = { 'X-User-Context': String(user), 'X-Correlation-ID': String(correlation) };
  const onward = http.request(
    { port: egressPort, path: `/data${request.url}`, method: request.method, headers, agent: false },
    (answer) => {
      response.writeHead(answer.statusCode ?? 502);
      answer.pipe(response);
    },
  );
  onward.on('error', () => response.writeHead(502).end());
  request.pipe(onward);
}
