/** The token service that TypeScript teams install: oidc-provider, its store in memory. Arguments: port, private key as PEM, algorithm. */
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Provider } from 'oidc-provider';

const [, , port = '', keyFile = '', algorithm = ''] = process.argv;
const RESOURCE = 'https://data-service.example.com';

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'order-service',
      client_secret: 'secret-of-the-benchmark',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_post',
      id_token_signed_response_alg: algorithm as 'RS256' | 'ES256',
    },
  ],
  scopes: ['data-service:read'],
  jwks: {
    keys: [
      { ...createPrivateKey(readFileSync(keyFile)).export({ format: 'jwk' }), alg: algorithm, use: 'sig', kid: 'k1' },
    ],
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => RESOURCE,
      getResourceServerInfo: () => ({
        scope: 'data-service:read',
        audience: 'data-service',
        accessTokenFormat: 'jwt',
        accessTokenTTL: 300,
        jwt: { sign: { alg: algorithm as 'RS256' | 'ES256' } },
      }),
    },
  },
});
provider.listen(Number(port), '127.0.0.1');
