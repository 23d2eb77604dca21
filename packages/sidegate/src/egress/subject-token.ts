/**
 * The token of whoever called the local service, which shows it to us in `Authorization` so that it is traded for another one. It is verified like
 * every token that arrives, where this sidecar knows its issuers: only what was meant for this service may be traded in its name.
 */
import { readCredentials, type VerifiedToken } from '@sidegate/sdk';
import type { Fields } from '../net/fields.ts';

export type VerifySubject = (token: string) => VerifiedToken | Promise<VerifiedToken>;

/**
 * @param verify undefined: whoever trades it is the first to look at it
 * @throws Problem `token_*`, `duplicate_header`, at once or as a rejection
 */
export function subjectToken(fields: Fields, verify: VerifySubject | undefined): string | Promise<string> {
  const text = readCredentials(fields.all('authorization'));
  const verified = verify?.(text);
  return verified instanceof Promise ? verified.then(() => text) : text;
}
