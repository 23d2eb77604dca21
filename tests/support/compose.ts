/** `examples/three-zones/docker-compose.yaml` as data: what Compose would mount, tell and connect, for tests without containers. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readYaml } from '../../packages/sidegate/src/config/yaml-source.ts';
import { LAB } from './lab-run.ts';

export const COMPOSE_FILE: string = path.join(LAB, 'docker-compose.yaml');

export interface ComposeMount {
  /** Absolute, on the machine that Compose runs on. */
  readonly source: string;
  /** In the container. */
  readonly target: string;
  readonly readOnly: boolean;
}

export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly user?: string;
  readonly command: readonly string[];
  /** As written, variables and all. */
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly ComposeMount[];
  readonly ports: readonly string[];
  /** Network → the names that this service has there, its own aside. */
  readonly networks: ReadonlyMap<string, readonly string[]>;
  /** The service whose network namespace it lives in. */
  readonly namespaceOf?: string;
  readonly hardening: { readonly readOnly: boolean; readonly dropped: unknown; readonly options: unknown };
}

export interface Compose {
  readonly services: ReadonlyMap<string, ComposeService>;
  readonly networks: Readonly<Record<string, { readonly driver?: string; readonly internal?: boolean }>>;
}

export function readCompose(text: string = readFileSync(COMPOSE_FILE, 'utf8')): Compose {
  const { value, diagnostics } = readYaml(text, COMPOSE_FILE);
  if (diagnostics.length > 0) throw new Error(JSON.stringify(diagnostics));
  const { services, networks } = value as { services: Record<string, Written>; networks: Compose['networks'] };
  return { services: new Map(Object.entries(services).map(([name, each]) => [name, serviceOf(each)])), networks };
}

/** The service that `from` finds under a name: one with that alias in a network that both are in. */
export function found({ services }: Compose, from: string, host: string): string | undefined {
  const own = [...(services.get(from)?.networks.keys() ?? [])];
  return [...services].find(([, { networks }]) => own.some((network) => networks.get(network)?.includes(host)))?.[0];
}

/** `${NAME}`, `${NAME:-default}` and `${NAME:?reason}` replaced. */
export function interpolated(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}/g, (_, name: string, fallback?: string) => {
    const value = env[name] ?? fallback;
    if (value === undefined) throw new Error(`${name} is not set`);
    return value;
  });
}

interface Written {
  readonly image: string;
  readonly build?: string;
  readonly user?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly networks?: Readonly<Record<string, { readonly aliases?: readonly string[] }>>;
  readonly network_mode?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: unknown;
  readonly security_opt?: unknown;
}

function serviceOf(written: Written): ComposeService {
  const { image, build, user, command = [], environment = {}, ports = [], networks = {} } = written;
  const [, namespaceOf] = /^service:(.+)$/.exec(written.network_mode ?? '') ?? [];
  return {
    image,
    command,
    environment,
    mounts: (written.volumes ?? []).map(mountOf),
    ports,
    networks: new Map(Object.entries(networks).map(([name, { aliases = [] }]) => [name, aliases])),
    hardening: {
      readOnly: written.read_only === true,
      dropped: written.cap_drop,
      options: written.security_opt,
    },
    ...(build === undefined ? {} : { build }),
    ...(user === undefined ? {} : { user }),
    ...(namespaceOf === undefined ? {} : { namespaceOf }),
  };
}

function mountOf(written: string): ComposeMount {
  const [source = '', target = '', mode] = written.split(':');
  return { source: path.resolve(path.dirname(COMPOSE_FILE), source), target, readOnly: mode === 'ro' };
}
