/** Two small realms in Keycloak's shape, for tests of the issuer and of whoever trusts it. */
import type {
  KeycloakClient,
  KeycloakClientScope,
  KeycloakProtocolMapper,
  KeycloakRealm,
} from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';

export const ORDER_SECRET = 'canary-order-service-secret';
export const JOHN_PASSWORD = 'canary-password-of-john';

export function audienceMapper(audience: string): KeycloakProtocolMapper {
  return {
    name: `audience ${audience}`,
    protocolMapper: 'oidc-audience-mapper',
    config: { 'included.custom.audience': audience, 'access.token.claim': 'true' },
  };
}

function audienceScope(name: string, audience: string): KeycloakClientScope {
  return { name, protocolMappers: [audienceMapper(audience)] };
}

/** Realm `services` with the client order-service, and whatever other clients a test brings. */
export function servicesRealm(...more: readonly KeycloakClient[]): KeycloakRealm {
  return {
    realm: 'services',
    roles: {
      realm: [{ name: 'service-account' }],
      client: { 'data-service': [{ name: 'read-inventory' }, { name: 'write-orders' }, { name: 'read-orders' }] },
    },
    clientScopes: [
      audienceScope('data-service:read', 'data-service'),
      audienceScope('data-service:write', 'data-service'),
      audienceScope('data-service:write-payments', 'data-service'),
      { ...audienceScope('silent', 'data-service'), attributes: { 'include.in.token.scope': 'false' } },
    ],
    clients: [
      {
        clientId: 'order-service',
        serviceAccountsEnabled: true,
        secret: ORDER_SECRET,
        defaultClientScopes: ['data-service:read'],
        optionalClientScopes: ['data-service:write'],
      },
      { clientId: 'data-service' },
      ...more,
    ],
    users: [
      {
        id: 'id-of-order-service',
        username: 'service-account-order-service',
        serviceAccountClientId: 'order-service',
        realmRoles: ['service-account'],
        clientRoles: { 'data-service': ['read-inventory', 'write-orders', 'read-orders'] },
      },
    ],
  };
}

/** Realm `users`, a lab, with the public client web-app and the user john. */
export function usersRealm(...more: readonly KeycloakClient[]): KeycloakRealm {
  return {
    realm: 'users',
    attributes: { 'sidegate.lab': 'true' },
    roles: { realm: [{ name: 'customer' }, { name: 'orders:create' }] },
    clients: [
      {
        clientId: 'web-app',
        publicClient: true,
        directAccessGrantsEnabled: true,
        protocolMappers: ['api-gateway', 'order-service', 'payment-service'].map(audienceMapper),
      },
      ...more,
    ],
    users: [
      {
        id: 'user-123',
        username: 'john',
        email: 'john@example.com',
        firstName: 'John',
        lastName: 'Doe',
        credentials: [{ type: 'password', value: JOHN_PASSWORD }],
        realmRoles: ['customer', 'orders:create'],
      },
    ],
  };
}

/** Both realms with clients of every kind, each with a secret that no output may hold. */
export const ISSUER_REALMS: readonly KeycloakRealm[] = [
  servicesRealm(
    { clientId: 'api-gateway', serviceAccountsEnabled: true, secret: 'canary-gateway' },
    { clientId: 'login-only', directAccessGrantsEnabled: true, secret: 'canary-login' },
    { clientId: 'called', bearerOnly: true, serviceAccountsEnabled: true, secret: 'canary-called' },
    { clientId: 'retired', enabled: false, serviceAccountsEnabled: true, secret: 'canary-retired' },
    {
      clientId: 'reporting',
      serviceAccountsEnabled: true,
      secret: 'canary-reporting',
      protocolMappers: ['data-service', 'https://reports.example.com/api'].map(audienceMapper),
    },
    { clientId: 'quiet', serviceAccountsEnabled: true, secret: 'canary-quiet', defaultClientScopes: ['silent'] },
    {
      clientId: 'a:b c',
      serviceAccountsEnabled: true,
      secret: 'p+%ä:',
      protocolMappers: [audienceMapper('data-service')],
    },
  ),
  usersRealm({ clientId: 'batch', serviceAccountsEnabled: true, secret: 'canary-batch' }),
];
