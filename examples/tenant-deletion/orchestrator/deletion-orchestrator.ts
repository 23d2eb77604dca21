/**
 * Deletes one tenant in every service that holds data of it, with a service token and no user's credential. Services that fail
 * do not stop the others; a retry asks only those that are left.
 */
import { randomUUID } from 'node:crypto';
import { type Credentials, type ServiceClient, serviceClient } from '@sidegate/sdk/client';
import type { RowCounts } from '../services/tenant-store.ts';
import { type Failure, failureOf, type Outcome, readRows } from './outcome.ts';
import { type DeletionReport, left, type ServiceReport } from './report.ts';

export interface DeletionTarget {
  readonly service: string;
  /** Such as `https://localhost/api/v1/orders`. */
  readonly url: string;
}

export interface DeletionOrchestratorOptions {
  /** How it proves who it is. */
  readonly credentials: Credentials;
  readonly targets: readonly DeletionTarget[];
  /** Keeps a record; when it throws, nothing more is deleted. */
  readonly audit: (record: DeletionRecord) => void;
  /** PEM: whose certificates gateway and services have. */
  readonly ca?: string;
  readonly timeoutMs?: number;
  readonly now?: () => number;
}

/** Who deleted what of which tenant, and when. */
export interface DeletionRecord {
  readonly event: 'tenant_deletion';
  readonly message: string;
  readonly deletion_id: string;
  readonly tenant_id: string;
  readonly requested_by: string;
  readonly service: string;
  readonly outcome: Outcome['kind'] | 'started';
  /** Only of a deletion. */
  readonly rows?: Readonly<Record<string, number>>;
  readonly attempt: number;
  readonly timestamp: string;
}

export interface DeletionRequest {
  readonly tenantId: string;
  readonly requestedBy: string;
}

export class DeletionOrchestrator {
  readonly #options: DeletionOrchestratorOptions;
  readonly #clients = new Map<string, ServiceClient>();

  constructor(options: DeletionOrchestratorOptions) {
    this.#options = options;
  }

  /** What every service would delete, or why it does not say; nothing is deleted. */
  async preview(tenantId: string): Promise<ReadonlyMap<string, RowCounts | Failure>> {
    const answers = this.#options.targets.map(async ({ service, url }) => {
      return [service, await this.#ask(url, tenantId, { method: 'GET', path: '/deletion-preview' })] as const;
    });
    return new Map(await Promise.all(answers));
  }

  async deleteTenant({ tenantId, requestedBy }: DeletionRequest): Promise<DeletionReport> {
    const asked = { deletionId: randomUUID(), tenantId, requestedBy };
    const services = this.#options.targets.map(({ service }) => ({ service, attempt: 1 }));
    return { ...asked, services: await this.#run(asked, services) };
  }

  /** Asks the services that are left, and only those. */
  async retry(report: DeletionReport): Promise<DeletionReport> {
    const again = left(report).map(({ service, attempt }) => ({ service, attempt: attempt + 1 }));
    const renewed = new Map((await this.#run(report, again)).map((each) => [each.service, each]));
    return { ...report, services: report.services.map((each) => renewed.get(each.service) ?? each) };
  }

  /** `DELETE <serviceUrl>/tenant/<tenantId>`. */
  async deleteServiceData(serviceUrl: string, tenantId: string): Promise<Outcome> {
    const rows = await this.#ask(serviceUrl, tenantId, { method: 'DELETE', path: '' });
    return isFailure(rows) ? rows : { kind: 'deleted', rows };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async #run(
    asked: Omit<DeletionReport, 'services'>,
    services: readonly { readonly service: string; readonly attempt: number }[],
  ): Promise<readonly ServiceReport[]> {
    return await Promise.all(
      services.map(async ({ service, attempt }) => {
        // First the record, then the deletion: what nobody could account for does not happen.
        this.#record(asked, { service, attempt }, 'started');
        const outcome = await this.deleteServiceData(this.#urlOf(service), asked.tenantId);
        this.#record(asked, { service, attempt }, outcome);
        return { service, outcome, attempt, timestamp: this.#time() };
      }),
    );
  }

  async #ask(
    url: string,
    tenantId: string,
    { method, path }: { readonly method: string; readonly path: string },
  ): Promise<RowCounts | Failure> {
    try {
      const answer = await this.#clientOf(url).json(`/tenant/${encodeURIComponent(tenantId)}${path}`, { method });
      return readRows(answer, tenantId) ?? { kind: 'unexpected', status: 200 };
    } catch (error) {
      return failureOf(error);
    }
  }

  #clientOf(url: string): ServiceClient {
    const known = this.#clients.get(url);
    if (known !== undefined) return known;
    const { credentials, ca, timeoutMs = 5_000 } = this.#options;
    // A retry is the decision of whoever reads the report, so a call is made once. Plain HTTP is for this machine alone.
    const client = serviceClient({
      target: url,
      credentials,
      retries: 0,
      timeoutMs,
      development: true,
      ...(ca === undefined ? {} : { ca }),
    });
    this.#clients.set(url, client);
    return client;
  }

  #urlOf(service: string): string {
    const target = this.#options.targets.find((each) => each.service === service);
    if (target === undefined) throw new RangeError(`${service} is none of the services that hold data of tenants`);
    return target.url;
  }

  #record(
    { deletionId, tenantId, requestedBy }: Omit<DeletionReport, 'services'>,
    { service, attempt }: { readonly service: string; readonly attempt: number },
    outcome: Outcome | 'started',
  ): void {
    const kind = outcome === 'started' ? outcome : outcome.kind;
    this.#options.audit({
      event: 'tenant_deletion',
      message: `Tenant deletion ${kind}`,
      deletion_id: deletionId,
      tenant_id: tenantId,
      requested_by: requestedBy,
      service,
      outcome: kind,
      ...(outcome !== 'started' && outcome.kind === 'deleted' ? { rows: outcome.rows } : {}),
      attempt,
      timestamp: this.#time(),
    });
  }

  #time(): string {
    const { now = Date.now } = this.#options;
    return new Date(now()).toISOString();
  }
}

/** Rows are numbers: a table that is called `kind` is no failure. */
export const isFailure = (answer: RowCounts | Failure): answer is Failure => typeof answer['kind'] === 'string';
