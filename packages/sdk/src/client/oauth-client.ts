/**
 * One registration at an identity provider, and the tokens it gets: one for each audience and set of scopes, asked for once
 * however many calls wait, renewed before it ends. The only place of a service where tokens lie.
 */

import { currentContext } from '../context/call-context.ts';
import { createDpopProver } from '../dpop/prover.ts';
import type { Identity } from '../identity/identity.ts';
import { requireSecureUrl } from '../jwt/secure-url.ts';
import type { AccessToken } from '../oauth/access-token.ts';
import type { ClientAuthentication } from '../oauth/client-authentication.ts';
import { obtainToken } from '../oauth/client-credentials.ts';
import { createExchangedTokens, type ExchangedTokens } from '../oauth/exchanged-tokens.ts';
import { exchangeToken } from '../oauth/token-exchange.ts';
import { createTokenSource, type TokenSource } from '../oauth/token-source.ts';
import { Problem } from '../problem.ts';
import { boundedHttpClient } from '../runtime/http-client.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { openConnections } from './connections.ts';
import type { OutgoingRequest, ScopedCredentials } from './credentials.ts';
import { BEARER, proven, type TokenPresentation } from './token-presentation.ts';

interface Registration {
  /** https, or http on a loopback host. */
  readonly tokenUrl: string;
  readonly clientId: string;
  /** Have tokens bound to a key of this process, which proves each request (RFC 9449): whoever finds one cannot use it. False by default. */
  readonly dpop?: boolean;
  /** Told about every request for a token. */
  readonly onRefresh?: (failure: Problem | undefined) => void;
  readonly runtime?: Runtime;
}

/** With `tls_client_auth` the certificate speaks for the client; with a secret or a key it may be shown beside it, which binds tokens to it. */
type Proof =
  | {
      readonly authentication: Exclude<ClientAuthentication, { method: 'tls_client_auth' }>;
      readonly identity?: Identity;
    }
  | { readonly authentication: ClientAuthentication; readonly identity: Identity };

export type OAuthClientOptions = Registration & Proof;

/** What a token is to be good for: as little as will do. */
export interface TokenRequest<Scope extends string> {
  readonly scopes: readonly Scope[];
  readonly audience?: string;
  /** RFC 8707. */
  readonly resource?: string;
}

export interface OAuthClient {
  /** The service's own token (RFC 6749 section 4.4). */
  clientCredentials<const Scope extends string>(request: TokenRequest<Scope>): ScopedCredentials<Scope>;
  /** A token for whom the token of the current context speaks for (RFC 8693); see {@link runWithContext}. */
  tokenExchange<const Scope extends string>(request: TokenRequest<Scope>): ScopedCredentials<Scope>;
  /** Forgets all tokens. */
  close(): Promise<void>;
}

const CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * A client of an identity provider. Its credentials share tokens where audience and scopes are the same, in any order.
 *
 * @example
 * ```ts
 * import { oauthClient, serviceClient } from '@sidegate/sdk/client';
 *
 * const registration = oauthClient({
 *   tokenUrl: 'https://idp.internal/realms/main/protocol/openid-connect/token',
 *   clientId: 'order-service-prod',
 *   authentication: {
 *     method: 'client_secret_basic',
 *     secret: { reveal: () => process.env['ORDER_SERVICE_CLIENT_SECRET'] ?? '' },
 *   },
 * });
 * const payments = serviceClient({
 *   target: 'https://payment-service.internal',
 *   credentials: registration.clientCredentials({ scopes: ['payment:charge'], audience: 'payment-service' }),
 * });
 * ```
 * @throws TypeError when the endpoint is not https, or `tls_client_auth` has no certificate
 */
