/**
 * Trading a token that was received for one that may be sent on: token exchange (RFC 8693), and its profile that begins a transaction
 * (draft-ietf-oauth-transaction-tokens, Txn-Token request).
 */
import type { AccessToken } from './access-token.ts';
import { type ClientCredentialsGrant, grantForm } from './client-credentials.ts';
import { requestToken, type TokenEndpoint, type TokenExchangeDependencies } from './token-request.ts';

/** Who asks, and for whom and what the new token is to be. */
export type TokenExchangeGrant = ClientCredentialsGrant;

export interface TransactionGrant extends TokenEndpoint {
  /** The purpose of the transaction, at least one. */
  readonly scopes: readonly string[];
  readonly trustDomain: string;
}

/** What begins a transaction, as JSON can write it. */
export interface TransactionRequest {
  /** The token of the request from outside. */
  readonly subjectToken: string;
  /** What is asked for: becomes `tctx` as far as the service takes it. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Under which circumstances: becomes `rctx` as far as the service takes it. */
  readonly context?: Readonly<Record<string, unknown>>;
}

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';
const ACCESS_TOKEN = `${TOKEN_TYPE}access_token`;
const TRANSACTION_TOKEN = `${TOKEN_TYPE}txn_token`;

/**
 * An access token for another service, which speaks for whom the subject token speaks for.
 *
 * @throws Problem `idp_unavailable`, `idp_bad_response`
 */
export function exchangeToken(
  grant: TokenExchangeGrant,
  subjectToken: string,
  dependencies: TokenExchangeDependencies,
): Promise<AccessToken> {
  const form = [...grantForm(GRANT_TYPE, grant), ...exchangeForm(subjectToken, ACCESS_TOKEN)];
  const question = { form, requestedScopes: grant.scopes, issuedTokenType: ACCESS_TOKEN, secrets: [subjectToken] };
  return requestToken(grant, question, dependencies);
}

/**
 * A transaction token, which no access token is.
 *
 * @throws Problem `idp_unavailable`, `idp_bad_response`
 */
export function beginTransaction(
  { scopes, trustDomain, ...endpoint }: TransactionGrant,
  { subjectToken, details, context }: TransactionRequest,
  dependencies: TokenExchangeDependencies,
): Promise<AccessToken> {
  const form = [
    ...grantForm(GRANT_TYPE, { scopes, audience: trustDomain }),
    ...exchangeForm(subjectToken, TRANSACTION_TOKEN),
    ...(details === undefined ? [] : [['request_details', JSON.stringify(details)] as const]),
    ...(context === undefined ? [] : [['request_context', JSON.stringify(context)] as const]),
  ];
  const answer = { tokenType: 'N_A', issuedTokenType: TRANSACTION_TOKEN } as const;
  return requestToken(endpoint, { form, requestedScopes: scopes, ...answer, secrets: [subjectToken] }, dependencies);
}

function exchangeForm(subjectToken: string, requested: string): readonly (readonly [name: string, value: string])[] {
  return [
    ['requested_token_type', requested],
    ['subject_token', subjectToken],
    ['subject_token_type', ACCESS_TOKEN],
  ];
}
