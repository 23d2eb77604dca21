/** What a realm offers: OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2, one document for both. */
import { type AlgorithmName, PROOF_ALGORITHMS, SVID_ALGORITHMS } from '@sidegate/sdk';
import type { Answer } from './answer.ts';
import { grantNames } from './grants/grants.ts';
import type { Client, ClientAuthentication, Realm } from './realm.ts';
import type { KeyRing } from './signing-key.ts';

/** Their names in RFC 8414 section 2, RFC 8705 section 2.1.1 and draft-ietf-oauth-spiffe-client-auth. */
const METHODS = {
  none: ['none'],
  client_secret: ['client_secret_basic', 'client_secret_post'],
  private_key_jwt: ['private_key_jwt'],
  tls_client_auth: ['tls_client_auth'],
  self_signed_tls_client_auth: ['self_signed_tls_client_auth'],
  spiffe_x509: ['spiffe_x509'],
  spiffe_jwt: ['spiffe_jwt'],
} as const satisfies Record<ClientAuthentication['method'], readonly string[]>;

export function answerMetadata(realm: Realm, keys: KeyRing): Answer {
  const clients = [...realm.clients.values()];
  const methods = unique(clients.flatMap(({ authentication }) => METHODS[authentication.method]));
  return {
    status: 200,
    headers: {},
    body: {
      issuer: realm.issuer,
      token_endpoint: `${realm.issuer}/protocol/openid-connect/token`,
      introspection_endpoint: `${realm.issuer}/protocol/openid-connect/token/introspect`,
      revocation_endpoint: `${realm.issuer}/protocol/openid-connect/revoke`,
      jwks_uri: `${realm.issuer}/protocol/openid-connect/certs`,
      grant_types_supported: grantNames(realm),
      scopes_supported: unique(clients.flatMap(scopeNames)),
      token_endpoint_auth_methods_supported: methods,
      revocation_endpoint_auth_methods_supported: methods,
      introspection_endpoint_auth_methods_supported: methods.filter((method) => method !== 'none'),
      token_endpoint_auth_signing_alg_values_supported: unique(clients.flatMap(assertionAlgorithms)),
      dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
      tls_client_certificate_bound_access_tokens: true,
      // required by both documents, although there is neither an authorization endpoint nor an ID token here
      response_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: unique(keys.published().flatMap(({ alg }) => alg ?? [])),
    },
  };
}

function assertionAlgorithms({ authentication }: Client): readonly AlgorithmName[] {
  switch (authentication.method) {
    case 'private_key_jwt':
      return authentication.algorithms;
    case 'spiffe_jwt':
      return SVID_ALGORITHMS;
    default:
      return [];
  }
}

function scopeNames({ defaultScopes, optionalScopes }: Client): string[] {
  return [...defaultScopes, ...optionalScopes].filter(({ named }) => named).map(({ name }) => name);
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
