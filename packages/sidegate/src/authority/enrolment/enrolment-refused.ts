/** Every way the enrolment refuses: one closed table, one error class. */
import type { Answer } from '../issuer/answer.ts';

const STATUS = {
  invalid_request: 400,
  csr_rejected: 400,
  join_token_invalid: 403,
  certificate_required: 403,
  certificate_unknown: 403,
  certificate_expired: 403,
  certificate_revoked: 403,
  renewal_too_early: 403,
  rate_limited: 429,
  issuance_failed: 500,
} as const;

export type EnrolmentErrorCode = keyof typeof STATUS;

export interface EnrolmentRefusedOptions {
  readonly retryAfterSeconds?: number;
  /** What the log says instead of the description, where the caller must not learn it. */
  readonly detail?: string;
  readonly cause?: unknown;
}

export class EnrolmentRefused extends Error {
  override readonly name = 'EnrolmentRefused';
  readonly code: EnrolmentErrorCode;
  readonly detail: string;
  readonly retryAfterSeconds: number | undefined;

  /** @param description for whoever asked; never holds a token. */
  constructor(code: EnrolmentErrorCode, description: string, options: EnrolmentRefusedOptions = {}) {
    super(description, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? description;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  answer(): Answer {
    const { retryAfterSeconds: seconds } = this;
    return {
      status: STATUS[this.code],
      headers: seconds === undefined ? {} : { 'retry-after': String(seconds) },
      body: { error: this.code, error_description: this.message },
    };
  }
}
