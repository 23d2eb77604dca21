/** Clients of a realm file: how each authenticates, what it may ask for, how its tokens are signed. */
import { type DistinguishedName, DistinguishedNameError, parseDistinguishedName } from '@sidegate/sdk';
import { mappedAudiences } from './compile-scope.ts';
import type { FindingSink } from './finding.ts';
import type { KeycloakClient, KeycloakRealm } from './keycloak-realm.ts';
import type { Client, ClientAuthentication, Scope, Subject } from './realm.ts';
import type { SecretDigest } from './secret-digest.ts';
import type { Algorithms, SignatureAlgorithm } from './signing-key.ts';

export interface ClientContext {
  readonly digest: SecretDigest;
  /** The first one signs unless a client asks for another. */
  readonly algorithms: Algorithms;
  /** Client certificates can be verified. */
  readonly clientCertificates: boolean;
  readonly scopes: ReadonlyMap<string, Scope>;
  /** Undefined where the account is disabled. */
  readonly serviceAccounts: ReadonlyMap<string, Subject | undefined>;
  readonly report: FindingSink;
}

export function compileClients(realm: KeycloakRealm, context: ClientContext): ReadonlyMap<string, Client> {
  const clients = new Map<string, Client>();
  const ids = new Set<string>();
  for (const [index, source] of (realm.clients ?? []).entries()) {
    const report: FindingSink = (path, ...what) => context.report(['clients', index, ...path], ...what);
    if (ids.has(source.clientId)) report(['clientId'], `"${source.clientId}" is defined twice`);
    ids.add(source.clientId);
    const client = compileClient(source, realm, { ...context, report });
    if (client !== undefined) clients.set(client.id, client);
  }
  return clients;
}

/** A client that may not ask for tokens (disabled, bearer-only, a resource only) is none to the token endpoint. */
function compileClient(source: KeycloakClient, realm: KeycloakRealm, context: ClientContext): Client | undefined {
  const audiences = mappedAudiences(source.protocolMappers, realm, context.report);
  const scopes = {
    defaultScopes: resolveScopes(source, 'defaultClientScopes', context),
    optionalScopes: resolveScopes(source, 'optionalClientScopes', context),
  };
  const serviceAccount = source.serviceAccountsEnabled === true;
  const directAccess = source.directAccessGrantsEnabled === true;
  if (source.enabled === false || source.bearerOnly === true || !(serviceAccount || directAccess)) return undefined;
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

function compileAuthentication(source: KeycloakClient, context: ClientContext): ClientAuthentication | undefined {
  const { report } = context;
  if (source.publicClient === true) return { method: 'none' };
  switch (source.clientAuthenticatorType ?? 'client-secret') {
    case 'client-secret':
      if (source.secret) return { method: 'secret', digest: context.digest(source.secret) };
      report(['secret'], 'a client that authenticates with client-secret needs a secret');
      return undefined;
    case 'client-x509': {
      const subject = source.attributes?.['x509.subjectdn'];
      if (source.attributes?.['x509.allow.regex.pattern.comparison'] === 'true') {
        report(
          ['attributes', 'x509.allow.regex.pattern.comparison'],
          'patterns are not supported; name the exact subject',
        );
      }
      if (!context.clientCertificates) {
        report(['clientAuthenticatorType'], 'client-x509 needs client_ca_file in the identity provider configuration');
      }
      const name = subject === undefined ? undefined : readName(subject);
      if (name !== undefined) return { method: 'certificate', subject: name };
      report(
        ['attributes', 'x509.subjectdn'],
        'name the subject of the client certificate, e.g. CN=order-service-client,O=MyOrg',
      );
      return undefined;
    }
    default:
      report(['clientAuthenticatorType'], 'must be client-secret or client-x509');
      return undefined;
  }
}

function readName(text: string): DistinguishedName | undefined {
  try {
    return parseDistinguishedName(text);
  } catch (error) {
    if (error instanceof DistinguishedNameError) return undefined;
    throw error;
  }
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
