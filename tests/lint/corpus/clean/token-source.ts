import * as oauth from 'oauth4webapi';
import { cachedTokens } from './cached-tokens.js';

const issuer = new URL('https://idp.example.com/realms/main');

interface Settings {
  readonly clientId: string;
  readonly privateKey: CryptoKey;
}

/** Asks for a token, once for each operation; keeping and renewing it is the source's work. */
export class TokenSource {
  private readonly source;

  constructor({ clientId, privateKey }: Settings) {
    const client: oauth.Client = { client_id: clientId };
    this.source = cachedTokens(async (scope: string) => {
      const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
      const parameters = new URLSearchParams({ scope, audience: 'warehouse-service' });
      const response = await oauth.clientCredentialsGrantRequest(server, client, oauth.PrivateKeyJwt(privateKey), parameters);
      return oauth.processClientCredentialsResponse(server, client, response);
    });
  }

  token(scope: string): Promise<string> {
    return this.source.get(scope);
  }
}

/** For people who log in: what OpenID Connect calls scopes are no operations. */
export const login = { client_id: 'web-shop', response_type: 'code', scope: 'openid profile email offline_access' };
