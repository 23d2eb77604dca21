/** What refusals are called in the `{"error":{"code","message"}}` body of service tokens, for callers that know only those names. */
import type { Problem, ProblemCode } from '../problem.ts';

export type ServiceAuthCode =
  | 'MISSING_TOKEN'
  | 'TOKEN_EXPIRED'
  | 'TOKEN_INVALID'
  | 'UNAUTHORIZED_ISSUER'
  | 'AUDIENCE_MISMATCH'
  | 'INSUFFICIENT_SCOPE'
  | 'UNKNOWN_KEY_ID';

export interface ServiceAuthError {
  readonly code: ServiceAuthCode;
  /** Undefined: the code says it all. */
  readonly message: string | undefined;
}

type Row = readonly [code: ServiceAuthCode, message?: string];

const OTHER_AUDIENCE: Row = ['AUDIENCE_MISMATCH', 'Token was not issued for this service'];
const OTHER_ISSUER: Row = ['UNAUTHORIZED_ISSUER', 'Service is not authorized'];

const ROWS: ReadonlyMap<ProblemCode, Row> = new Map<ProblemCode, Row>([
  ['token_missing', ['MISSING_TOKEN']],
  ['token_expired', ['TOKEN_EXPIRED', 'Service token has expired']],
  ['token_signature_invalid', ['TOKEN_INVALID', 'Service token signature is invalid']],
  ['token_issuer_mismatch', OTHER_ISSUER],
  ['peer_not_allowed', OTHER_ISSUER],
  ['token_aud_missing', OTHER_AUDIENCE],
  ['token_aud_mismatch', OTHER_AUDIENCE],
  ['token_aud_multiple', OTHER_AUDIENCE],
  ['insufficient_scope', ['INSUFFICIENT_SCOPE']],
  ['token_key_not_found', ['UNKNOWN_KEY_ID']],
]);

/**
 * The name and the words of a refusal of a service token. Details of one refusal (which key, which scopes) are those of
 * {@link Problem.detail}.
 *
 * @example
 * ```ts
 * import { serviceAuthError } from '@sidegate/sdk/server';
 *
 * const error = serviceAuthError(new Problem('token_expired', 'expired 6 s ago'));
 * console.log(JSON.stringify({ error })); // {"error":{"code":"TOKEN_EXPIRED","message":"Service token has expired"}}
 * ```
 *
 * @returns undefined: it is no refusal of a token, and must not be told as one
 */
export function serviceAuthError({ code, row, detail }: Problem): ServiceAuthError | undefined {
  const known = ROWS.get(code);
  if (known !== undefined) return { code: known[0], message: detail ?? known[1] };
  return (row.challenge ?? '') === '' ? undefined : { code: 'TOKEN_INVALID', message: detail ?? row.title };
}
