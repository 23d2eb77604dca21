/** Config → what a target wants to see from us; for OAuth a source of tokens that stay fresh. */
import {
  type AccessToken,
  type ClientAuthentication,
  type ClientCredentialsGrant,
  createTokenSource,
  obtainToken,
  readAssertionKey,
} from '@sidegate/sdk';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { clientCredentials } from '../egress/credentials/client-credentials.ts';
import { apiKey, basicCredentials, bearerToken } from '../egress/credentials/fixed.ts';
import { noCredential } from '../egress/credentials/none.ts';
import type { SharedToken, ShareToken } from '../egress/credentials/shared-tokens.ts';
import { createTokenSeal } from '../egress/credentials/token-seal.ts';
import type { Credential } from '../egress/obtain-credential.ts';
import { loadPrivateKey } from '../identity/key-pair.ts';
import type { ClientTls } from '../net/connector.ts';
import { createHttpClient } from '../net/http-client.ts';
import type { AssembledTarget } from './assemble-upstreams.ts';
import { type Assembly, take } from './assembly.ts';
import type { Part } from './components.ts';

type Auth = SidecarConfig['egress']['targets'][string]['auth'];
type ClientCredentialsAuth = Extract<Auth, { type: 'oauth2_client_credentials' }>;

export interface TokenSurroundings {
  /** Undefined: this process keeps its tokens for itself. */
  readonly share: ShareToken | undefined;
  /** Where they are shared. */
  readonly store: SidecarConfig['egress']['token_store'];
  /** After every request for a token. */
  readonly onRefresh: (failed: boolean) => void;
}

export function assembleCredential(
  { config: { auth }, tls }: AssembledTarget,
  surroundings: TokenSurroundings,
  assembly: Assembly,
): Credential {
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
    default:
      return assembleClientCredentials(auth, { tls, ...surroundings }, assembly);
  }
}

/** The token request shows the target's client certificate, so that the token can be bound to it (RFC 8705 section 3). */
function assembleClientCredentials(
  auth: ClientCredentialsAuth,
  { tls, share, store, onRefresh }: TokenSurroundings & { readonly tls: ClientTls },
  assembly: Assembly,
): Credential {
  const { clock, random, logger, connectTo, components } = assembly;
  const authentication = assembleAuthentication(auth, assembly);
  // A finding says why, and stops the start.
  if (authentication === undefined) return noCredential();
  const proof = secretOf(authentication, tls.key);
  return components.take('credential', { auth, tls, proof, store }, () => open(authentication));

  function open(authentication: ClientAuthentication): Part<Credential> {
    const { cert, key } = tls;
    const http = createHttpClient({ connectTo, tls: cert === undefined || key === undefined ? {} : { cert, key } });
    const grant: ClientCredentialsGrant = {
      tokenUrl: auth.token_url,
      clientId: auth.client_id,
      authentication,
      scopes: auth.scopes,
      parameters: auth.params,
      ...(auth.audience === undefined ? {} : { audience: auth.audience }),
      ...(auth.resource === undefined ? {} : { resource: auth.resource }),
    };
    const ask = (): Promise<AccessToken> => obtainToken(grant, { http: http.send, clock });
    const shared = share && sharedToken(grant, auth.refresh_before_expiry, tls);
    const credential = clientCredentials(
      createTokenSource({
        obtain: share === undefined || shared === undefined ? ask : () => share(shared, ask),
        clock,
        random,
        refreshBeforeExpirySeconds: auth.refresh_before_expiry / 1000,
        onRefresh: (failure) => {
          onRefresh(failure !== undefined);
          if (failure !== undefined)
            logger.warn({ code: failure.code, reason: failure.message }, 'token request failed');
        },
      }),
    );
    const close = async (): Promise<void> => {
      credential.close();
      await http.close();
    };
    return { value: credential, close };
  }
}

function assembleAuthentication(auth: ClientCredentialsAuth, assembly: Assembly): ClientAuthentication | undefined {
  const { client_auth: method, client_secret: secret, private_key_file: file = '', key_id = '', issuer = '' } = auth;
  if (method === 'tls_client_auth') return { method };
  if (method === 'private_key_jwt') {
    const pem = take(loadPrivateKey(file, assembly.readFile), assembly);
    const key = pem === undefined ? undefined : readAssertionKey(pem, key_id);
    if (typeof key !== 'string') {
      return key && { method, ...key, audience: issuer, newId: () => assembly.randomHex(16) };
    }
    assembly.findings.push({ file, severity: 'error', message: key, hint: 'make a new key, for example P-256' });
    return undefined;
  }
  // INVARIANT: the schema requires a secret for these two.
  return secret && { method, secret };
}

/** Replicas with the same credential and certificate share a token; a certificate of its own keeps a token apart. */
function sharedToken(grant: ClientCredentialsGrant, refreshBeforeMs: number, { cert, key }: ClientTls): SharedToken {
  const { tokenUrl, clientId, authentication, scopes, audience, resource, parameters } = grant;
  const { method } = authentication;
  const scopeSet = [...new Set(scopes)].sort();
  const identity = [tokenUrl, clientId, method, scopeSet, audience, resource, parameters, cert];
  return { identity, seal: createTokenSeal(secretOf(authentication, key), JSON.stringify(identity)), refreshBeforeMs };
}

/** What only those can have who could ask for the token themselves. */
function secretOf(authentication: ClientAuthentication, certificateKey: string | undefined): string {
  switch (authentication.method) {
    case 'private_key_jwt':
      return authentication.key.export({ type: 'pkcs8', format: 'pem' });
    case 'tls_client_auth':
      // The schema requires a certificate, and that its key.
      return certificateKey ?? '';
    default:
      return authentication.secret.reveal();
  }
}
