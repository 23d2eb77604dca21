/** Realm `users` whose users log in, realm `services` that takes their tokens, and a partner whose tokens it takes as well. */
import { createPushedJwks, type DpopNonces, type JwksSource } from '@sidegate/sdk';
import type { KeycloakClient, KeycloakRealm } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import type { IssuerTls } from '../../packages/sidegate/src/authority/issuer/start.ts';
import { requestToken, startIdentityProvider, type TestIdentityProvider } from './identity-provider.ts';
import { audienceMapper } from './realms.ts';
import { createSigningKey, keySetBytes, type MintOptions, mint, type SigningKey } from './tokens.ts';

export const SERVICES = 'https://keycloak.example.com/realms/services';
export const PARTNER = 'https://partner.example.com';
/** Users may log in with it, as far as Keycloak is concerned; the partner's keys are its keys, too. */
export const LOGIN = 'https://login.example.com';
export const TRUST_DOMAIN = 'example.org';
export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:';

const EXCHANGES = { 'standard.token.exchange.enabled': 'true' };
const TRANSACTIONS = { ...EXCHANGES, 'sidegate.transaction_tokens': 'true' };
const SCOPES = ['orders:read', 'orders:create', 'payments:create'];

function service(clientId: string, audience: string, attributes: Record<string, string>): KeycloakClient {
  return {
    clientId,
    serviceAccountsEnabled: true,
    secret: `canary-${clientId}`,
    attributes,
    protocolMappers: [audienceMapper(audience)],
    optionalClientScopes: ['orders:read', 'orders:create'],
  };
}

const users: KeycloakRealm = {
  realm: 'users',
  attributes: { 'sidegate.lab': 'true' },
  roles: { realm: [{ name: 'customer' }] },
  clientScopes: SCOPES.map((name) => ({ name })),
  clients: [
    {
      clientId: 'web-app',
      publicClient: true,
      directAccessGrantsEnabled: true,
      protocolMappers: [audienceMapper('api-gateway')],
      defaultClientScopes: SCOPES,
    },
  ],
  users: [
    {
      id: 'user-123',
      username: 'john',
      email: 'john@example.com',
      credentials: [{ type: 'password', value: 'canary-john' }],
      realmRoles: ['customer'],
    },
  ],
};

const services: KeycloakRealm = {
  realm: 'services',
  attributes: {
    'sidegate.transaction_tokens': 'draft-ietf-oauth-transaction-tokens-10',
    'sidegate.trust_domain': TRUST_DOMAIN,
  },
  roles: { realm: [{ name: 'customer' }] },
  clientScopes: SCOPES.map((name) => ({ name })),
  identityProviders: [
    { alias: 'users', config: { 'sidegate.realm': 'users', 'sidegate.token_exchange': 'true' } },
    {
      alias: 'partner',
      config: {
        issuer: PARTNER,
        jwksUrl: `${PARTNER}/keys`,
        'sidegate.token_exchange': 'true',
        jwtAuthorizationGrantEnabled: 'true',
      },
    },
    { alias: 'login', config: { issuer: LOGIN, jwksUrl: `${LOGIN}/keys` } },
  ],
  clients: [
    service('api-gateway', 'order-service', TRANSACTIONS),
    service('order-service', 'payment-service', TRANSACTIONS),
    service('payment-service', 'data-service', TRANSACTIONS),
    service('data-service', 'archive', { ...TRANSACTIONS, 'access.token.lifespan': '900' }),
    service('archive', 'api-gateway', TRANSACTIONS),
    service('plain', 'order-service', {}),
    service('bearer', 'order-service', { 'oauth2.jwt.authorization.grant.enabled': 'true' }),
  ],
  users: [
    {
      id: 'jane-here',
      username: 'jane',
      realmRoles: ['customer'],
      federatedIdentities: [{ identityProvider: 'partner', userId: 'jane-there' }],
    },
    { id: 'local-user', username: 'local' },
  ],
};

export interface BridgedRealms extends AsyncDisposable {
  readonly provider: TestIdentityProvider;
  readonly partnerKey: SigningKey;
  /** A token of the partner for the gateway, changed; undefined removes a claim. */
  readonly partnerToken: (changes?: object, options?: Partial<MintOptions>) => string;
  /** John's token for the gateway. */
  readonly userToken: (scope?: string) => Promise<string>;
  readonly ask: (client: string, form: Readonly<Record<string, string>>) => Promise<TokenAnswer>;
  /** A token exchange; the subject token is an access token unless told otherwise. */
  readonly exchange: (
    client: string,
    subjectToken: string,
    form?: Readonly<Record<string, string>>,
  ) => Promise<TokenAnswer>;
}

export interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, string | number>>;
  /** Of the token, when there is one. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export interface BridgedOptions {
  /** More clients of realm `services`. */
  readonly clients?: readonly KeycloakClient[];
  readonly nonces?: DpopNonces;
  readonly tls?: IssuerTls;
}

export async function startBridgedRealms({ clients = [], ...options }: BridgedOptions = {}): Promise<BridgedRealms> {
  const partnerKey = createSigningKey('ES256', 'partner');
  const partnerKeys = createPushedJwks(keySetBytes(partnerKey.jwk()));
  // each look at it is in another minute, so that the limit of failures is never reached
  let minutes = 0;
  const provider = await startIdentityProvider({
    algorithms: ['ES256'],
    realms: [users, { ...services, clients: [...(services.clients ?? []), ...clients] }],
    ...options,
    clock: { now: () => Date.now(), monotonic: () => 60_000 * minutes++ },
    fetchKeys: (): JwksSource => partnerKeys,
  });
  const request = async (realm: string, form: Readonly<Record<string, string>>): Promise<TokenAnswer> => {
    const response = await requestToken(provider, realm, form);
    const body = (await response.json()) as TokenAnswer['body'];
    return { status: response.status, body, claims: claimsOf(body['access_token']) };
  };
  const ask: BridgedRealms['ask'] = (client, form) =>
    request('services', { client_id: client, client_secret: `canary-${client}`, ...form });
  return {
    provider,
    partnerKey,
    partnerToken: (changes = {}, options = {}) => {
      const now = Math.floor(Date.now() / 1000);
      const claims = { iss: PARTNER, sub: 'their-user', aud: 'api-gateway', iat: now, exp: now + 60, ...changes };
      return mint({ scope: 'orders:read', jti: 'x', ...claims }, { key: partnerKey, ...options });
    },
    userToken: async (scope = 'orders:read orders:create') => {
      const login = { grant_type: 'password', client_id: 'web-app', username: 'john', password: 'canary-john' };
      const { body } = await request('users', { ...login, scope });
      return String(body['access_token']);
    },
    ask,
    exchange: (client, subjectToken, form = {}) =>
      ask(client, {
        grant_type: EXCHANGE,
        subject_token: subjectToken,
        subject_token_type: `${TOKEN_TYPE}access_token`,
        ...form,
      }),
    [Symbol.asyncDispose]: () => provider.close(),
  };
}

function claimsOf(token: string | number | undefined): Record<string, unknown> {
  const [, payload] = String(token ?? '').split('.');
  return payload === undefined
    ? {}
    : (JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>);
}
