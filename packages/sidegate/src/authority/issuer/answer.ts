/** What an endpoint answers; the server writes it. */
import type { OAuthError } from './oauth-error.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes as they are, with their own content-type; anything else is written as JSON. */
  readonly body: unknown;
}

/** RFC 6749 section 5.2. */
export function errorAnswer(error: OAuthError): Answer {
  return {
    status: error.status,
    headers: error.headers,
    body: { error: error.code, error_description: error.message },
  };
}