export function oauthClient(options: OAuthClientOptions): OAuthClient {
  const { tokenUrl, clientId, authentication, identity, dpop = false, onRefresh, runtime = systemRuntime() } = options;
  requireSecureUrl(tokenUrl);
  if (authentication.method === 'tls_client_auth' && identity === undefined) {
    throw new TypeError(`${clientId}: tls_client_auth needs an identity to show`);
  }
  const { clock, random } = runtime;
  const pool =
    identity === undefined
      ? undefined
      : openConnections({
          identity: () => identity.current(),
          connections: CONNECTIONS,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
        });
  const dependencies = {
    clock,
    http:
      pool === undefined
        ? runtime.http
        : async (request: Parameters<Runtime['http']>[0]) => boundedHttpClient(await pool.agent())(request),
  };
  const prover = dpop ? createDpopProver() : undefined;
  const presentation = prover === undefined ? BEARER : proven(prover, clock);
  const told = onRefresh === undefined ? {} : { onRefresh };
  const own = new Map<string, TokenSource>();
  const exchanged = new Map<string, ExchangedTokens>();
  let shown: unknown;
  let closed = false;

  /** A token that is bound to the certificate is of no use with the next one. */
  const followIdentity = async (): Promise<void> => {
    if (closed) throw new Problem('not_ready', `the client ${clientId} of the identity provider is closed`);
    const current = await identity?.current();
    if (shown !== undefined && current !== shown) forget();
    shown = current;
  };
  const forget = (): void => {
    for (const each of [...own.values(), ...exchanged.values()]) each.close();
    own.clear();
    exchanged.clear();
  };
  const grantOf = ({ scopes, audience, resource }: TokenRequest<string>) => ({
    tokenUrl,
    clientId,
    authentication,
    prover,
    scopes,
    ...(audience === undefined ? {} : { audience }),
    ...(resource === undefined ? {} : { resource }),
  });

  return {
    clientCredentials(request) {
      const { scopes } = request;
      const key = keyOf(request);
      const obtain = async () => granted(await obtainToken(grantOf(request), dependencies), scopes);
      const source = () => found(own, key, () => createTokenSource({ obtain, clock, random, ...told }));
      return credentialsOf(scopes, presentation, {
        token: async () => {
          await followIdentity();
          return await source().token();
        },
        refused: (token) => own.get(key)?.refused(token),
      });
    },
    tokenExchange(request) {
      const { scopes } = request;
      const key = keyOf(request);
      const exchange = async (subject: string) =>
        granted(await exchangeToken(grantOf(request), subject, dependencies), scopes);
      const tokens = () => found(exchanged, key, () => createExchangedTokens({ exchange, clock, random, ...told }));
      return credentialsOf(scopes, presentation, {
        token: async () => {
          const { subjectToken } = currentContext();
          if (subjectToken === undefined) {
            throw new Problem('token_missing', 'there is no token to exchange: calls are made within runWithContext');
          }
          await followIdentity();
          return await tokens().token(subjectToken);
        },
        refused: (token) => exchanged.get(key)?.refused(currentContext().subjectToken ?? '', token),
      });
    },
    async close() {
      closed = true;
      forget();
      await pool?.close();
    },
  };
}

interface Tokens {
  readonly token: () => Promise<AccessToken>;
  readonly refused: (token: string) => void;
}

function credentialsOf<Scope extends string>(
  scopes: readonly Scope[],
  { present, answered }: TokenPresentation,
  { token, refused }: Tokens,
): ScopedCredentials<Scope> {
  let closed = false;
  return {
    kind: 'oauth2',
    scopes,
    async authorize(request) {
      if (closed) throw new Problem('not_ready', 'these credentials are closed');
      return present((await token()).reveal(), request);
    },
    ...(answered === undefined ? {} : { answered }),
    refused: ({ headers }: OutgoingRequest) => refused((headers['authorization'] ?? '').replace(/^[A-Za-z]+ /, '')),
    close: () => {
      closed = true;
    },
  };
}

/** Who gets less than it asked for would find out at the target, with somebody waiting. */
function granted(token: AccessToken, scopes: readonly string[]): AccessToken {
  const missing = scopes.filter((scope) => !token.scopes.includes(scope));
  if (missing.length === 0) return token;
  throw new Problem('idp_bad_response', `the identity provider did not grant ${missing.join(' ')}`);
}

const keyOf = ({ scopes, audience, resource }: TokenRequest<string>): string =>
  JSON.stringify([audience, resource, [...new Set(scopes)].toSorted()]);

function found<T>(all: Map<string, T>, key: string, make: () => T): T {
  const known = all.get(key) ?? make();
  all.set(key, known);
  return known;
}
