/** A deletion as whoever asked for it reads it: service by service, what was deleted and what is left. */
import { total } from '../services/tenant-store.ts';
import { ADVICE, type Outcome } from './outcome.ts';

export interface ServiceReport {
  readonly service: string;
  readonly outcome: Outcome;
  /** From 1; how often this service was asked. */
  readonly attempt: number;
  /** ISO 8601. */
  readonly timestamp: string;
}

export interface DeletionReport {
  readonly deletionId: string;
  readonly tenantId: string;
  /** Whoever asked the orchestrator for it. */
  readonly requestedBy: string;
  readonly services: readonly ServiceReport[];
}

export const isComplete = ({ services }: DeletionReport): boolean =>
  services.every(({ outcome }) => outcome.kind === 'deleted');

/** What a retry has to do. */
export const left = ({ services }: DeletionReport): readonly ServiceReport[] =>
  services.filter(({ outcome }) => outcome.kind !== 'deleted');

export function reportText(report: DeletionReport): string {
  const { tenantId, requestedBy, services } = report;
  const open = left(report).length;
  const rows = services.map(({ service, outcome, attempt }) => {
    const times = attempt === 1 ? '' : `, attempt ${attempt}`;
    return `  ${service.padEnd(16)} ${outcome.kind.padEnd(15)} ${detail(outcome)}${times}`;
  });
  const summary =
    open === 0
      ? `  ${services.length} services deleted everything of tenant ${tenantId}`
      : `  ${services.length - open} of ${services.length} services are done, ${open} left to retry`;
  return [`tenant ${tenantId}, asked for by ${requestedBy}`, ...rows, summary].join('\n');
}

function detail(outcome: Outcome): string {
  if (outcome.kind === 'deleted') return `${total(outcome.rows)} rows`;
  return `${reason(outcome)} (${ADVICE[outcome.kind]})`;
}

function reason(outcome: Exclude<Outcome, { readonly kind: 'deleted' }>): string {
  const status = 'status' in outcome && outcome.status !== undefined ? String(outcome.status) : undefined;
  const code = 'code' in outcome ? outcome.code : undefined;
  return [status, code].filter((part) => part !== undefined).join(' ') || 'no usable answer';
}
