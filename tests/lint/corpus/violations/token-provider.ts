import * as oauth from 'oauth4webapi';

interface Cached {
  readonly value: string;
  readonly until: number;
}

const cache = new Map<string, Cached>();
const issuer = new URL('https://idp.example.com/realms/main');

const client: oauth.Client = { client_id: 'reporting' };
const authentication = oauth.ClientSecretPost('9f2c7be0-reporting'); // finds: no-hardcoded-client-secret

export async function tokenFor(domain: string): Promise<string> {
  const hit = cache.get(domain);
  if (hit && hit.until > Date.now()) return hit.value;
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
  const parameters = new URLSearchParams();
  parameters.set('scope', `${domain}:*`); // finds: no-broad-scope
  const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters);
  const { access_token, expires_in = 60 } = await oauth.processClientCredentialsResponse(server, client, response);
  cache.set(domain, { value: access_token, until: Date.now() + (expires_in - 10) * 1000 }); // finds: no-manual-token-cache
  return access_token;
}

export const everything = {
  grant_type: 'client_credentials',
  client_id: 'reporting',
  scope: 'orders:read orders:write payment:charge payment:refund', // finds: no-broad-scope
};
