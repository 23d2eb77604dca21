/** Clients of a realm file: how each authenticates, what it may ask for, how its tokens are signed. */
import { type AuthenticationParts, compileAuthentication } from './compile-authentication.ts';
import { checkLifetime } from './compile-lifetime.ts';
import { mappedAudiences } from './compile-scope.ts';
import type { FindingSink } from './finding.ts';
import type { KeycloakClient, KeycloakRealm } from './keycloak-realm.ts';
import type { Client, Scope, Subject } from './realm.ts';
import type { Algorithms, SignatureAlgorithm } from './signing-key.ts';

export interface ClientContext extends AuthenticationParts {
  /** The first one signs unless a client asks for another. */
  readonly algorithms: Algorithms;
  readonly scopes: ReadonlyMap<string, Scope>;
  /** Of clients that set none. */
  readonly tokenLifetimeSeconds: number;
  /** Absent: the realm has no transaction tokens. */
  readonly trustDomain: string | undefined;
  /** Undefined where the account is disabled. */
  readonly serviceAccounts: ReadonlyMap<string, Subject | undefined>;
  /** A client is its own `sub`. */
  readonly jsonTokenEndpoint: boolean;
  readonly report: FindingSink;
}

export interface CompiledClients {
  /** Those that may ask for tokens. */
  readonly clients: ReadonlyMap<string, Client>;
  /** Those, and services that only ask about tokens. */
  readonly introspectors: ReadonlyMap<string, Client>;
}

/** What makes a client one that exchanges something. */
const EXCHANGES = [
  'standard.token.exchange.enabled',
  'oauth2.jwt.authorization.grant.enabled',
  'sidegate.transaction_tokens',
] as const;
/** `service`, or `service:METHOD:/path` with `:name` for a segment. */
const TARGET = /^[A-Za-z0-9._-]+(?::[A-Z]+:(?:\/[A-Za-z0-9._~:-]*)+)?$/;

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
  const { bearerOnly, serviceAccountsEnabled, directAccessGrantsEnabled, attributes } = source;
  const exchanges = EXCHANGES.some((attribute) => attributes?.[attribute] === 'true');
  return bearerOnly !== true && (serviceAccountsEnabled === true || directAccessGrantsEnabled === true || exchanges);
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
  const isSet = (attribute: string): boolean => source.attributes?.[attribute] === 'true';
  const serviceAccount = source.serviceAccountsEnabled === true;
  const directAccess = source.directAccessGrantsEnabled === true;
  if (source.enabled === false || !(mayAsk(source) || mayIntrospect(source))) return undefined;
  if (EXCHANGES.some(isSet) && source.publicClient === true) {
    context.report(['publicClient'], 'a public client cannot exchange tokens; set publicClient to false');
  }
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
    tokenExchange: isSet('standard.token.exchange.enabled'),
    jwtBearer: isSet('oauth2.jwt.authorization.grant.enabled'),
    transactions: transactionsOf(source, context),
    certificateBound: isSet('tls.client.certificate.bound.access.tokens'),
    dpopBound: isSet('dpop.bound.access.tokens'),
    tokenLifetimeSeconds: compileClientLifetime(source, context),
    algorithm: compileAlgorithm(source, context),
    audiences,
    targets: compileTargets(source, context.report),
    ...scopes,
    fullScope: source.fullScopeAllowed !== false,
  };
}

function transactionsOf({ attributes }: KeycloakClient, { trustDomain, report }: ClientContext): boolean {
  if (attributes?.['sidegate.transaction_tokens'] !== 'true') return false;
  if (trustDomain === undefined) {
    report(['attributes', 'sidegate.transaction_tokens'], 'this realm has no transaction tokens: see its attributes');
  }
  return true;
}

/** Keycloak keeps several values of an attribute in one text. */
function compileTargets({ attributes }: KeycloakClient, report: FindingSink): ReadonlySet<string> {
  const targets = attributes?.['sidegate.targets']?.split('##') ?? [];
  for (const target of targets) {
    if (TARGET.test(target)) continue;
    report(
      ['attributes', 'sidegate.targets'],
      `"${target}" is neither a service nor an operation like order-service:GET:/orders/:id`,
    );
  }
  return new Set(targets);
}

function compileClientLifetime(source: KeycloakClient, { tokenLifetimeSeconds, report }: ClientContext): number {
  const text = source.attributes?.['access.token.lifespan'];
  if (!text) return tokenLifetimeSeconds;
  const seconds = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds === 0) report(['attributes', 'access.token.lifespan'], 'must be a number of seconds');
  checkLifetime(seconds, source.attributes, (...what) => report(['attributes', 'access.token.lifespan'], ...what));
  return seconds;
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
function serviceAccountOf({ clientId }: KeycloakClient, context: ClientContext): Subject | undefined {
  const { serviceAccounts, jsonTokenEndpoint } = context;
  if (serviceAccounts.has(clientId)) {
    const account = serviceAccounts.get(clientId);
    return account && jsonTokenEndpoint ? { ...account, id: clientId } : account;
  }
  const username = `service-account-${clientId}`;
  const id = jsonTokenEndpoint ? clientId : username;
  return { id, username, email: undefined, name: undefined, realmRoles: [], clientRoles: {} };
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
