/** What a realm offers: OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2, one document for both. */
import type { Answer } from './answer.ts';
import { grantsOf } from './grants/grants.ts';
import type { Client, Realm } from './realm.ts';
import type { KeyRing } from './signing-key.ts';

/** Their registered names (RFC 7591 section 2, RFC 8705 section 2.1.1). */
const METHODS = {
  secret: ['client_secret_basic', 'client_secret_post'],
  certificate: ['tls_client_auth'],
  none: ['none'],
} as const;

export function answerMetadata(realm: Realm, keys: KeyRing): Answer {
  const clients = [...realm.clients.values()];
  return {
    status: 200,
    headers: {},
    body: {
      issuer: realm.issuer,
      token_endpoint: `${realm.issuer}/protocol/openid-connect/token`,
      jwks_uri: `${realm.issuer}/protocol/openid-connect/certs`,
      grant_types_supported: [...grantsOf(realm).keys()],
      scopes_supported: unique(clients.flatMap(scopeNames)),
      token_endpoint_auth_methods_supported: unique(
        clients.flatMap(({ authentication }) => METHODS[authentication.method]),
      ),
      tls_client_certificate_bound_access_tokens: true,
      // required by both documents, although there is neither an authorization endpoint nor an ID token here
      response_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: unique(keys.published().flatMap(({ alg }) => alg ?? [])),
    },
  };
}

function scopeNames({ defaultScopes, optionalScopes }: Client): string[] {
  return [...defaultScopes, ...optionalScopes].filter(({ named }) => named).map(({ name }) => name);
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
