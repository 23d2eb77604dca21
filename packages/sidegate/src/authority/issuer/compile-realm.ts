/**
 * Keycloak's realm file → the realm the endpoints use. References are resolved, secrets become digests, and what
 * cannot be honoured is a finding: a token must never carry more than Keycloak would have put into it.
 */
import { TRANSACTION_TOKEN_DRAFT } from '@sidegate/sdk';
import type { AuthenticationParts } from './compile-authentication.ts';
import { compileClients } from './compile-client.ts';
import { compileIssuers, type IssuerParts } from './compile-issuers.ts';
import { checkLifetime } from './compile-lifetime.ts';
import { compileScopes } from './compile-scope.ts';
import { compileUsers } from './compile-user.ts';
import type { FindingSink, RealmFinding } from './finding.ts';
import type { KeycloakRealm } from './keycloak-realm.ts';
import { type Client, type Realm, spiffeIdOf } from './realm.ts';
import type { Algorithms } from './signing-key.ts';

export interface CompileOptions extends AuthenticationParts, IssuerParts {
  readonly algorithms: Algorithms;
  /** For realms that set none. */
  readonly tokenLifetimeSeconds: number;
}

export interface CompiledRealm {
  readonly realm: Realm;
  /** The realm is usable only when none is an error. */
  readonly findings: readonly RealmFinding[];
}

/** One path segment that needs no encoding (RFC 3986 section 2.3). */
const REALM_NAME = /^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$/;

export function compileRealm(source: KeycloakRealm, options: CompileOptions): CompiledRealm {
  const findings: RealmFinding[] = [];
  const report: FindingSink = (path, message, severity = 'error') => {
    findings.push({ path, severity, message });
  };
  if (!REALM_NAME.test(source.realm))
    report(['realm'], 'must be letters, digits, "-", ".", "_" or "~"; it is part of URLs');

  const scopes = compileScopes(source, report);
  const { serviceAccounts, subjectIds, ...users } = compileUsers(source, options.digest, report);
  const tokenLifetimeSeconds = source.accessTokenLifespan ?? options.tokenLifetimeSeconds;
  checkLifetime(tokenLifetimeSeconds, source.attributes, (...what) => report(['accessTokenLifespan'], ...what));
  const trustDomain = compileTrustDomain(source.attributes ?? {}, report);
  const jsonTokenEndpoint = source.attributes?.['sidegate.json_token_endpoint'] === 'true';
  if (jsonTokenEndpoint) reportCompatibility(source, users.users, report);
  const inherited = { tokenLifetimeSeconds, trustDomain, scopes, serviceAccounts, jsonTokenEndpoint };
  const { clients, introspectors } = compileClients(source, { ...options, ...inherited, report });
  const lab = source.attributes?.['sidegate.lab'] === 'true';
  if (lab)
    report(['attributes', 'sidegate.lab'], 'users log in with their password here: for a laboratory only', 'warning');
  const realm: Realm = {
    name: source.realm,
    issuer: `${options.publicUrl}/realms/${source.realm}`,
    lab,
    jsonTokenEndpoint,
    longestLifetimeSeconds: Math.max(...[...clients.values()].map((client) => client.tokenLifetimeSeconds), 0),
    clients,
    introspectors,
    workloads: workloadsOf(clients, report),
    ...users,
    subjectIds: new Set([...subjectIds, ...[...clients.values()].flatMap((client) => client.serviceAccount?.id ?? [])]),
    tokenIssuers: compileIssuers(source, { ...options, report }),
    trustDomain,
  };
  return { realm, findings };
}

/** A person whose `sub` is that of a client could not be told from it. */
function reportCompatibility(source: KeycloakRealm, users: Realm['users'], report: FindingSink): void {
  const path = ['attributes', 'sidegate.json_token_endpoint'];
  report(path, 'token requests may be JSON, which no standard knows: for clients that cannot send a form', 'warning');
  const clients = new Set(source.clients?.map(({ clientId }) => clientId));
  const person = [...users.values()].find(({ id }) => clients.has(id));
  if (person !== undefined) report(path, `the user "${person.username}" has the id of a client, which is its sub here`);
}

/** Transaction tokens are a draft yet: whoever wants them says which revision. */
function compileTrustDomain(attributes: Readonly<Record<string, string>>, report: FindingSink): string | undefined {
  const draft = attributes['sidegate.transaction_tokens'];
  if (draft === undefined) return undefined;
  if (draft !== TRANSACTION_TOKEN_DRAFT) {
    report(
      ['attributes', 'sidegate.transaction_tokens'],
      `must be ${TRANSACTION_TOKEN_DRAFT}, the only revision known`,
    );
  }
  const trustDomain = attributes['sidegate.trust_domain'];
  if (trustDomain) return trustDomain;
  report(['attributes', 'sidegate.trust_domain'], 'name the trust domain, the audience of transaction tokens');
  return undefined;
}

function workloadsOf(clients: ReadonlyMap<string, Client>, report: FindingSink): ReadonlyMap<string, Client> {
  const workloads = new Map<string, Client>();
  for (const client of clients.values()) {
    const spiffeId = spiffeIdOf(client);
    if (spiffeId === undefined) continue;
    const other = workloads.get(spiffeId);
    if (other !== undefined) report(['clients'], `"${other.id}" and "${client.id}" have the same sidegate.spiffe_id`);
    workloads.set(spiffeId, client);
  }
  return workloads;
}
