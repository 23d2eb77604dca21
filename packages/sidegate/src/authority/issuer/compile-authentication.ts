/** How a client of a realm file authenticates: Keycloak's words, and `sidegate.` attributes where Keycloak has none. */
import {
  ALGORITHM_NAMES,
  type AlgorithmName,
  createPushedJwks,
  type DistinguishedName,
  DistinguishedNameError,
  type JwksSource,
  parseDistinguishedName,
  parseSpiffeId,
  type SpiffeId,
  SpiffeIdError,
} from '@sidegate/sdk';
import type { FindingSink } from './finding.ts';
import type { KeycloakClient } from './keycloak-realm.ts';
import type { ClientAuthentication } from './realm.ts';
import type { SecretDigest } from './secret-digest.ts';

export interface AuthenticationParts {
  readonly digest: SecretDigest;
  /** Client certificates can be verified. */
  readonly clientCertificates: boolean;
  /** In which our own authority issues certificates; none: it issues none. */
  readonly zones: ReadonlySet<string>;
  /** Clients may have their secrets elsewhere than in the realm file. */
  readonly storedSecrets: boolean;
  /** Keys at a URL that the configuration names; nothing else names one. @throws TypeError when it is none for keys */
  readonly fetchKeys: (url: string) => JwksSource;
  /** The JWT bundle of a SPIFFE trust domain. */
  readonly trustBundle: (trustDomain: string) => JwksSource | undefined;
}

type Context = AuthenticationParts & { readonly report: FindingSink };

/** Undefined after a finding. */
export function compileAuthentication(source: KeycloakClient, context: Context): ClientAuthentication | undefined {
  if (source.publicClient === true) return { method: 'none' };
  switch (source.clientAuthenticatorType ?? 'client-secret') {
    case 'client-secret':
      return bySecret(source, context);
    case 'client-x509':
      return byCertificate(source, context);
    case 'client-jwt':
      return byAssertion(source, context);
    default:
      context.report(['clientAuthenticatorType'], 'must be client-secret, client-x509 or client-jwt');
      return undefined;
  }
}

function bySecret({ secret }: KeycloakClient, { digest, storedSecrets, report }: Context) {
  if (secret) return { method: 'client_secret', digest: digest(secret) } as const;
  if (storedSecrets && secret === undefined) return { method: 'client_secret', digest: undefined } as const;
  report(['secret'], 'a client that authenticates with client-secret needs a secret');
  return undefined;
}

function byCertificate(source: KeycloakClient, context: Context): ClientAuthentication | undefined {
  const { report } = context;
  const attributes = source.attributes ?? {};
  if (attributes['sidegate.self_signed'] === 'true') {
    const keys = clientKeys(attributes, context);
    return keys && { method: 'self_signed_tls_client_auth', keys };
  }
  if (!context.clientCertificates) {
    report(
      ['clientAuthenticatorType'],
      'client-x509 needs tls with client_ca_file, or with a ca of its own, in the configuration',
    );
  }
  const zone = attributes['sidegate.zone'];
  if (zone !== undefined && !context.zones.has(zone)) {
    report(['attributes', 'sidegate.zone'], `the authority has no zone "${zone}"`);
  }
  if (attributes['sidegate.spiffe_id'] !== undefined) {
    const id = readSpiffeId(attributes['sidegate.spiffe_id'], report);
    return id && { method: 'spiffe_x509', spiffeId: id.uri, zone };
  }
  if (attributes['x509.allow.regex.pattern.comparison'] === 'true') {
    report(['attributes', 'x509.allow.regex.pattern.comparison'], 'patterns are not supported; name the exact subject');
  }
  const subject = readName(attributes['x509.subjectdn']);
  if (subject !== undefined) return { method: 'tls_client_auth', subject, zone };
  report(
    ['attributes', 'x509.subjectdn'],
    'name the subject of the client certificate, e.g. CN=order-service-client,O=MyOrg, or set sidegate.spiffe_id',
  );
  return undefined;
}

function byAssertion(source: KeycloakClient, context: Context): ClientAuthentication | undefined {
  const attributes = source.attributes ?? {};
  if (attributes['sidegate.spiffe_id'] !== undefined) {
    const id = readSpiffeId(attributes['sidegate.spiffe_id'], context.report);
    if (id === undefined) return undefined;
    const keys = context.trustBundle(id.trustDomain);
    if (keys !== undefined) return { method: 'spiffe_jwt', spiffeId: id.uri, keys };
    context.report(['attributes', 'sidegate.spiffe_id'], `there is no bundle of the trust domain "${id.trustDomain}"`);
    return undefined;
  }
  const algorithms = assertionAlgorithms(attributes, context.report);
  const keys = clientKeys(attributes, context);
  return keys && { method: 'private_key_jwt', keys, algorithms };
}

function assertionAlgorithms(
  attributes: Readonly<Record<string, string>>,
  report: FindingSink,
): readonly AlgorithmName[] {
  const wanted = attributes['token.endpoint.auth.signing.alg'];
  if (!wanted) return ALGORITHM_NAMES;
  const algorithms = ALGORITHM_NAMES.filter((name) => name === wanted);
  if (algorithms.length === 0) {
    report(['attributes', 'token.endpoint.auth.signing.alg'], `must be one of ${ALGORITHM_NAMES.join(', ')}`);
  }
  return algorithms;
}

/** Keycloak's two ways to name a client's public keys: in the file, or at a URL. */
function clientKeys(
  attributes: Readonly<Record<string, string>>,
  { fetchKeys, report }: Context,
): JwksSource | undefined {
  if (attributes['use.jwks.url'] === 'true') {
    try {
      return fetchKeys(attributes['jwks.url'] ?? '');
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      report(['attributes', 'jwks.url'], error.message);
      return undefined;
    }
  }
  const text = attributes['jwks.string'];
  if (!text) {
    report(
      ['attributes', 'jwks.string'],
      'name the public keys of this client: jwks.string, or use.jwks.url and jwks.url',
    );
    return undefined;
  }
  const keys = createPushedJwks(Buffer.from(text));
  if (keys.current() !== undefined) return keys;
  report(['attributes', 'jwks.string'], keys.state().failure ?? 'has no usable key');
  return undefined;
}

function readSpiffeId(text: string, report: FindingSink): SpiffeId | undefined {
  try {
    const id = parseSpiffeId(text);
    if (id.path !== '') return id;
    report(['attributes', 'sidegate.spiffe_id'], 'names a trust domain, not a workload');
  } catch (error) {
    if (!(error instanceof SpiffeIdError)) throw error;
    report(['attributes', 'sidegate.spiffe_id'], `is not a SPIFFE ID: ${error.message}`);
  }
  return undefined;
}

function readName(text: string | undefined): DistinguishedName | undefined {
  if (text === undefined) return undefined;
  try {
    return parseDistinguishedName(text);
  } catch (error) {
    if (error instanceof DistinguishedNameError) return undefined;
    throw error;
  }
}
