/**
 * The part of a Keycloak realm file that the lab identity provider reads, so that Keycloak can import the same file.
 * Exports hold far more: unknown keys are allowed here, and only here.
 */
import { z } from 'zod';
import type { Finding } from './rule.ts';
import { secret } from './scalars.ts';

/** Marks a realm as a laboratory: only there does the password grant exist. */
const LAB_ATTRIBUTE = 'sidegate.lab';

const attributes = () => z.record(z.string(), z.string()).default({});
const names = () => z.array(z.string().min(1)).default([]);

const protocolMapper = z.looseObject({
  name: z.string().default('').describe('For people.'),
  protocolMapper: z.string().describe('`oidc-audience-mapper`; any other kind is ignored with a warning.'),
  config: z
    .record(z.string(), z.string())
    .default({})
    .describe('`included.custom.audience` or `included.client.audience`: the audience to add.'),
});

const mappers = () => z.array(protocolMapper).default([]);

const clientScope = z.looseObject({
  name: z.string().min(1).describe('The scope as requested in `scope`.'),
  attributes: attributes(),
  protocolMappers: mappers().describe('What this scope adds to a token.'),
});

const CLIENT_ATTRIBUTES = [
  'Keycloak’s: `x509.subjectdn`, the certificate of a `client-x509` client',
  '`jwks.string`, or `use.jwks.url` and `jwks.url`, the keys of a `client-jwt` client',
  '`token.endpoint.auth.signing.alg`, the only algorithm of its assertions',
  '`tls.client.certificate.bound.access.tokens` and `dpop.bound.access.tokens`, no token without that binding',
  '`access.token.signed.response.alg`',
  '`access.token.lifespan`, seconds',
  '`standard.token.exchange.enabled`, it may exchange tokens sent to it',
  '`oauth2.jwt.authorization.grant.enabled`, it may use assertions of `identityProviders` as grants. Ours: `sidegate.spiffe_id`, the SVID by which it proves itself in place of `x509.subjectdn` or keys of its own',
  '`sidegate.self_signed`, the certificate of a `client-x509` client has one of its keys, whoever signed it',
  '`sidegate.targets`, audiences (`order-service`, `order-service:GET:/orders/:id`) joined by `##`, each in a token of its own and only when it is named',
  '`sidegate.transaction_tokens`, it may ask for transaction tokens',
  '`sidegate.long_lived_tokens`, its tokens may live longer than 15 minutes.',
].join('; ');

const REALM_ATTRIBUTES = [
  `\`${LAB_ATTRIBUTE}: "true"\` allows the password grant`,
  '`sidegate.transaction_tokens`, the revision of the draft of transaction tokens to follow',
  '`sidegate.trust_domain`, their audience',
  '`sidegate.json_token_endpoint: "true"`, for old clients: token requests may be JSON, `token_type` is `bearer`, and a client’s own tokens have its id as `sub` and `client: true`',
  '`sidegate.long_lived_tokens`, tokens may live longer than 15 minutes.',
].join('; ');

const client = z.looseObject({
  clientId: z.string().min(1).max(255).describe('The name in `client_id` and `azp`.'),
  enabled: z.boolean().default(true).describe('A disabled client gets no token.'),
  bearerOnly: z.boolean().default(false).describe('Is only called by others: gets no token, whatever else is set.'),
  publicClient: z.boolean().default(false).describe('Has no credential of its own.'),
  serviceAccountsEnabled: z.boolean().default(false).describe('May use the client credentials grant.'),
  directAccessGrantsEnabled: z.boolean().default(false).describe('May use the password grant, in a lab realm.'),
  fullScopeAllowed: z.boolean().default(true).describe('`false`: tokens carry no roles; scope mappings are not read.'),
  clientAuthenticatorType: z
    .enum(['client-secret', 'client-x509', 'client-jwt'])
    .default('client-secret')
    .describe('Proves itself by secret, by certificate, or by a JWT that its key signed.'),
  secret: secret().optional().describe('Of a `client-secret` client.'),
  attributes: attributes().describe(CLIENT_ATTRIBUTES),
  protocolMappers: mappers().describe('What this client adds to a token.'),
  defaultClientScopes: names().describe('Scopes in every token of this client.'),
  optionalClientScopes: names().describe('Scopes in a token when requested.'),
});

