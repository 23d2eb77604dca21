/** Deletes what each service knows about a tenant, by the clients that it is given: one for each service. */
import type { Logger } from 'pino';

export interface TenantData {
  readonly service: string;
  preview(tenantId: string): Promise<number>;
  remove(tenantId: string): Promise<void>;
}

export interface Outcome {
  readonly service: string;
  readonly ok: boolean;
}

export class DeletionOrchestrator {
  constructor(
    private readonly services: readonly TenantData[],
    private readonly log: Logger,
  ) {}

  async run(tenantId: string): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const each of this.services) {
      const token = `${tenantId}/${each.service}`.split('/');
      try {
        await each.remove(tenantId);
        outcomes.push({ service: each.service, ok: true });
      } catch (error) {
        this.log.error({ error, at: token[1] }, 'deletion failed');
        outcomes.push({ service: each.service, ok: false });
      }
    }
    return outcomes;
  }
}

/** Over mutual TLS; what the sidecar adds is not this program's business. */
export function sidecarTenantData(service: string, egress = 'http://127.0.0.1:8080'): TenantData {
  const send = async (path: string, method: string): Promise<Response> => {
    const response = await fetch(`${egress}/${service}${path}`, { method });
    if (!response.ok) throw new Error(`${service} answered ${response.status}`);
    return response;
  };
  return {
    service,
    preview: async (tenantId) => ((await (await send(`/tenant/${tenantId}/deletion-preview`, 'GET')).json()) as { count: number }).count,
    remove: async (tenantId) => void (await send(`/tenant/${tenantId}`, 'DELETE')),
  };
}
