/** An egress sidecar for hostile inputs from its own application, from its targets, and from whoever answers for their names. */
import type { LookupFunction } from 'node:net';
import { createTestAuthority, type TestAuthority, type TestCertificate } from '../support/certificates.ts';
import { type HttpApp, startHttpApp, valuesOf } from '../support/http-app.ts';
import { type RefusalChecks, refusalChecks } from '../support/refusal.ts';
import { startTestSidecar, type TestSidecar, type TestSidecarOptions } from '../support/sidecar.ts';
import { startTokenEndpoint, type TokenAnswer, type TokenEndpoint } from '../support/token-endpoint.ts';
import { sendRequest, type WireAnswer, type WireRequest } from '../support/wire.ts';

export const SECRET = 'canary-order-service-secret';
export const TOKEN = 'canary.service.token';

export interface EgressSidecar extends AsyncDisposable, RefusalChecks {
  readonly sidecar: TestSidecar;
  readonly zone: TestAuthority;
  /** The target `data`, over mutual TLS. */
  readonly data: HttpApp;
  readonly issuer: TokenEndpoint;
  /** Names that were looked up, oldest first. */
  readonly lookups: readonly string[];
  send(request: WireRequest): Promise<WireAnswer>;
  /** What the target got last. */
  lastSeen(): { readonly url: string; readonly clientName: string | undefined; values(name: string): string[] };
}

export interface EgressOptions {
  /** YAML lines below `egress.targets`, indented by four; `*tls` is the TLS of `data`. */
  readonly targets?: string;
  /** YAML of further routes, as members of a flow sequence. */
  readonly routes?: string;
  /** Name → addresses; other names do not exist. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  /** `host:port` → port on loopback, besides `data`. */
  readonly dialled?: Readonly<Record<string, number>>;
  readonly zone?: TestAuthority;
  readonly files?: TestSidecarOptions['files'];
  readonly env?: TestSidecarOptions['env'];
  readonly clock?: NonNullable<TestSidecarOptions['clock']>;
}

const HOST = 'data.zone3.local';

export function issueServer(zone: TestAuthority, dns: readonly string[]): TestCertificate {
  return zone.issue({ subject: [{ CN: dns[0] ?? 'data' }], dns, eku: ['serverAuth'] });
}

export const granted = (): TokenAnswer => ({ body: { access_token: TOKEN, token_type: 'Bearer', expires_in: 300 } });

export async function startEgress(options: EgressOptions = {}): Promise<EgressSidecar> {
  const zone = options.zone ?? createTestAuthority('zone3-CA');
  const client = zone.issue({
    subject: [{ CN: 'order-service-client' }],
    uris: ['spiffe://example.org/order-service'],
  });
  const server = issueServer(zone, [HOST]);
  await using started = new AsyncDisposableStack();
  const issuer = started.use(await startTokenEndpoint(granted));
  const tls = { cert: server.certPem, key: server.keyPem, ca: zone.certPem };
  const data = started.use(await startHttpApp(undefined, tls));
  const lookups: string[] = [];
  const dialled = { [`${HOST}:8443`]: data.port, ...options.dialled };
  const sidecar = started.use(
    await startTestSidecar({
      yaml: configuration(options),
      files: {
        '/client.crt': client.certPem,
        '/client.key': client.keyPem,
        '/ca.crt': zone.certPem,
        ...options.files,
      },
      env: { TOKEN_URL: issuer.url, SECRET, ...options.env },
      connectTo: new Map(Object.entries(dialled).map(([name, port]) => [name, { address: '127.0.0.1', port }])),
      lookup: lookupOf(options.names ?? {}, lookups),
      ...(options.clock === undefined ? {} : { clock: options.clock }),
    }),
  );
  const running = started.move();
  return {
    sidecar,
    zone,
    data,
    issuer,
    lookups,
    send: (request) => sendRequest({ port: sidecar.egressPort }, request),
    lastSeen: () => {
      const { url = '', clientName, rawHeaders = [] } = data.seen.at(-1) ?? {};
      return { url, clientName, values: (name) => valuesOf(rawHeaders, name) };
    },
    ...refusalChecks(sidecar, data),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

function lookupOf(names: Readonly<Record<string, readonly string[]>>, asked: string[]): LookupFunction {
  return (hostname, options, callback) => {
    asked.push(hostname);
    const found = (names[hostname] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const [first] = found;
    // As the system does it: never at once.
    setImmediate(() => {
      if (first === undefined) callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), '');
      else if (options.all === true) callback(null, found);
      else callback(null, first.address, first.family);
    });
  };
}

function configuration({ targets = '', routes = '' }: EgressOptions): string {
  return `
service: { name: order-service }
egress:
  enabled: true
  addr: 127.0.0.1:0
  targets:
    data: &data
      url: https://${HOST}:8443
      auth: &oauth
        type: oauth2_client_credentials
        token_url: \${TOKEN_URL}
        client_id: order-service
        client_secret: \${SECRET}
        scopes: ["data:read"]
      tls: &tls { enabled: true, client_cert: /client.crt, client_key: /client.key, ca_cert: /ca.crt }
    open: { url: "https://${HOST}:8443", auth: { type: none }, tls: *tls }
${targets}
  routes:
    - { path_prefix: /data, target: data, strip_prefix: /data }
    - { path_prefix: /open, target: open, methods: [GET], strip_prefix: /open }
${routes}
`;
}
