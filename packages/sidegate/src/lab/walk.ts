/** What a walk through the zones leaves behind, for the checks to look at. */
import type { AuditLine } from './audit-feed.ts';
import type { JsonBody, Outcome } from './caller.ts';
import type { TokenLogLine } from './running-lab.ts';

/** One request through the gateway with everything that was recorded on its way. */
export interface Passage {
  readonly answer: Outcome;
  readonly correlationId: string;
  /** On the monotonic clock. */
  readonly answeredAtMs: number;
  /** Outermost first. */
  readonly lines: readonly AuditLine[];
}

export interface Walk {
  readonly users: readonly SignedInUser[];
  /** Who ordered, and who paid. */
  readonly buyer: SignedInUser;
  readonly payer: SignedInUser;
  readonly order: Passage;
  readonly reading: Passage;
  readonly payment: Passage;
  /** How often the identity provider issued a token to order-service: after the order, and at the end. */
  readonly orderServiceTokens: { readonly afterOrder: number; readonly atEnd: number; readonly last?: TokenLogLine };
  /** The answer to a password grant where there must be none. */
  readonly passwordGrantOfServices: Outcome;
  readonly orderId: string;
}

export interface SignedInUser {
  readonly username: string;
  readonly answer: Outcome;
  readonly token: string;
  readonly claims: JsonBody;
  readonly header: JsonBody;
}

export const bodyOf = (outcome: Outcome): JsonBody => (outcome.kind === 'answer' ? outcome.body : {});

export function rolesOf(claims: JsonBody): readonly string[] {
  const { roles } = (claims['realm_access'] ?? {}) as { readonly roles?: readonly string[] };
  return roles ?? [];
}
