/** What came of one service's part of a deletion: each way to fail is another thing to do about it. */
import { Problem } from '@sidegate/sdk';
import { ServiceResponseError } from '@sidegate/sdk/client';
import type { RowCounts } from '../services/tenant-store.ts';

export type Outcome = Deleted | Failure;

export interface Deleted {
  readonly kind: 'deleted';
  readonly rows: RowCounts;
}

export type Failure =
  /** 401: the token is not believed there. */
  | { readonly kind: 'unauthenticated'; readonly status: 401; readonly code: string | undefined }
  /** 403: it is believed, and not enough. */
  | { readonly kind: 'forbidden'; readonly status: 403; readonly code: string | undefined }
  /** 5xx: it was let in, and the service broke. */
  | { readonly kind: 'failed'; readonly status: number }
  /** No answer. */
  | { readonly kind: 'unreachable'; readonly code: string }
  /** An answer that is none of these. */
  | { readonly kind: 'unexpected'; readonly status: number | undefined };

/** What whoever runs the deletion does about it. */
export const ADVICE: Readonly<Record<Failure['kind'], string>> = {
  unauthenticated: 'the token is refused: sidegate doctor says why',
  forbidden: 'this caller is not let in: look for service_only_access in the log of the service',
  failed: 'not an authentication problem: the service let the call in and broke; its log says on what',
  unreachable: 'nothing answers: start the service, then retry',
  unexpected: 'this is hardly the address of the service',
};

/** A gateway answers so for a service that it cannot reach. */
const NOT_REACHED: ReadonlySet<string> = new Set(['upstream_unreachable', 'upstream_timeout', 'upstream_tls']);

/** @throws what is neither an answer nor a failed call: it is a mistake in this program */
export function failureOf(error: unknown): Failure {
  if (error instanceof ServiceResponseError) return ofAnswer(error);
  if (!(error instanceof Problem) || error.row.source !== 'upstream') throw error;
  if (error.code === 'bad_upstream_response') return { kind: 'unexpected', status: undefined };
  return { kind: 'unreachable', code: error.code };
}

function ofAnswer({ status, code }: ServiceResponseError): Failure {
  if (status === 401) return { kind: 'unauthenticated', status, code };
  if (status === 403) return { kind: 'forbidden', status, code };
  if (code !== undefined && NOT_REACHED.has(code)) return { kind: 'unreachable', code };
  return status >= 500 ? { kind: 'failed', status } : { kind: 'unexpected', status };
}

/** The rows that a service says it would delete or has deleted; undefined: it says something else. */
export function readRows(answer: unknown, tenantId: string): RowCounts | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { tenant_id: tenant, rows } = answer as { readonly tenant_id?: unknown; readonly rows?: unknown };
  if (tenant !== tenantId || typeof rows !== 'object' || rows === null) return undefined;
  const counts = Object.entries(rows as Record<string, unknown>);
  const isCount = (entry: [string, unknown]): entry is [string, number] => Number.isSafeInteger(entry[1]);
  return counts.every(isCount) ? Object.fromEntries(counts) : undefined;
}
