/** The client credentials grant (RFC 6749 section 4.4): a service's own token. */
import type { AccessToken } from './access-token.ts';
import { requestToken, type TokenEndpoint, type TokenExchangeDependencies } from './token-request.ts';

export interface ClientCredentialsGrant extends TokenEndpoint {
  readonly scopes: readonly string[];
  readonly audience?: string;
  /** RFC 8707. */
  readonly resource?: string;
  /** What else this issuer wants to be told; none of {@link RESERVED_TOKEN_PARAMETERS}. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** What a grant says elsewhere, or would make another request of this one. */
export const RESERVED_TOKEN_PARAMETERS: ReadonlySet<string> = new Set([
  'grant_type',
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'scope',
  'audience',
  'resource',
  'assertion',
  'actor_token',
  'actor_token_type',
  'code',
  'code_verifier',
  'password',
  'redirect_uri',
  'refresh_token',
  'request',
  'request_uri',
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'request_context',
  'request_details',
  'username',
]);

/**
 * Asks for a token once.
 *
 * @throws Problem `idp_unavailable` when there is no answer, `idp_bad_response` when the answer is a refusal or unusable
 */
export function obtainToken(
  grant: ClientCredentialsGrant,
  dependencies: TokenExchangeDependencies,
): Promise<AccessToken> {
  const form = grantForm('client_credentials', grant);
  return requestToken(grant, { form, requestedScopes: grant.scopes }, dependencies);
}

/** What this kind of grant has in common with others that ask for a token of a service. */
export function grantForm(
  grantType: string,
  { scopes, audience, resource, parameters = {} }: Omit<ClientCredentialsGrant, keyof TokenEndpoint>,
): readonly (readonly [name: string, value: string])[] {
  return [
    ...Object.entries(parameters).filter(([name]) => !RESERVED_TOKEN_PARAMETERS.has(name)),
    ['grant_type', grantType],
    ...(scopes.length > 0 ? [['scope', scopes.join(' ')] as const] : []),
    ...(audience === undefined ? [] : [['audience', audience] as const]),
    ...(resource === undefined ? [] : [['resource', resource] as const]),
  ];
}
