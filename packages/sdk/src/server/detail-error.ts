/** What refusals are called in the `{"detail": "…"}` body that services written with FastAPI answer, for callers that know only those words. */
import type { Problem, ProblemCode } from '../problem.ts';

export interface DetailError {
  readonly status: number;
  readonly detail: string;
}

const OTHER_AUDIENCE: ReadonlySet<ProblemCode> = new Set([
  'token_aud_missing',
  'token_aud_mismatch',
  'token_aud_multiple',
]);
/** Codes of the header that carries the token: a 400 of ours, and no other answer than that to a wrong token there. */
const HEADER: ReadonlySet<ProblemCode> = new Set(['authorization_malformed', 'duplicate_header']);
const SIGNATURE: ReadonlySet<ProblemCode> = new Set([
  'signature_invalid',
  'signature_insufficient_coverage',
  'digest_mismatch',
]);

/**
 * The status and the words of a refusal. What is no refusal of a proof keeps its own.
 *
 * @example
 * ```ts
 * import { detailError } from '@sidegate/sdk/server';
 *
 * const { status, detail } = detailError(new Problem('token_aud_mismatch', 'aud is service-c'));
 * console.log(status, JSON.stringify({ detail })); // 403 {"detail":"Token not for this service"}
 * ```
 */
export function detailError({ code, row, detail }: Problem): DetailError {
  if (OTHER_AUDIENCE.has(code)) return { status: 403, detail: 'Token not for this service' };
  if (code === 'signature_timestamp') return { status: 401, detail: detail ?? row.title };
  if (SIGNATURE.has(code)) return { status: 401, detail: 'Invalid signature' };
  if (HEADER.has(code) || (code.startsWith('token_') && row.status === 401))
    return { status: 401, detail: 'Invalid token' };
  return { status: row.status, detail: detail ?? row.title };
}
