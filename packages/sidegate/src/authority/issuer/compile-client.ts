/** Clients of a realm file: how each authenticates, what it may ask for, how its tokens are signed. */
import { type AuthenticationParts, compileAuthentication } from './compile-authentication.ts';
import { mappedAudiences } from './compile-scope.ts';
import type { FindingSink } from './finding.ts';
import type { KeycloakClient, KeycloakRealm } from './keycloak-realm.ts';
import type { Client, Scope, Subject } from './realm.ts';
import type { Algorithms, SignatureAlgorithm } from './signing-key.ts';

export interface ClientContext extends AuthenticationParts {
  /** The first one signs unless a client asks for another. */
  readonly algorithms: Algorithms;
  readonly scopes: ReadonlyMap<string, Scope>;
  /** Undefined where the account is disabled. */
  readonly serviceAccounts: ReadonlyMap<string, Subject | undefined>;
  readonly report: FindingSink;
}

export interface CompiledClients {
  /** Those that may ask for tokens. */
  readonly clients: ReadonlyMap<string, Client>;
  /** Those, and services that only ask about tokens. */
  readonly introspectors: ReadonlyMap<string, Client>;
}

export function compileClients(realm: KeycloakRealm, context: ClientContext): CompiledClients {
  const clients = new Map<string, Client>();
  const introspectors = new Map<string, Client>();
  const ids = new Set<string>();
  for (const [index, source] of (realm.clients ?? []).entries()) {
    const report: FindingSink = (path, ...what) => context.report(['clients', index, ...path], ...what);
    if (ids.has(source.clientId)) report(['clientId'], `"${source.clientId}" is defined twice`);
    ids.add(source.clientId);
    const client = compileClient(source, realm, { ...context, report });
    if (client === undefined) continue;
    introspectors.set(client.id, client);
    if (mayAsk(source)) clients.set(client.id, client);
  }
  return { clients, introspectors };
}

/** A client that may not ask for tokens (disabled, bearer-only, a resource only) is none to the token endpoint. */
function mayAsk(source: KeycloakClient): boolean {
  return (
    source.bearerOnly !== true && (source.serviceAccountsEnabled === true || source.directAccessGrantsEnabled === true)
  );
}

/** Whether the file says how a service that asks for no tokens would prove who it is. */
function mayIntrospect({ publicClient, secret, clientAuthenticatorType = 'client-secret' }: KeycloakClient): boolean {
  return publicClient !== true && (clientAuthenticatorType !== 'client-secret' || Boolean(secret));
}

function compileClient(source: KeycloakClient, realm: KeycloakRealm, context: ClientContext): Client | undefined {
  const audiences = mappedAudiences(source.protocolMappers, realm, context.report);
  const scopes = {
    defaultScopes: resolveScopes(source, 'defaultClientScopes', context),
    optionalScopes: resolveScopes(source, 'optionalClientScopes', context),
  };
  const serviceAccount = source.serviceAccountsEnabled === true;
  const directAccess = source.directAccessGrantsEnabled === true;
  if (source.enabled === false || !(mayAsk(source) || mayIntrospect(source))) return undefined;
  if (serviceAccount && source.publicClient === true) {
    context.report(
      ['serviceAccountsEnabled'],
      'a public client cannot have a service account; set publicClient to false',
    );
  }
  const authentication = compileAuthentication(source, context);
  if (authentication === undefined) return undefined;
  return {
    id: source.clientId,
    authentication,
    serviceAccount: serviceAccount ? serviceAccountOf(source, context) : undefined,
    directAccess,
    certificateBound: source.attributes?.['tls.client.certificate.bound.access.tokens'] === 'true',
    algorithm: compileAlgorithm(source, context),
    audiences,
    ...scopes,
    fullScope: source.fullScopeAllowed !== false,
  };
}

function compileAlgorithm(source: KeycloakClient, context: ClientContext): SignatureAlgorithm {
  const [preferred] = context.algorithms;
  const wanted = source.attributes?.['access.token.signed.response.alg'];
  if (!wanted) return preferred;
  const algorithm = context.algorithms.find((algorithm) => algorithm === wanted);
  if (algorithm === undefined) {
    const known = context.algorithms.join(' or ');
    context.report(
      ['attributes', 'access.token.signed.response.alg'],
      `must be ${known}: this provider has no other key`,
    );
  }
  return algorithm ?? preferred;
}

/** A service account that the file does not list exists all the same, without roles. */
function serviceAccountOf({ clientId }: KeycloakClient, { serviceAccounts }: ClientContext): Subject | undefined {
  if (serviceAccounts.has(clientId)) return serviceAccounts.get(clientId);
  const username = `service-account-${clientId}`;
  return { id: username, username, email: undefined, name: undefined, realmRoles: [], clientRoles: {} };
}

function resolveScopes(
  source: KeycloakClient,
  key: 'defaultClientScopes' | 'optionalClientScopes',
  context: ClientContext,
): readonly Scope[] {
  return (source[key] ?? []).flatMap((name, index) => {
    const scope = context.scopes.get(name);
    if (scope === undefined) context.report([key, index], `client scope "${name}" is not defined under clientScopes`);
    return scope === undefined ? [] : [scope];
  });
}
