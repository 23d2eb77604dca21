/** The only place that writes an error status: RFC 9457 problem details, and a connection left in a known state. */
import { authenticateChallenge, type Problem } from '@sidegate/sdk';
import { fieldLine } from '../net/fields.ts';
import type { Reply } from '../net/reply.ts';
import { CORRELATION_HEADER } from './correlation.ts';
import type { Exchange } from './exchange.ts';

/** Whose request is refused. */
export type Respondent = Pick<Exchange, 'requestId' | 'correlationId'> &
  Partial<Pick<Exchange, 'corsLines' | 'proofChallenge'>>;

/** Statuses that speak about the message itself. */
const CLOSING: ReadonlySet<number> = new Set([400, 408, 413, 414, 417, 431, 501, 505]);

/**
 * Answers a refused request; when the answer has already begun, cuts the connection instead.
 *
 * @param unread something of the message is still to come, and would have to be read
 */
export function respond(respondent: Respondent, problem: Problem, reply: Reply, unread: boolean): void {
  if (reply.status !== undefined) {
    // The client must see a broken message, never a complete-looking one.
    reply.destroy();
    return;
  }
  const { status } = problem.row;
  // After a doubtful message nothing on this connection can be trusted.
  if (CLOSING.has(status) || unread) reply.close();
  const body = Buffer.from(problemBody(respondent, problem));
  reply.head(status, problemLines(respondent, problem), body.length);
  reply.write(body);
  reply.end();
}

/** RFC 9457. */
export function problemBody({ requestId }: Pick<Respondent, 'requestId'>, problem: Problem): string {
  const { status, title } = problem.row;
  return JSON.stringify({ type: 'about:blank', title, status, code: problem.code, request_id: requestId });
}

function problemLines(respondent: Respondent, problem: Problem): string {
  const lines = problemFields(respondent, problem).map(([name, value]) => fieldLine(name, value));
  return lines.join('') + (respondent.corsLines ?? '');
}

export function problemFields(
  { requestId, correlationId, proofChallenge }: Respondent,
  { row, retryAfterSeconds, allow }: Problem,
): readonly (readonly [name: string, value: string])[] {
  const { challenge, status } = row;
  const fields: (readonly [name: string, value: string])[] = [
    ['Content-Type', 'application/problem+json'],
    ['Cache-Control', 'no-store'],
    ['X-Sidegate-Decision', requestId],
    [CORRELATION_HEADER, correlationId],
  ];
  if (challenge !== undefined) {
    fields.push(['WWW-Authenticate', authenticateChallenge(challenge, proofChallenge)]);
    const nonce = status === 401 ? proofChallenge?.nonce?.() : undefined;
    if (nonce !== undefined) fields.push(['DPoP-Nonce', nonce]);
  }
  // RFC 9110 section 15.5.6: a 405 has one, even if it is empty.
  if (status === 405) fields.push(['Allow', (allow ?? []).join(', ')]);
  if (retryAfterSeconds !== undefined) fields.push(['Retry-After', String(Math.ceil(retryAfterSeconds))]);
  return fields;
}
