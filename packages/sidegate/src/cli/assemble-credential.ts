/** Config → what a target wants to see from us; for OAuth a source of tokens that stay fresh. */
import {
  type AccessToken,
  beginTransaction,
  type ClientCredentialsGrant,
  createDpopProver,
  createExchangedTokens,
  createTokenSource,
  exchangeToken,
  obtainToken,
  type Problem,
  type TokenEndpoint,
  type TokenExchangeDependencies,
} from '@sidegate/sdk';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { clientCredentials } from '../egress/credentials/client-credentials.ts';
import { apiKey, basicCredentials, bearerToken } from '../egress/credentials/fixed.ts';
import { noCredential } from '../egress/credentials/none.ts';
import type { SharedToken, ShareToken } from '../egress/credentials/shared-tokens.ts';
import { spiffeJwt } from '../egress/credentials/spiffe-jwt.ts';
import { tokenExchange } from '../egress/credentials/token-exchange.ts';
import { BEARER, proven, type TokenPresentation } from '../egress/credentials/token-presentation.ts';
import { createTokenSeal } from '../egress/credentials/token-seal.ts';
import { transactionToken } from '../egress/credentials/transaction-token.ts';
import type { ClientTls } from '../net/connector.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { Credential } from '../proxy/credential.ts';
import { assembleAuthentication, type ClientAuth, jwtSvids, secretOf } from './assemble-client.ts';
import type { AssembledTarget } from './assemble-upstreams.ts';
import type { Assembly } from './assembly.ts';

export interface TokenSurroundings {
  /** Undefined: this process keeps its tokens for itself. */
  readonly share: ShareToken | undefined;
  /** Where they are shared. */
  readonly store: SidecarConfig['egress']['token_store'];
  /** After every request for a token. */
  readonly onRefresh: (failed: boolean) => void;
}

/** Each caller's token is another request, so they come by the hundred. */
const MANY_CONNECTIONS = { keepAlive: true, maxSockets: 64 } as const;

export function assembleCredential(
  target: AssembledTarget,
  surroundings: TokenSurroundings,
  assembly: Assembly,
): Credential {
  const { auth } = target.config;
  switch (auth.type) {
    case 'none':
    case 'mtls':
      return noCredential();
    case 'bearer':
      return bearerToken(auth.token);
    case 'basic':
      return basicCredentials(auth.username, auth.password);
    case 'api_key':
      return apiKey(auth.header, auth.key);
    case 'spiffe_jwt': {
      const svid = jwtSvids(assembly);
      return svid === undefined ? noCredential() : spiffeJwt(() => svid([auth.audience]));
    }
    default:
      return assembleTokens(auth, target, { ...surroundings, assembly });
  }
}

interface Surroundings extends TokenSurroundings {
  readonly assembly: Assembly;
}

/** The token request shows the target's client certificate, so that the token can be bound to it (RFC 8705 section 3). */
function assembleTokens(auth: ClientAuth, { config, tls }: AssembledTarget, around: Surroundings): Credential {
  const { store, assembly } = around;
  const authentication = assembleAuthentication(auth, assembly);
  // A finding says why, and stops the start.
  if (authentication === undefined) return noCredential();
  const proof = secretOf(authentication, tls.key);
  const { cert, key } = tls;
  return assembly.components.take('credential', { url: config.url, auth, cert, key, proof, store }, () => {
    const http = createHttpClient({
      connectTo: assembly.connectTo,
      tls: cert === undefined || key === undefined ? {} : { cert, key },
      ...(auth.type === 'oauth2_client_credentials' ? {} : { connections: MANY_CONNECTIONS }),
    });
    const { prover, presentation } = assemblePresentation(auth, config.url, assembly);
    const endpoint = { tokenUrl: auth.token_url, clientId: auth.client_id, authentication, prover };
    const dependencies = { http: http.send, clock: assembly.clock };
    const credential = credentialOf(auth, { endpoint, dependencies, presentation, tls, around });
    const close = async (): Promise<void> => {
      credential.close();
      await http.close();
    };
    return { value: credential, close };
  });
}

