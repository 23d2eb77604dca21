/** The error answers of RFC 6749 section 5.2, RFC 8707 section 2 and RFC 9449 sections 5 and 8: one closed table, one error class. */

const STATUS = {
  invalid_request: 400,
  access_denied: 403,
  invalid_client: 401,
  invalid_grant: 400,
  unauthorized_client: 400,
  unsupported_grant_type: 400,
  invalid_scope: 400,
  invalid_target: 400,
  invalid_dpop_proof: 400,
  use_dpop_nonce: 400,
  temporarily_unavailable: 429,
  server_error: 500,
} as const;

export type OAuthErrorCode = keyof typeof STATUS;

export interface OAuthErrorOptions {
  /** When HTTP has a more exact word than the code, e.g. 413. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the log says instead of the description, where the caller must not learn it. */
  readonly detail?: string;
}

/** A refused request; thrown where it is found, answered by the endpoint's one catch. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: OAuthErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly detail: string;

  /** @param description fixed text, never what the caller sent: it goes on the wire and into the log. */
  constructor(code: OAuthErrorCode, description: string, options: OAuthErrorOptions = {}) {
    super(description);
    this.code = code;
    this.status = options.status ?? STATUS[code];
    this.headers = options.headers ?? {};
    this.detail = options.detail ?? description;
  }
}

/** RFC 9110 section 15.5.2: every 401 names a scheme, also where the client did not use it. */
export function invalidClient(detail: string): OAuthError {
  return new OAuthError('invalid_client', 'Invalid credentials', {
    detail,
    headers: { 'www-authenticate': 'Basic realm="token", charset="UTF-8"' },
  });
}
