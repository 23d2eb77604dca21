/**
 * An ingress on plain HTTP, for what happens to messages where who calls is not the question: users' tokens,
 * any policy, any app behind it. Configuration is YAML as a user writes it.
 */
import { type HttpApp, startHttpApp } from './http-app.ts';
import { bytes, type JwksServer, startJwksServer } from './jwks-server.ts';
import { type RefusalChecks, refusalChecks } from './refusal.ts';
import { startTestSidecar, type TestSidecar, type TestSidecarOptions } from './sidecar.ts';
import { createSigningKey, keySetBytes, type MintOptions, mint, type SigningKey } from './tokens.ts';
import { sendRequest, type WireAnswer, type WireOptions, type WireRequest } from './wire.ts';

export interface IngressOptions extends Partial<Omit<TestSidecarOptions, 'yaml'>> {
  /** Default: more than a busy machine takes. */
  readonly upstreamTimeout?: string;
  /** YAML lines below `proxy`, indented by two. Default: authorization is off. */
  readonly proxy?: string;
  /** Whole YAML chapters besides `http`, `jwt` and `proxy`. */
  readonly chapters?: string;
  /** YAML lines below `jwt`, indented by two. */
  readonly jwt?: string;
  /** Members of `http` besides `addr`, as in a flow mapping. */
  readonly http?: string;
  /** Port of another app than the one that remembers what it saw. */
  readonly upstreamPort?: number;
  /** Any server's port, instead of a key endpoint that serves the signing key. */
  readonly jwksUrl?: string;
  /** False: it is not waited for until the sidecar is ready, which it may never be. */
  readonly ready?: boolean;
}

export interface Ingress extends AsyncDisposable, RefusalChecks {
  readonly sidecar: TestSidecar;
  /** Sees nothing when `upstreamPort` names another. */
  readonly app: HttpApp;
  readonly jwks: JwksServer;
  readonly issuerKey: SigningKey;
  readonly wire: WireOptions;
  /** A user's token, claims replaced. */
  token(changes?: Readonly<Record<string, unknown>>, options?: Partial<MintOptions>): string;
  /** Sends with a good token, unless `Authorization` is among the headers. */
  send(request?: WireRequest): Promise<WireAnswer>;
}

export const USERS_REALM = 'https://keycloak.example.com/realms/users';

/** An egress chapter whose one target, at `TARGET`, needs a token from `TOKEN_URL`. */
export const ONE_TARGET = `
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data:
      url: \${TARGET}
      auth: { type: oauth2_client_credentials, token_url: "\${TOKEN_URL}", client_id: order-service, client_secret: "\${SECRET}" }
  routes: [{ path_prefix: /data, target: data, strip_prefix: /data }]
`;

export async function startIngress(options: IngressOptions = {}): Promise<Ingress> {
  const issuerKey = createSigningKey('ES256', 'users-1');
  await using started = new AsyncDisposableStack();
  const jwks = started.use(await startJwksServer(bytes(keySetBytes(issuerKey.jwk()))));
  const app = started.use(await startHttpApp());
  const { upstreamPort = app.port, jwksUrl = `${jwks.origin}/certs` } = options;
  const sidecar = started.use(
    await startTestSidecar({
      ...options,
      yaml: configuration(options),
      files: options.files ?? {},
      env: { APP: `http://127.0.0.1:${upstreamPort}`, JWKS: jwksUrl, ...options.env },
    }),
  );
  if (options.jwksUrl === undefined && options.ready !== false) await sidecar.ready;
  const now = options.clock ?? { now: () => Date.now() };
  const token: Ingress['token'] = (changes = {}, mintOptions = {}) => {
    const iat = Math.floor(now.now() / 1000);
    const claims = { iss: USERS_REALM, aud: 'order-service', sub: 'user-123', azp: 'web-app', iat, exp: iat + 300 };
    return mint({ ...claims, ...changes }, { key: issuerKey, ...mintOptions });
  };
  const wire = { port: sidecar.ingressPort };
  const running = started.move();
  return {
    sidecar,
    app,
    jwks,
    issuerKey,
    wire,
    token,
    send: ({ headers = [], ...request } = {}) => {
      const named = headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization');
      const credential = named ? [] : ['Authorization', `Bearer ${token()}`];
      return sendRequest(wire, { ...request, headers: [...credential, ...headers] });
    },
    ...refusalChecks(sidecar, app),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function configuration(options: IngressOptions): string {
  const {
    proxy = '  authz: { enabled: false }',
    chapters = '',
    jwt = '',
    http = 'read_timeout: 10s',
    upstreamTimeout = '5s',
  } = options;
  return `
http: { addr: "127.0.0.1:0", ${http} }
jwt:
  issuer: ${USERS_REALM}
  audience: order-service
  jwks_url: \${JWKS}
${jwt}
proxy:
  enabled: true
  upstream: { url: "\${APP}", timeout: ${upstreamTimeout} }
${proxy}
${chapters}
`;
}
