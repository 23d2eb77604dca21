/** An authority that revokes, over TLS, and sidecars of data-service that follow it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createTestAuthority, type TestAuthority, type TestCertificate } from './certificates.ts';
import { type HttpApp, startHttpApp } from './http-app.ts';
import { type IdentityProviderOptions, startIdentityProvider, type TestIdentityProvider } from './identity-provider.ts';
import { bytes, type JwksServer, startJwksServer } from './jwks-server.ts';
import { ORDER_SECRET, servicesRealm } from './realms.ts';
import { startTestSidecar, type TestSidecar, type TestSidecarOptions } from './sidecar.ts';
import { sendRequest, type WireAnswer, type WireOptions, type WireRequest } from './wire.ts';

export const ISSUER = 'https://keycloak.example.com/realms/services';
export const ORDER_ID = 'spiffe://example.org/zone2/order-service';
export const OTHER_ID = 'spiffe://example.org/zone2/other-service';
export const ADMIN_ID = 'spiffe://example.org/operations/revoker';
const PATIENCE_MS = 5_000;
const ADMIN = { client_id: 'operations', client_secret: 'canary-operations' };

export interface FormAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface RevokingAuthority extends AsyncDisposable {
  readonly ca: TestAuthority;
  readonly jwks: JwksServer;
  readonly port: number;
  provider(): TestIdentityProvider;
  /** A token of order-service for data-service. */
  token(): Promise<string>;
  readonly form: (
    target: string,
    parameters: Readonly<Record<string, string>>,
    client?: TestCertificate,
  ) => Promise<FormAnswer>;
  /** As an administrator. */
  readonly revoke: (what: Readonly<Record<string, string>>) => Promise<FormAnswer>;
  readonly lift: (what: Readonly<Record<string, string>>) => Promise<FormAnswer>;
  stop(): Promise<void>;
  /** Where it was, with the same keys. */
  start(): Promise<void>;
}

export interface RevokingOptions extends Partial<IdentityProviderOptions> {}

export async function startRevokingAuthority(options: RevokingOptions = {}): Promise<RevokingAuthority> {
  const ca = createTestAuthority('zone-CA');
  const server = ca.issue({ dns: ['localhost', 'keycloak.example.com'], eku: ['serverAuth'] });
  const keyDirectory = mkdtempSync(path.join(tmpdir(), 'sidegate-authority-'));
  let port = 0;
  const open = (): Promise<TestIdentityProvider> =>
    startIdentityProvider({
      realms: [servicesRealm({ clientId: ADMIN.client_id, secret: ADMIN.client_secret, serviceAccountsEnabled: true })],
      tls: { cert: server.certPem, key: server.keyPem, clientCa: ca.certPem },
      administrators: { clients: new Set([ADMIN.client_id]), spiffeIds: new Set([ADMIN_ID]) },
      keyDirectory,
      ...options,
      port,
    });
  let provider = await open();
  port = provider.port;
  const ask = (target: string, request: https.RequestOptions, body?: string): Promise<FormAnswer> =>
    new Promise((resolve, reject) => {
      const where = {
        host: '127.0.0.1',
        port,
        path: target,
        servername: 'localhost',
        ca: ca.certPem,
        agent: false,
      } as const;
      https
        .request({ ...where, ...request }, (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk;
          });
          answer.on('end', () =>
            resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) as FormAnswer['body'] }),
          );
        })
        .on('error', reject)
        .end(body);
    });
  const form: RevokingAuthority['form'] = (target, parameters, client) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const shown = client === undefined ? {} : { cert: client.certPem, key: client.keyPem };
    return ask(target, { method: 'POST', headers, ...shown }, new URLSearchParams(parameters).toString());
  };
  const { body: keys } = await ask('/realms/services/protocol/openid-connect/certs', {});
  const jwks = await startJwksServer(bytes(Buffer.from(JSON.stringify(keys))));
  return {
    ca,
    jwks,
    port,
    provider: () => provider,
    token: async () => {
      const { body } = await form('/realms/services/protocol/openid-connect/token', {
        grant_type: 'client_credentials',
        client_id: 'order-service',
        client_secret: ORDER_SECRET,
      });
      return String(body['access_token']);
    },
    form,
    revoke: (what) => form('/realms/services/revocations', { ...ADMIN, ...what }),
    lift: (what) => form('/realms/services/revocations/lift', { ...ADMIN, ...what }),
    stop: () => provider.close(),
    start: async () => {
      provider = await open();
    },
    async [Symbol.asyncDispose]() {
      await provider.close();
      await jwks[Symbol.asyncDispose]();
      rmSync(keyDirectory, { recursive: true });
    },
  };
}

export interface FollowingOptions extends Partial<Omit<TestSidecarOptions, 'yaml'>> {
  /** Members of `revocation` besides its source, as in a flow mapping. */
  readonly revocation?: string;
  /** Whole YAML chapters besides. */
  readonly chapters?: string;
  /** More members of `jwt`, as in a flow mapping. */
  readonly jwt?: string;
  /** False: certificates are not tied to clients. */
  readonly bound?: boolean;
  /** YAML of `proxy.authz`, as a flow mapping. Default: switched off. */
  readonly authz?: string;
  /** Rego in the folder of policies. */
  readonly policy?: string;
  /** YAML of `proxy.routes`, as a flow sequence. */
  readonly routes?: string;
  /** What the app answers. */
  readonly answer?: Parameters<typeof startHttpApp>[0];
  /** Port of another app. */
  readonly upstreamPort?: number;
  /** Default: the authority. */
  readonly eventsPort?: number;
  /** Default: any that the authority knows. */
  readonly certificate?: TestCertificate;
  /** False: it is not waited for until the sidecar is ready, which it may never be. */
  readonly ready?: boolean;
}

