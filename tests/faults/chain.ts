/**
 * Four sidecars behind each other, each in a zone of its own, three of them behind mutual TLS: certificates, tokens and keys all come from one authority, and
 * nothing else is configured by hand. gateway → orders → payments → data → a service that says 200.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KeycloakRealm } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import { type AuthorityFolder, authorityFolder } from '../support/authority.ts';
import { createTestAuthority } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { startHttpApp } from '../support/http-app.ts';
import { audienceMapper } from '../support/realms.ts';
import { type SidecarProcess, startSidecarProcess } from '../support/sidecar-process.ts';

export const SERVICES = ['gateway', 'orders', 'payments', 'data'] as const;
export type Service = (typeof SERVICES)[number];

const BASE_URL = 'https://authority.example.org:8443';
const ISSUER = `${BASE_URL}/realms/services`;
const OPENID_CONNECT = `${ISSUER}/protocol/openid-connect`;
/** What a busy machine may be late by: they are renewed because their authority changes. */
const LEAF_LIFE = '1m';

export interface Chain extends AsyncDisposable {
  readonly folder: AuthorityFolder;
  /** Where the gateway's own service asks, in plain HTTP. */
  readonly egressPort: number;
  readonly sidecars: readonly SidecarProcess[];
  /** A file of a sidecar's folder. */
  at(service: Service, name: string): string;
}

export async function startChain(): Promise<Chain> {
  await using started = new AsyncDisposableStack();
  const web = createTestAuthority('authority-CA');
  const server = web.issue({ dns: ['authority.example.org'], eku: ['serverAuth'] });
  const folder = started.use(
    await authorityFolder({
      baseUrl: BASE_URL,
      realms: [realm()],
      signing: 'algorithms: [ES256], rotate_every: 5s, publish_before: 2s',
      more: `tls: { cert_file: server.crt, key_file: server.key }
ca:
  trust_domain: example.org
  bundle_refresh_hint: 1s
  zones: { ${SERVICES.map((zone) => `${zone}: { dns_domains: [example.org] }`).join(', ')} }`,
    }),
  );
  await writeFile(folder.at('server.crt'), server.certPem);
  await folder.write('server.key', server.keyPem);
  const authority = started.use(await folder.start());
  if (authority.url === undefined) throw new Error(authority.stderr());
  const app = started.use(await startHttpApp());

  const root = mkdtempSync(path.join(tmpdir(), 'sidegate-chain-'));
  started.defer(() => rmSync(root, { recursive: true, force: true }));
  const at: Chain['at'] = (service, name) => path.join(root, `${service}-${name}`);
  const sidecars: SidecarProcess[] = [];
  let next = { service: undefined as Service | undefined, port: app.port };
  let egressPort = 0;
  for (const service of SERVICES.toReversed()) {
    const names = ['--service', service, '--zone', service, '--dns', `${service}.example.org`];
    const token = await folder.command('ca', 'token', ...names, '--profile', 'svid', '--valid-for', LEAF_LIFE);
    if (token.code !== 0) throw new Error(token.stderr);
    await writeFile(at(service, 'join-token'), token.stdout.trim(), { mode: 0o600 });
    await writeFile(at(service, 'secret'), secretOf(service), { mode: 0o600 });
    await writeFile(at(service, 'ca.crt'), web.certPem);
    egressPort = await freePort();
    const onward = next.service === undefined ? next.port : egressPort;
    await writeFile(at(service, 'config.yaml'), configuration(service, { onward, egressPort, next: next.service, at }));
    const dial = ['--connect-to', `authority.example.org:8443=127.0.0.1:${authority.port}`];
    if (next.service !== undefined)
      dial.push('--connect-to', `${next.service}.example.org:8443=127.0.0.1:${next.port}`);
    const sidecar = await startSidecarProcess(['--config', at(service, 'config.yaml'), ...dial], {
      NODE_EXTRA_CA_CERTS: at(service, 'ca.crt'),
    });
    started.use(sidecar);
    if (sidecar.listening === undefined) throw new Error(`${service}: ${sidecar.stderr()}`);
    sidecars.push(sidecar);
    next = { service, port: Number(sidecar.listening.ingress?.split(':').at(-1)) };
  }
  const running = started.move();
  return { folder, egressPort, sidecars, at, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** Others prove themselves by their certificate, and their tokens are bound to it. */
export const WITH_SECRET: Service = 'orders';

const secretOf = (service: Service): string => `canary-secret-of-${service}`;

const spiffeIdOf = (service: string): string => `spiffe://example.org/${service}/${service}`;

/** Whom each one calls is the audience of its tokens. */
function realm(): KeycloakRealm {
  return {
    realm: 'services',
    accessTokenLifespan: 10,
    clients: SERVICES.slice(0, -1).map((service, index) => ({
      clientId: service,
      serviceAccountsEnabled: true,
      ...(service === WITH_SECRET
        ? { secret: secretOf(service) }
        : { clientAuthenticatorType: 'client-x509', attributes: { 'sidegate.spiffe_id': spiffeIdOf(service) } }),
      protocolMappers: [audienceMapper(SERVICES[index + 1] ?? '')],
    })),
  };
}

interface Place {
  readonly onward: number;
  readonly egressPort: number;
  readonly next: Service | undefined;
  readonly at: Chain['at'];
}

function configuration(service: Service, { onward, egressPort, next, at }: Place): string {
  const before = SERVICES[SERVICES.indexOf(service) - 1] ?? 'nobody';
  const peer = spiffeIdOf(before);
  const proof =
    service === WITH_SECRET ? `client_secret_file: ${at(service, 'secret')}` : 'client_auth: tls_client_auth';
  const ingress = `
service: { name: ${service} }
authority:
  url: ${BASE_URL}
  ca_cert: ${at(service, 'ca.crt')}
  join_token_file: ${at(service, 'join-token')}
  directory: ${at(service, 'identity')}
http: { addr: "127.0.0.1:0", tls: { enabled: true, source: authority, client_auth: require } }
jwt: { issuer: "${ISSUER}", audience: ${service}, jwks_url: "${OPENID_CONNECT}/certs" }
identities: { "${peer}": ${before} }
audit: { enabled: false }
proxy:
  enabled: true
  upstream: { url: "http://127.0.0.1:${onward}" }
  authz: { enabled: false }
  mtls: { enabled: true, allowed_clients: ["${peer}"] }
`;
  if (next === undefined) return ingress;
  return `${ingress}egress:
  enabled: true
  addr: 127.0.0.1:${egressPort}
  routes: [{ path_prefix: /, target: next }]
  targets:
    next:
      url: https://${next}.example.org:8443
      tls: { enabled: true, source: authority }
      auth:
        type: oauth2_client_credentials
        token_url: ${OPENID_CONNECT}/token
        client_id: ${service}
        ${proof}
        refresh_before_expiry: 3s
`;
}
