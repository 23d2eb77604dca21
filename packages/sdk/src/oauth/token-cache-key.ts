/** Which tokens are the same token: everything that went into obtaining one is part of its key. */

export interface TokenCacheKeyParts {
  /** Token endpoint or issuer. */
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly audience?: string | undefined;
  readonly resource?: string | undefined;
  /** Thumbprint of the client certificate that the request was sent with: the token may be bound to it. */
  readonly tlsIdentity?: string | undefined;
}

/** Equal exactly when all parts are; scopes count as a set. */
export function tokenCacheKey({
  issuer,
  clientId,
  scopes,
  audience,
  resource,
  tlsIdentity,
}: TokenCacheKeyParts): string {
  return JSON.stringify([
    issuer,
    clientId,
    [...new Set(scopes)].sort(),
    audience ?? null,
    resource ?? null,
    tlsIdentity ?? null,
  ]);
}
