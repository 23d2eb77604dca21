/** One deletion from beginning to end: who gets in, a preview, a deletion in which three services fail, a retry, and the report. */
import type { AuditTrail } from './audit-trail.ts';
import type { DeletionOrchestrator } from './orchestrator/deletion-orchestrator.ts';
import { isFailure } from './orchestrator/deletion-orchestrator.ts';
import { type DeletionReport, isComplete, left, reportText } from './orchestrator/report.ts';
import type { Platform } from './platform.ts';
import { total } from './services/tenant-store.ts';

export interface Step {
  readonly step: string;
  readonly ok: boolean;
  /** For people. */
  readonly text: string;
  readonly report?: DeletionReport;
}

export interface WalkThrough {
  readonly platform: Platform;
  readonly orchestrator: DeletionOrchestrator;
  readonly audit: AuditTrail;
  readonly tenantId: string;
  readonly requestedBy: string;
  /** The status that a GET or DELETE gets, with this token or none. */
  readonly status: (method: 'GET' | 'DELETE', url: string, token?: string) => Promise<number>;
  readonly serviceToken: string;
  readonly userToken: string;
}

export async function* walkThrough(walk: WalkThrough): AsyncGenerator<Step> {
  yield await whoGetsIn(walk);
  yield await preview(walk);
  const failed = await deletionWithFailures(walk);
  yield failed.step;
  yield await retry(walk, failed.report);
  yield auditReport(walk);
}

/** By the gateway and past it; a user's deletion must leave everything where it is. */
async function whoGetsIn({ platform, tenantId, status, serviceToken, userToken }: WalkThrough): Promise<Step> {
  const callers = [
    ['no token', undefined, 401],
    ["a user's token", userToken, 403],
    ['a service token', serviceToken, 200],
  ] as const;
  const lines: string[] = [];
  let ok = true;
  for (const [caller, token, expected] of callers) {
    const seen = new Set<number>();
    for (const name of platform.names) {
      for (const base of [`${platform.gateway}/api/v1/${name}`, platform.directUrl(name)]) {
        seen.add(await status('GET', `${base}/tenant/${tenantId}/deletion-preview`, token));
        if (expected !== 200) seen.add(await status('DELETE', `${base}/tenant/${tenantId}`, token));
      }
    }
    const statuses = [...seen].join(', ');
    ok &&= statuses === String(expected);
    lines.push(`  ${caller.padEnd(16)} ${statuses}, expected ${expected}`);
  }
  return { step: 'who_gets_in', ok, text: `twelve services, through the gateway and past it\n${lines.join('\n')}` };
}

async function preview({ orchestrator, tenantId }: WalkThrough): Promise<Step> {
  const answers = [...(await orchestrator.preview(tenantId))];
  const lines = answers.map(
    ([service, rows]) => `  ${service.padEnd(16)} ${isFailure(rows) ? rows.kind : total(rows)}`,
  );
  const ok = answers.every(([, rows]) => !isFailure(rows) && total(rows) > 0);
  return { step: 'preview', ok, text: `rows of tenant ${tenantId} that a deletion would take\n${lines.join('\n')}` };
}

async function deletionWithFailures({ platform, orchestrator, tenantId, requestedBy }: WalkThrough) {
  const broken = await brokenModule();
  const fail = (): never => {
    throw broken;
  };
  await platform.restart('recipes', { store: { preview: fail, delete: fail } });
  await platform.stop('forecasting');
  await platform.restart('pos', { callers: ['tenant-service'] });
  const report = await orchestrator.deleteTenant({ tenantId, requestedBy });
  const kinds = left(report).map(({ service, outcome }) => `${service} ${outcome.kind}`);
  const ok = kinds.join(', ') === 'recipes failed, pos forbidden, forecasting unreachable';
  const step: Step = {
    step: 'deletion',
    ok,
    report,
    text: `one breaks, one is down, one refuses\n${reportText(report)}`,
  };
  return { step, report };
}

async function retry({ platform, orchestrator }: WalkThrough, report: DeletionReport): Promise<Step> {
  for (const { service } of left(report)) await platform.restart(service);
  const again = await orchestrator.retry(report);
  const repeated = again.services.filter(({ attempt }) => attempt > 1).length;
  const ok = isComplete(again) && repeated === 3;
  return { step: 'retry', ok, report: again, text: `the three are put right and asked again\n${reportText(again)}` };
}

function auditReport({ audit, platform, requestedBy, tenantId }: WalkThrough): Step {
  const records = audit.read();
  const deletions = records.filter(({ event }) => event === 'tenant_data_deleted');
  const granted = records.filter(({ message }) => message === 'Service-only access granted').length;
  const denied = records.filter(({ decision }) => decision === 'deny').length;
  const orders = records.filter(({ event, outcome }) => event === 'tenant_deletion' && outcome === 'deleted');
  const ok =
    deletions.length === platform.names.length &&
    orders.length === platform.names.length &&
    orders.every((record) => record['requested_by'] === requestedBy && record['tenant_id'] === tenantId);
  const lines = deletions.map(
    ({ timestamp, at, service, rows }) =>
      `  ${String(timestamp)} ${String(at).padEnd(24)} ${String(total(rows as never)).padStart(5)} rows, by ${String(service)} for ${requestedBy}`,
  );
  const text = `audit trail ${audit.file}\n${lines.join('\n')}\n  ${granted} calls let in, ${denied} refused`;
  return { step: 'audit', ok, text };
}

/** What a service fails on that was deployed without one of its modules: a real failure of a real import. */
async function brokenModule(): Promise<unknown> {
  const missing = './models/recipe.ts';
  return await import(missing).then(
    () => new Error(`${missing} is there`),
    (error: unknown) => error,
  );
}