const user = z.looseObject({
  id: z.string().min(1).optional().describe('The `sub` of this user; absent: derived from realm and name.'),
  username: z.string().min(1).describe('The name in `preferred_username`.'),
  email: z.string().optional().describe('The claim `email`.'),
  firstName: z.string().optional().describe('First part of the claim `name`.'),
  lastName: z.string().optional().describe('Last part of the claim `name`.'),
  enabled: z.boolean().default(true).describe('A disabled user gets no token.'),
  credentials: z
    .array(
      z.looseObject({
        type: z.string().describe('`password`; others are ignored.'),
        value: secret().optional().describe('The password.'),
      }),
    )
    .default([])
    .describe('How the user signs in.'),
  realmRoles: names().describe('Roles in `realm_access`.'),
  clientRoles: z
    .record(z.string(), z.array(z.string().min(1)))
    .default({})
    .describe('Client id → roles there.'),
  federatedIdentities: z
    .array(
      z.looseObject({
        identityProvider: z.string().min(1).describe('Its alias.'),
        userId: z.string().min(1).describe('The `sub` in its tokens.'),
      }),
    )
    .default([])
    .describe('What `identityProviders` call this user.'),
  serviceAccountClientId: z.string().min(1).optional().describe('This user is the service account of that client.'),
});

const identityProvider = z.looseObject({
  alias: z.string().min(1).describe('Its name in this file.'),
  enabled: z.boolean().default(true).describe('A disabled one is not trusted.'),
  config: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      '`issuer` and `jwksUrl`, or `sidegate.realm`, a realm beside this one; `sidegate.token_exchange: "true"`, its tokens are exchanged here; `jwtAuthorizationGrantEnabled: "true"`, its assertions are grants.',
    ),
});

const role = z.looseObject({ name: z.string().min(1).describe('The role as tokens name it.') });

export const realmSchema = z.looseObject({
  realm: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, 'is not a realm name')
    .describe('The name in `/realms/{realm}`.'),
  enabled: z.boolean().default(true).describe('A disabled realm does not exist.'),
  attributes: attributes().describe(REALM_ATTRIBUTES),
  accessTokenLifespan: z.int().min(1).max(86_400).optional().describe('Seconds; absent: `token_lifetime`.'),
  clients: z.array(client).default([]).describe('Who may ask for tokens.'),
  clientScopes: z.array(clientScope).default([]).describe('Scopes that clients may have.'),
  identityProviders: z
    .array(identityProvider)
    .default([])
    .describe('Issuers whose tokens are exchanged here, or whose assertions are grants, when they say so.'),
  users: z.array(user).default([]).describe('Users, and the service accounts of clients.'),
  roles: z
    .looseObject({
      realm: z.array(role).default([]).describe('Roles in `realm_access`.'),
      client: z.record(z.string(), z.array(role)).default({}).describe('Client id → roles in `resource_access`.'),
    })
    .prefault({}),
});

export type RealmConfig = z.output<typeof realmSchema>;

/** The kind of protocol mapper that the lab identity provider knows. */
const AUDIENCE_MAPPER = 'oidc-audience-mapper';

/** Mappers whose claims every token of the lab identity provider has anyway; Keycloak needs them to be named. */
const ALWAYS_MAPPED = [
  'oidc-sub-mapper',
  'oidc-full-name-mapper',
  'oidc-usermodel-attribute-mapper',
  'oidc-usermodel-realm-role-mapper',
  'oidc-usermodel-client-role-mapper',
] as const;

/** One finding for each kind of protocol mapper that is ignored. */
export function* realmWarnings(realm: RealmConfig): Generator<Finding> {
  const seen = new Set<string>([AUDIENCE_MAPPER, ...ALWAYS_MAPPED]);
  for (const list of ['clients', 'clientScopes'] as const) {
    for (const [index, { protocolMappers }] of realm[list].entries()) {
      for (const [mapper, { protocolMapper: kind }] of protocolMappers.entries()) {
        if (seen.has(kind)) continue;
        seen.add(kind);
        const path = [list, index, 'protocolMappers', mapper, 'protocolMapper'];
        const hint = `only ${AUDIENCE_MAPPER} is read`;
        yield { path, message: 'mappers of this kind are ignored', hint, code: 'no_effect' };
      }
    }
  }
}
