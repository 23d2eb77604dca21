/** What a refused caller is told: one table of formats, each with the words that its callers already read. */
import { authenticateChallenge, type ProofChallenge } from '../dpop/challenge.ts';
import type { Problem } from '../problem.ts';
import { detailError } from './detail-error.ts';
import { serviceAuthError } from './service-auth-error.ts';

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * - `problem`: RFC 9457, and 403 for what the caller may not do.
 * - `service-auth`: `{"error":{"code","message"}}`.
 * - `service-auth-401`: the same for callers that expect 401 where a scope is missing; a 403 says more to everybody else.
 * - `detail`: `{"detail"}`, the words of the Python services.
 * - `text`: the words alone.
 */
export type ErrorFormat = keyof typeof FORMATS;

interface Body {
  readonly type: string;
  readonly text: string;
  readonly status?: number | undefined;
}

/** @param proofs absent: no proofs of keys are taken */
export function answerOf(problem: Problem, format: ErrorFormat, proofs?: ProofChallenge): Answer {
  const { type, text, status = problem.row.status } = FORMATS[format](problem);
  const headers: Record<string, string> = {
    'content-type': type,
    'content-length': String(Buffer.byteLength(text)),
    'cache-control': 'no-store',
  };
  const challenge = challengeOf(problem, status);
  if (challenge !== undefined) headers['www-authenticate'] = authenticateChallenge(challenge, proofs);
  const nonce = status === 401 ? proofs?.nonce?.() : undefined;
  if (nonce !== undefined) headers['dpop-nonce'] = nonce;
  if (problem.retryAfterSeconds !== undefined) headers['retry-after'] = String(Math.ceil(problem.retryAfterSeconds));
  return { status, headers, body: text };
}

const JSON_TYPE = 'application/json';

const FORMATS = {
  problem: ({ code, row: { status, title }, detail }: Problem): Body => ({
    type: 'application/problem+json',
    text: JSON.stringify({ type: 'about:blank', title, status, ...(detail === undefined ? {} : { detail }), code }),
  }),
  'service-auth': (problem: Problem): Body => {
    const error = serviceAuthError(problem);
    const isIssuer = error?.code === 'UNAUTHORIZED_ISSUER';
    return {
      type: JSON_TYPE,
      text: JSON.stringify({ error: error ?? named(problem) }),
      status: isIssuer ? 401 : undefined,
    };
  },
  'service-auth-401': (problem: Problem): Body => {
    const error = serviceAuthError(problem);
    return { type: JSON_TYPE, text: JSON.stringify({ error: error ?? named(problem) }), status: error && 401 };
  },
  detail: (problem: Problem): Body => {
    const { status, detail } = detailError(problem);
    return { type: JSON_TYPE, text: JSON.stringify({ detail }), status };
  },
  text: ({ row: { title }, detail = title }: Problem): Body => ({ type: 'text/plain; charset=utf-8', text: detail }),
} as const satisfies Record<string, (problem: Problem) => Body>;

/** What has no name among those of service tokens has ours, written like them. */
function named({ code, detail, row: { title } }: Problem): { readonly code: string; readonly message?: string } {
  const name = code.toUpperCase();
  return code === 'user_not_authorized' ? { code: name } : { code: name, message: detail ?? title };
}

/** RFC 9110 section 11.6.1: each 401 has one. RFC 6750 section 3.1 for a 403 that another scope would help. */
function challengeOf({ row: { challenge } }: Problem, status: number): string | undefined {
  return challenge ?? (status === 401 ? '' : undefined);
}
