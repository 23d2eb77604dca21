/** What a realm offers: OpenID Connect Discovery 1.0 section 3 and RFC 8414 section 2, one document for both. */
import type { Answer } from './answer.ts';
import { grantsOf } from './grants/grants.ts';
import type { Realm } from './realm.ts';
import type { SigningKeys } from './signing-key.ts';

export function answerMetadata(realm: Realm, keys: SigningKeys): Answer {
  const scopes = [...realm.clients.values()].flatMap(({ defaultScopes, optionalScopes }) =>
    [...defaultScopes, ...optionalScopes].filter(({ named }) => named).map(({ name }) => name),
  );
  return {
    status: 200,
    headers: {},
    body: {
      issuer: realm.issuer,
      token_endpoint: `${realm.issuer}/protocol/openid-connect/token`,
      jwks_uri: `${realm.issuer}/protocol/openid-connect/certs`,
      grant_types_supported: [...grantsOf(realm).keys()],
      scopes_supported: [...new Set(scopes)],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'tls_client_auth', 'none'],
      tls_client_certificate_bound_access_tokens: true,
      // required by both documents, although there is neither an authorization endpoint nor an ID token here
      response_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: [...keys.keys()],
    },
  };
}