/** One key for the process: what a token is bound to is never written down. */
function assemblePresentation(auth: ClientAuth, origin: string, { components, clock }: Assembly) {
  if (auth.type === 'transaction_token' || !auth.dpop) return { prover: undefined, presentation: BEARER };
  const prover = components.take('dpop key', undefined, () => ({ value: createDpopProver(), close: () => undefined }));
  return { prover, presentation: proven(origin, prover, clock) };
}

interface Asking {
  readonly endpoint: TokenEndpoint;
  readonly dependencies: TokenExchangeDependencies;
  readonly presentation: TokenPresentation;
  readonly tls: ClientTls;
  readonly around: Surroundings;
}

function credentialOf(auth: ClientAuth, asking: Asking): Credential {
  const { endpoint, dependencies, presentation, around } = asking;
  const options = sourceOptions(auth, around);
  if (auth.type === 'oauth2_client_credentials') return ownToken(auth, asking);
  if (auth.type === 'token_exchange') {
    const grant = grantOf(auth, endpoint);
    const exchange = (subject: string): Promise<AccessToken> => exchangeToken(grant, subject, dependencies);
    return tokenExchange(createExchangedTokens({ exchange, ...options }), presentation);
  }
  const grant = { ...endpoint, scopes: auth.scopes, trustDomain: auth.trust_domain };
  const chains = createExchangedTokens({
    exchange: (subjectToken) => beginTransaction(grant, { subjectToken }, dependencies),
    ...options,
  });
  return transactionToken({
    begin: (request) => beginTransaction(grant, request, dependencies),
    ofChain: (subjectToken, correlationId) => chains.token(subjectToken, correlationId),
    close: () => chains.close(),
  });
}

function ownToken(
  auth: Extract<ClientAuth, { type: 'oauth2_client_credentials' }>,
  { endpoint, dependencies, presentation, tls, around }: Asking,
): Credential {
  const grant = grantOf(auth, endpoint);
  const ask = (): Promise<AccessToken> => obtainToken(grant, dependencies);
  // What is bound to the key of this process is of no use to another one.
  const share = endpoint.prover === undefined ? around.share : undefined;
  const shared = share && sharedToken(grant, auth.refresh_before_expiry, tls);
  const obtain = share === undefined || shared === undefined ? ask : (refused?: string) => share(shared, ask, refused);
  return clientCredentials(createTokenSource({ obtain, ...sourceOptions(auth, around) }), presentation);
}

function grantOf(
  auth: Exclude<ClientAuth, { type: 'transaction_token' }>,
  endpoint: TokenEndpoint,
): ClientCredentialsGrant {
  return {
    ...endpoint,
    scopes: auth.scopes,
    parameters: auth.params,
    ...(auth.audience === undefined ? {} : { audience: auth.audience }),
    ...(auth.resource === undefined ? {} : { resource: auth.resource }),
  };
}

function sourceOptions(auth: ClientAuth, { onRefresh, assembly: { clock, random, logger } }: Surroundings) {
  return {
    clock,
    random,
    refreshBeforeExpirySeconds: auth.refresh_before_expiry / 1000,
    onRefresh: (failure: Problem | undefined) => {
      onRefresh(failure !== undefined);
      if (failure !== undefined) logger.warn({ code: failure.code, reason: failure.message }, 'token request failed');
    },
  };
}

/** Replicas with the same credential and certificate share a token; a certificate of its own keeps a token apart. */
function sharedToken(
  grant: ClientCredentialsGrant,
  refreshBeforeMs: number,
  { cert, key }: ClientTls,
): SharedToken | undefined {
  const { tokenUrl, clientId, authentication, scopes, audience, resource, parameters } = grant;
  const secret = secretOf(authentication, key);
  // The replicas have nothing in common that others do not know.
  if (secret === undefined) return undefined;
  const { method } = authentication;
  const scopeSet = [...new Set(scopes)].sort();
  const identity = [tokenUrl, clientId, method, scopeSet, audience, resource, parameters, cert];
  return { identity, seal: createTokenSeal(secret, JSON.stringify(identity)), refreshBeforeMs };
}