export interface FollowingSidecar extends AsyncDisposable {
  readonly sidecar: TestSidecar;
  readonly app: HttpApp;
  /** As order-service unless told otherwise. */
  wire(client?: TestCertificate): WireOptions;
  send(token: string, request?: WireRequest, client?: TestCertificate): Promise<WireAnswer>;
  /** The code of the refusal, or the status; `cut` without an answer. */
  outcome(token: string, client?: TestCertificate): Promise<string | number>;
  /** Waits until that is the outcome, and tells how long it took in milliseconds. @throws AssertionError after five seconds */
  becomes(expected: string | number, token: string, client?: TestCertificate): Promise<number>;
  readonly order: TestCertificate;
  readonly other: TestCertificate;
  metrics(): Promise<string>;
}

export async function startFollowingSidecar(
  authority: Pick<RevokingAuthority, 'ca' | 'jwks' | 'port'>,
  options: FollowingOptions = {},
): Promise<FollowingSidecar> {
  const { ca, jwks } = authority;
  const order = ca.issue({ uris: [ORDER_ID] });
  const other = ca.issue({ uris: [OTHER_ID] });
  const {
    revocation = 'max_gap: 2s',
    chapters = '',
    routes = '[]',
    authz = '{ enabled: false }',
    policy,
    eventsPort = authority.port,
    ready = true,
    answer,
    upstreamPort,
    jwt = '',
    bound = true,
    files = {},
    certificate: own = issueSidecar(ca),
    ...more
  } = options;
  await using started = new AsyncDisposableStack();
  const app = started.use(await startHttpApp(answer));
  const sidecar = started.use(
    await startTestSidecar({
      ...more,
      yaml: followingYaml({ jwks, port: upstreamPort ?? app.port, revocation, routes, chapters, authz, jwt, bound }),
      files: {
        ...files,
        ...followingFiles(ca, own),
        ...(policy === undefined ? {} : { '/etc/authz/policies/p.rego': policy }),
      },
      connectTo: new Map([['keycloak.example.com:443', { address: '127.0.0.1', port: eventsPort }]]),
    }),
  );
  if (ready) await sidecar.ready;
  const wire = (client = order): WireOptions => ({
    port: sidecar.ingressPort,
    tls: { ca: ca.certPem, cert: client.certPem, key: client.keyPem },
  });
  const send: FollowingSidecar['send'] = (token, { headers = [], ...request } = {}, client = order) =>
    sendRequest(wire(client), { ...request, headers: ['Authorization', `Bearer ${token}`, ...headers] });
  const outcome: FollowingSidecar['outcome'] = async (token, client) => {
    // A connection that opened just before whoever holds it was revoked is cut.
    const answer = await send(token, {}, client).catch(() => undefined);
    if (answer === undefined) return 'cut';
    const { status, body, headers } = answer;
    const refused = headers['content-type'] === 'application/problem+json';
    return refused ? (JSON.parse(body) as { code: string }).code : status;
  };
  const running = started.move();
  return {
    sidecar,
    app,
    wire,
    send,
    outcome,
    becomes: async (expected, token, client) => {
      const begun = performance.now();
      for (;;) {
        const reached = await outcome(token, client);
        const took = performance.now() - begun;
        if (reached === expected) return took;
        assert.ok(took < PATIENCE_MS, `still ${reached}, not ${expected}: ${sidecar.log()}`);
        await pause(5);
      }
    },
    order,
    other,
    metrics: async () => (await fetch(`http://127.0.0.1:${sidecar.adminPort}/metrics`)).text(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

export function issueSidecar(ca: TestAuthority): TestCertificate {
  return ca.issue({ uris: ['spiffe://example.org/zone3/data-service'] });
}

/** @param own what the authority knows the sidecar by */
export function followingFiles(ca: TestAuthority, own: TestCertificate): Readonly<Record<string, string>> {
  const server = ca.issue({ dns: ['localhost'], eku: ['serverAuth'] });
  return {
    '/server.crt': server.certPem,
    '/server.key': server.keyPem,
    '/own.crt': own.certPem,
    '/own.key': own.keyPem,
    '/ca.crt': ca.certPem,
  };
}

export interface FollowingYaml
  extends Required<Pick<FollowingOptions, 'revocation' | 'routes' | 'chapters' | 'authz'>> {
  readonly jwks: Pick<JwksServer, 'origin'>;
  /** Of the app. */
  readonly port: number;
  readonly jwt?: string;
  readonly bound?: boolean;
}

const IDENTITIES = `identities:
  ${ORDER_ID}: { client_id: order-service }
  ${OTHER_ID}: { client_id: other-service, may_forward: [order-service] }`;

export function followingYaml(given: FollowingYaml): string {
  const { jwks, port, revocation, routes, chapters, authz, jwt = '', bound = true } = given;
  return `
http:
  addr: 127.0.0.1:0
  tls: { enabled: true, cert_file: /server.crt, key_file: /server.key, client_ca_file: /ca.crt, client_auth: require }
jwt: { issuer: "${ISSUER}", audience: data-service, jwks_url: "${jwks.origin}/certs", ${jwt} }
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${port}" }
  authz: ${authz}
  routes: ${routes}
  mtls: { enabled: true, allowed_clients: [${ORDER_ID}, ${OTHER_ID}] }
${bound ? IDENTITIES : ''}
revocation:
  sources:
    - issuer: ${ISSUER}
      events_url: ${ISSUER}/events
      tls: { enabled: true, client_cert: /own.crt, client_key: /own.key, ca_cert: /ca.crt }
  ${revocation.replaceAll(', ', '\n  ')}
admin: { addr: "127.0.0.1:0" }
${chapters}
`;
}
