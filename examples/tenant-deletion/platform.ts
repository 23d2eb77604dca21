/** Everything that runs: twelve services and the gateway, on loopback. Services can be stopped, and started otherwise than before. */

import type { AuditTrail } from './audit-trail.ts';
import { type PublicKeys, verifyingHandler } from './auth-service.ts';
import { type RunningGateway, startGateway } from './gateway.ts';
import { type RunningService, startService } from './services/running-service.ts';
import { createTenantStore, type TenantStore } from './services/tenant-store.ts';
import { ORCHESTRATOR, SERVICES, type TenantServiceSpec } from './services/topology.ts';

export interface PlatformOptions {
  /** More than one during a rotation. */
  readonly keys: readonly PublicKeys[];
  readonly tls: { readonly key: string; readonly cert: string };
  readonly audit: AuditTrail;
  readonly gatewayLog: (line: string) => void;
  readonly serviceLog: (line: string) => void;
  /** Who has data in every service. */
  readonly tenants: readonly string[];
  readonly gatewayPort?: number;
}

/** How a service is to run; by default as it should. */
export interface ServiceSettings {
  readonly callers?: readonly string[];
  /** Instead of its own. */
  readonly store?: TenantStore;
}

export interface Platform extends AsyncDisposable {
  readonly gateway: string;
  readonly names: readonly string[];
  /** `http://127.0.0.1:<port>/api/v1/<name>`: past the gateway. */
  directUrl(name: string): string;
  stop(name: string): Promise<void>;
  /** On the port that it had, with the data that it has. */
  restart(name: string, settings?: ServiceSettings): Promise<void>;
}

interface Entry {
  readonly spec: TenantServiceSpec;
  readonly store: TenantStore;
  running: RunningService;
}

export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { keys, tls, audit, gatewayLog, serviceLog, tenants, gatewayPort } = options;
  const tokens = verifyingHandler(...keys);
  const start = (spec: TenantServiceSpec, store: TenantStore, { callers }: ServiceSettings = {}, port?: number) =>
    startService({
      spec,
      store,
      callers: callers ?? [ORCHESTRATOR],
      tokens,
      audit,
      log: serviceLog,
      ...(port === undefined ? {} : { port }),
    });
  const entries = new Map<string, Entry>();
  for (const spec of SERVICES) {
    const store = createTenantStore(spec.rows, tenants);
    entries.set(spec.name, { spec, store, running: await start(spec, store) });
  }
  const entryOf = (name: string): Entry => {
    const entry = entries.get(name);
    if (entry === undefined) throw new RangeError(`${name} is no service of this platform`);
    return entry;
  };
  const origins = new Map([...entries].map(([name, { running }]) => [name, `http://127.0.0.1:${running.port}`]));
  const gateway: RunningGateway = await startGateway({
    tls,
    tokens,
    origins,
    log: (event) => gatewayLog(JSON.stringify(event)),
    ...(gatewayPort === undefined ? {} : { port: gatewayPort }),
  });
  return {
    gateway: gateway.url,
    names: [...entries.keys()],
    directUrl: (name) => entryOf(name).running.url,
    stop: (name) => entryOf(name).running.stop(),
    async restart(name, settings = {}) {
      const entry = entryOf(name);
      await entry.running.stop();
      entry.running = await start(entry.spec, settings.store ?? entry.store, settings, entry.running.port);
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop();
      await Promise.all([...entries.values()].map(({ running }) => running.stop()));
    },
  };
}
