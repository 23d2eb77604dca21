/**
 * Whose tokens and assertions count in a realm: its own, and those of the identity providers for which its file says so.
 * A provider that is only there for people to log in with, as Keycloak does it, is nobody here.
 */
import type { JwksSource } from '@sidegate/sdk';
import type { FindingSink } from './finding.ts';
import type { KeycloakIdentityProvider, KeycloakRealm } from './keycloak-realm.ts';
import type { TokenIssuer } from './realm.ts';

export interface IssuerParts {
  /** Scheme and authority of all endpoints, without a final slash. */
  readonly publicUrl: string;
  /** Keys of a realm of this process, by its name; undefined: there is no such realm. */
  readonly realmKeys: (realm: string) => JwksSource | undefined;
  /** Keys at a URL that the configuration names; nothing else names one. @throws TypeError when it is none for keys */
  readonly fetchKeys: (url: string) => JwksSource;
}

export function compileIssuers(
  source: KeycloakRealm,
  parts: IssuerParts & { readonly report: FindingSink },
): ReadonlyMap<string, TokenIssuer> {
  const issuers = new Map<string, TokenIssuer>();
  const own = parts.realmKeys(source.realm);
  if (own !== undefined) {
    const issuer = `${parts.publicUrl}/realms/${source.realm}`;
    issuers.set(issuer, { alias: source.realm, issuer, keys: own, exchanged: true, asserts: false });
  }
  for (const [index, provider] of (source.identityProviders ?? []).entries()) {
    const report: FindingSink = (path, ...what) => parts.report(['identityProviders', index, ...path], ...what);
    if (provider.enabled === false) continue;
    const issuer = compileIssuer(provider, { ...parts, report });
    if (issuer === undefined) continue;
    if (issuers.has(issuer.issuer)) report(['config'], 'is the issuer of another identity provider, or of this realm');
    if ([...issuers.values()].some(({ alias }) => alias === issuer.alias)) report(['alias'], 'is used already');
    issuers.set(issuer.issuer, issuer);
  }
  return issuers;
}

function compileIssuer(
  { alias, config = {} }: KeycloakIdentityProvider,
  { publicUrl, realmKeys, fetchKeys, report }: IssuerParts & { readonly report: FindingSink },
): TokenIssuer | undefined {
  const realm = config['sidegate.realm'];
  const exchanged = config['sidegate.token_exchange'] === 'true';
  const asserts = config['jwtAuthorizationGrantEnabled'] === 'true';
  if (!exchanged && !asserts) return undefined;
  if (realm !== undefined) {
    const keys = realmKeys(realm);
    if (keys !== undefined) return { alias, issuer: `${publicUrl}/realms/${realm}`, keys, exchanged, asserts };
    report(['config', 'sidegate.realm'], `there is no realm "${realm}" beside this one`);
    return undefined;
  }
  const { issuer, jwksUrl } = config;
  if (!issuer || !jwksUrl) {
    report(['config'], 'name issuer and jwksUrl, or sidegate.realm for a realm beside this one');
    return undefined;
  }
  try {
    return { alias, issuer, keys: fetchKeys(jwksUrl), exchanged, asserts };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    report(['config', 'jwksUrl'], error.message);
    return undefined;
  }
}
