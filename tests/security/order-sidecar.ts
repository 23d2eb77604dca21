/** The sidecar that the hostile inputs meet: order-service of zone 2, mutual TLS, user tokens, an app that remembers. */
import { createTestAuthority, type TestAuthority, type TestCertificate } from '../support/certificates.ts';
import { type HttpApp, startHttpApp } from '../support/http-app.ts';
import { bytes, type JwksServer, startJwksServer } from '../support/jwks-server.ts';
import { type RefusalChecks, refusalChecks } from '../support/refusal.ts';
import { startTestSidecar, type TestSidecar, type TestSidecarOptions } from '../support/sidecar.ts';
import { createSigningKey, keySetBytes, type MintOptions, mint, type SigningKey } from '../support/tokens.ts';
import { sendRequest, type WireAnswer, type WireOptions, type WireRequest } from '../support/wire.ts';

export const USERS_REALM = 'https://keycloak.example.com/realms/users';

const GATEWAY_SUBJECT = [{ O: 'MyOrg' }, { CN: 'api-gateway-client' }];
const GATEWAY_ID = 'spiffe://example.org/zone1/api-gateway';

const POLICY = `package order

import rego.v1

default allow := false

allow if {
	input.mtls.verified
	input.token.sub != ""
	input.request.path != "/forbidden"
}
`;

export interface OrderSidecar extends AsyncDisposable, RefusalChecks {
  readonly sidecar: TestSidecar;
  readonly app: HttpApp;
  readonly jwks: JwksServer;
  /** Signs the server and every accepted client. */
  readonly zone: TestAuthority;
  readonly gateway: TestCertificate;
  readonly issuerKey: SigningKey;
  /** A user's token as the gateway forwards it, claims replaced. */
  userToken(changes?: Readonly<Record<string, unknown>>, options?: Partial<MintOptions>): string;
  /** Where and as whom to connect. */
  wire(client?: TestCertificate): WireOptions;
  /** Sends as the gateway with a good token, unless told otherwise. */
  send(request?: WireRequest, client?: TestCertificate): Promise<WireAnswer>;
}

export interface OrderSidecarOptions {
  /** YAML lines put below `proxy.headers`. */
  readonly headers?: string;
  /** YAML lines of `allowed_clients`. */
  readonly allowedClients?: readonly string[];
  /** YAML lines put below `proxy.authz`. */
  readonly authz?: string;
  /** YAML of the `identities` chapter. */
  readonly identities?: string;
  /** Rego of package `order` instead of the one above. */
  readonly policy?: string;
  /** YAML of `proxy.routes`, as a flow sequence. */
  readonly routes?: string;
  /** YAML of the `jwt` chapter, in which `${JWKS}` is the URL of the key server. */
  readonly jwt?: string;
  /** What the file of revocation lists says; absent: there is none. */
  readonly revocations?: (zone: TestAuthority) => string;
  /** More files, and variables of the environment. */
  readonly files?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Whole YAML chapters besides. */
  readonly chapters?: string;
  /** YAML lines put below `proxy`, indented by two. */
  readonly proxy?: string;
  /** What the key server answers. Default: the key of `userToken`. */
  readonly keys?: JwksServer['answer'];
  /** Default: the real one. */
  readonly clock?: TestSidecarOptions['clock'];
  /** False: it is not waited for until the sidecar is ready, which it may never be. */
  readonly ready?: boolean;
}

export async function startOrderSidecar(options: OrderSidecarOptions = {}): Promise<OrderSidecar> {
  const zone = createTestAuthority('zone2-CA');
  const server = zone.issue({ subject: [{ CN: 'order-service' }], dns: ['localhost'], eku: ['serverAuth'] });
  const gateway = zone.issue({ subject: GATEWAY_SUBJECT, uris: [GATEWAY_ID] });
  const issuerKey = createSigningKey('ES256', 'users-1');
  await using started = new AsyncDisposableStack();
  const jwks = started.use(await startJwksServer(options.keys ?? bytes(keySetBytes(issuerKey.jwk()))));
  const app = started.use(await startHttpApp());
  const sidecar = started.use(
    await startTestSidecar({
      yaml: configuration(options),
      files: {
        '/etc/certs/server.crt': server.certPem,
        '/etc/certs/server.key': server.keyPem,
        '/etc/certs/zone2-ca.crt': zone.certPem,
        ...(options.revocations === undefined ? {} : { '/etc/certs/zone2.crl': options.revocations(zone) }),
        '/etc/authz/policies/order.rego': options.policy ?? POLICY,
        ...options.files,
      },
      env: { APP: `http://127.0.0.1:${app.port}`, JWKS: `${jwks.origin}/certs`, ...options.env },
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    }),
  );
  if (options.ready !== false) await sidecar.ready;

  const userToken: OrderSidecar['userToken'] = (changes = {}, mintOptions = {}) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: USERS_REALM,
      aud: 'order-service',
      sub: 'user-123',
      azp: 'web-app',
      iat: now,
      exp: now + 300,
    };
    return mint({ ...claims, ...changes }, { key: issuerKey, ...mintOptions });
  };
  const wire: OrderSidecar['wire'] = (client = gateway) => ({
    port: sidecar.ingressPort,
    tls: { ca: zone.certPem, cert: client.certPem, key: client.keyPem },
  });

  const running = started.move();
  return {
    sidecar,
    app,
    jwks,
    zone,
    gateway,
    issuerKey,
    userToken,
    wire,
    send: (request = {}, client = gateway) => {
      const { headers = ['Authorization', `Bearer ${userToken()}`], ...rest } = request;
      return sendRequest(wire(client), { ...rest, headers });
    },
    ...refusalChecks(sidecar, app),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const USERS_ONLY = `jwt:
  issuer: ${USERS_REALM}
  audience: order-service
  jwks_url: \${JWKS}`;

function configuration(options: OrderSidecarOptions): string {
  const {
    jwt,
    authz = '',
    headers = '',
    allowedClients,
    identities,
    routes = '[]',
    chapters = '',
    proxy = '',
  } = options;
  const allowed = allowedClients ?? [GATEWAY_ID, '"CN=api-gateway-client,O=MyOrg"'];
  return `
http:
  addr: 127.0.0.1:0
  tls:
    enabled: true
    cert_file: /etc/certs/server.crt
    key_file: /etc/certs/server.key
    client_ca_file: /etc/certs/zone2-ca.crt
    client_auth: require
${options.revocations === undefined ? '' : '    client_crl_file: /etc/certs/zone2.crl'}
${jwt ?? USERS_ONLY}
proxy:
  enabled: true
  upstream:
    url: \${APP}
  routes: ${routes}
${proxy}
  authz:
    policy_query: data.order.allow
${authz}
  mtls:
    enabled: true
    allowed_clients:
${allowed.map((client) => `      - ${client}`).join('\n')}
  headers:
    inject_user_id: X-User-ID
    inject_claims:
      email: X-User-Email
      realm_access.roles: X-User-Roles
${headers}
${identities ?? `identities:\n  ${GATEWAY_ID}: { client_id: api-gateway, may_forward: [web-app] }\n  "CN=api-gateway-client,O=MyOrg": { client_id: api-gateway, may_forward: [web-app] }`}
${chapters}
`;
}
