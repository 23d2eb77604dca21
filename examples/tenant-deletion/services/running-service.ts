/** One of the services as it runs: a listener on loopback, its audit lines and its log. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serviceAuth } from '@sidegate/sdk/server';
import { type JWTHandler, platformTokens } from '@sidegate/sdk/service-tokens';
import type { AuditTrail } from '../audit-trail.ts';
import { tenantService } from './tenant-service.ts';
import type { TenantStore } from './tenant-store.ts';
import type { TenantServiceSpec } from './topology.ts';

/** Whatever is done to a tenant's data, it is a service that does it: a route that lets users in stops the start. */
export const TENANT_DATA = / .*\/tenant\//;

export interface RunningService {
  /** `http://127.0.0.1:<port>/api/v1/<name>`. */
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly spec: TenantServiceSpec;
  readonly tokens: JWTHandler;
  readonly store: TenantStore;
  /** Which services may call. */
  readonly callers: readonly string[];
  readonly audit: AuditTrail;
  readonly log: (line: string) => void;
  /** Default: any that is free. */
  readonly port?: number;
}

export async function startService(options: StartOptions): Promise<RunningService> {
  const { spec, tokens, store, callers, audit, log, port = 0 } = options;
  const { name, service } = spec;
  const auth = serviceAuth({
    service,
    authenticator: platformTokens({ tokens }),
    callers,
    serviceOnlyRoutes: TENANT_DATA,
    audit: (record) => {
      const line = { level: record.decision === 'allow' ? 'info' : 'warn', at: service, ...record };
      audit.write(line);
      if (record.decision === 'deny') log(JSON.stringify(line));
    },
  });
  const app = tenantService({
    name,
    auth,
    store,
    failed: (error) => log(`${service}: ${error instanceof Error ? error.message : String(error)}`),
    deleted: ({ tenantId, rows, by }) => {
      const timestamp = new Date().toISOString();
      audit.write({ at: service, event: 'tenant_data_deleted', service: by, tenant_id: tenantId, rows, timestamp });
    },
  });
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${bound}/api/v1/${name}`,
    port: bound,
    async stop() {
      auth.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
