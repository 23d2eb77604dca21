/** Which processes make up the lab, at which addresses, and what each of them is told: arguments and environment. */
import { basename, join } from 'node:path';
import type { ConnectTo } from '../net/connector.ts';
import { type RandomInt, reservePorts } from './ports.ts';
import type { ProcessPlan } from './process.ts';
import {
  CLIENT_AUTHORITIES,
  IDENTITY_PROVIDER_CONFIG,
  IDENTITY_PROVIDER_PORT,
  type Lab,
  SIDECAR_PORT,
  SIGNING_KEYS,
} from './topology.ts';

export interface PlanOptions {
  readonly lab: Lab;
  /** Node and its options, and the module of the `sidegate` command. */
  readonly node: ProcessPlan['node'];
  readonly command: string;
  /** Environment variable → value: client secrets and passwords. */
  readonly secrets: Readonly<Record<string, string>>;
}

export interface Ports {
  readonly provider: number;
  /** By service name. */
  readonly ingress: ReadonlyMap<string, number>;
  readonly egressPort: ReadonlyMap<string, number>;
  readonly app: ReadonlyMap<string, number>;
  readonly connectTo: ConnectTo;
  readonly egress: ReadonlyMap<string, string>;
}

export async function assignPorts(lab: Lab, randomInt: RandomInt): Promise<Ports> {
  const { services, identityProvider } = lab;
  const names = services.map(({ name }) => name);
  const addresses = services.map(({ address }) => address);
  const local = services.map(() => LOOPBACK);
  const [provider = 0, ...rest] = await reservePorts(
    [identityProvider.address, ...addresses, ...local, ...local],
    randomInt,
  );
  const part = (index: number): ReadonlyMap<string, number> =>
    new Map(names.map((name, n) => [name, rest[index * names.length + n] ?? 0]));
  const [ingress, egressPort, app] = [part(0), part(1), part(2)];
  const connectTo: ConnectTo = new Map([
    [`${identityProvider.host}:${IDENTITY_PROVIDER_PORT}`, { address: identityProvider.address, port: provider }],
    ...services.map(
      ({ name, host, address }) => [`${host}:${SIDECAR_PORT}`, { address, port: ingress.get(name) ?? 0 }] as const,
    ),
  ]);
  const egress = new Map(
    services
      .filter(({ hasEgress }) => hasEgress)
      .map(({ name }) => [name, `http://localhost:${egressPort.get(name) ?? 0}`]),
  );
  return { provider, ingress, egressPort, app, connectTo, egress };
}

const LOOPBACK = '127.0.0.1';

/** The identity provider's configuration; JSON is YAML. */
export function identityProviderConfig({ root, identityProvider }: Lab, { provider }: Ports): string {
  const config = {
    addr: `${identityProvider.address}:${provider}`,
    base_url: `https://${identityProvider.host}`,
    tls: {
      cert_file: join(root, 'etc/certs/keycloak/server.crt'),
      key_file: join(root, 'etc/certs/keycloak/server.key'),
      client_ca_file: join(root, CLIENT_AUTHORITIES),
    },
    realms: identityProvider.realms,
    signing: { key_dir: join(root, SIGNING_KEYS) },
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

export function identityProviderPlan(options: PlanOptions): ProcessPlan {
  const { lab, command, secrets } = options;
  return {
    ...base(options, 'keycloak'),
    args: [command, 'idp', '--config', join(lab.root, IDENTITY_PROVIDER_CONFIG)],
    env: secrets,
  };
}

export function sidecarPlan(options: PlanOptions, ports: Ports, service: Lab['services'][number]): ProcessPlan {
  const { lab, command, secrets } = options;
  const { name, address, hasEgress } = service;
  const dialled = [...ports.connectTo].flatMap(([from, to]) => ['--connect-to', `${from}=${to.address}:${to.port}`]);
  return {
    ...base(options, name),
    args: [command, 'sidecar', '--config', join(lab.root, `etc/authz/${name}.yaml`), '--root', lab.root, ...dialled],
    env: {
      NODE_EXTRA_CA_CERTS: join(lab.root, 'etc/certs/ca/keycloak-ca.crt'),
      AUTHZ_HTTP_ADDR: `${address}:${ports.ingress.get(name)}`,
      ...(hasEgress ? { AUTHZ_EGRESS_ADDR: `${LOOPBACK}:${ports.egressPort.get(name)}` } : {}),
      AUTHZ_PROXY_UPSTREAM_URL: `http://${LOOPBACK}:${ports.app.get(name)}`,
      ...Object.fromEntries(Object.keys(service.secrets).map((variable) => [variable, secrets[variable] ?? ''])),
    },
  };
}

export function appPlan(options: PlanOptions, ports: Ports, { name, app }: Lab['services'][number]): ProcessPlan[] {
  if (app === undefined) return [];
  const egress = ports.egress.get(name);
  return [
    {
      ...base(options, `app-${basename(app).replace(/\.\w+$/, '')}`),
      args: [app],
      env: {
        PORT: String(ports.app.get(name)),
        ...(egress === undefined ? {} : { EGRESS_URL: egress }),
      },
    },
  ];
}

function base({ lab, node }: PlanOptions, name: string): Pick<ProcessPlan, 'name' | 'node' | 'cwd' | 'logFile'> {
  return { name, node, cwd: lab.directory, logFile: join(lab.root, `var/log/${name}.log`) };
}
