/** An access token as its client holds it: the value is shown to nobody who does not ask for it by name. */
import { inspect } from 'node:util';

export interface AccessTokenFacts {
  /** Milliseconds since the epoch; not to be sent from then on. */
  readonly expiresAt: number;
  /** What the token is good for: the issued scopes, or those asked for where the issuer says nothing (RFC 6749 section 5.1). */
  readonly scopes: readonly string[];
  /** `scope` of the answer, as received. */
  readonly issuedScope: string | undefined;
}

export class AccessToken implements AccessTokenFacts {
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  readonly issuedScope: string | undefined;
  readonly #value: string;

  constructor(value: string, facts: AccessTokenFacts) {
    this.#value = value;
    this.expiresAt = facts.expiresAt;
    this.scopes = facts.scopes;
    this.issuedScope = facts.issuedScope;
  }

  /** The token itself, for the Authorization header. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }

  [inspect.custom](): string {
    return `AccessToken([redacted], expires ${new Date(this.expiresAt).toISOString()})`;
  }
}
