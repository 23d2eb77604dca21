/** oidc-provider, an issuer of others: order-service of it gets tokens for data-service. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';
import { freePort } from './free-port.ts';
import { createSigningKey } from './tokens.ts';

export const OIDC_SECRET = 'secret-at-oidc-provider';

export interface OidcProviderOptions {
  /** Asks for a nonce in each DPoP proof. */
  readonly nonces?: boolean;
}

export interface OidcProvider extends AsyncDisposable {
  readonly issuer: string;
}

export async function startOidcProvider({ nonces = false }: OidcProviderOptions = {}): Promise<OidcProvider> {
  const port = await freePort();
  const issuer = `http://127.0.0.1:${port}`;
  const key = createSigningKey('RS256', 'theirs');
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'order-service',
        client_secret: OIDC_SECRET,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    scopes: ['data-service:read'],
    jwks: { keys: [{ ...key.privateKey.export({ format: 'jwk' }), kid: 'theirs', alg: 'RS256', use: 'sig' }] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      ...(nonces ? { dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true } } : {}),
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'https://data-service.example.com',
        getResourceServerInfo: () => ({
          scope: 'data-service:read',
          audience: 'data-service',
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
        }),
      },
    },
  });
  const handle = provider.callback();
  const server: Server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  assert.equal((server.address() as AddressInfo).port, port);
  return {
    issuer,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
