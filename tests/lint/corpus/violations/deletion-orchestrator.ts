/** Deletes what each service knows about a tenant. */
import jwt from 'jsonwebtoken';
import pino from 'pino';

const log = pino({ name: 'tenant-deletion-orchestrator' });

const SERVICES = {
  orders: 'http://orders-service:8000/api/v1/orders',
  inventory: 'http://inventory-service:8000/api/v1/inventory',
  recipes: 'http://recipes-service:8000/api/v1/recipes',
} as const;

const JWT_SECRET_KEY = process.env.JWT_SECRET_KEY ?? 'dev-secret-change-me'; // finds: no-hardcoded-client-secret

export function createServiceToken(service: string, days = 365): string {
  return jwt.sign({ sub: service, service, type: 'service', role: 'admin' }, JWT_SECRET_KEY, { expiresIn: `${days}d` }); // finds: require-audience
}

export class DeletionOrchestrator {
  readonly #token = process.env.SERVICE_TOKEN ?? createServiceToken('tenant-deletion-orchestrator');

  async preview(tenantId: string): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const [name, base] of Object.entries(SERVICES)) {
      const response = await fetch(`${base}/tenant/${tenantId}/deletion-preview`, {
        headers: { Authorization: `Bearer ${this.#token}` },
      });
      const body = (await response.json()) as { count: number };
      counts[name] = body.count;
    }
    return counts;
  }

  async notify(tenantId: string): Promise<void> {
    const url = new URL(`/tenants/${tenantId}/deleted`, 'http://notification-service:8000');
    const response = await fetch(url, { method: 'POST', body: '{}' }); // finds: no-anonymous-service-call
    if (!response.ok) log.warn({ tenantId, status: response.status }, 'nobody was told');
  }
}
