/** The lab identity provider inside the test process: real sockets, real keys, realms as the test writes them. */
import { randomBytes } from 'node:crypto';
import { type Clock, type DpopNonces, type JwksSource, memoryReplayStore } from '@sidegate/sdk';
import type { RevocationStore } from '../../packages/sidegate/src/authority/events/revocation-store.ts';
import type { Administrators } from '../../packages/sidegate/src/authority/issuer/administration-endpoint.ts';
import type { ClientEvent } from '../../packages/sidegate/src/authority/issuer/client-event.ts';
import type { ClientSecrets } from '../../packages/sidegate/src/authority/issuer/client-secrets.ts';
import { loadSigningKeys } from '../../packages/sidegate/src/authority/issuer/key-directory.ts';
import type { KeycloakRealm } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import type { Routes } from '../../packages/sidegate/src/authority/issuer/serve.ts';
import type { Algorithms } from '../../packages/sidegate/src/authority/issuer/signing-key.ts';
import {
  type Issuer,
  type IssuerTls,
  type OwnCertificates,
  startIssuer,
} from '../../packages/sidegate/src/authority/issuer/start.ts';
import type { TokenEvent } from '../../packages/sidegate/src/authority/issuer/token-event.ts';

export interface IdentityProviderOptions {
  readonly realms: readonly KeycloakRealm[];
  /** Absent: plain http on loopback. */
  readonly tls?: IssuerTls;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** What `iss` starts with, wherever it listens. Default: `https://keycloak.example.com`. */
  readonly publicUrl?: string;
  /** 0 (default) = any free port; a number restarts a provider where it was. */
  readonly port?: number;
  readonly algorithms?: Algorithms;
  readonly keyDirectory?: string;
  /** Endpoints beside those of the realms. */
  readonly routes?: readonly Routes[];
  /** Default: the real one. */
  readonly clock?: Clock;
  readonly clientSecrets?: ClientSecrets;
  readonly nonces?: DpopNonces;
  /** Default: no realm may name a URL. */
  readonly fetchKeys?: (url: string) => JwksSource;
  readonly trustBundles?: ReadonlyMap<string, JwksSource>;
  /** Default: it has no certificate authority. */
  readonly ownCertificates?: OwnCertificates;
  /** Default: nobody. */
  readonly administrators?: Administrators;
  /** Default: memory. */
  readonly revocationStore?: (realm: string) => Promise<RevocationStore>;
}

export interface TestIdentityProvider extends Issuer, AsyncDisposable {
  /** Every token issued and refused so far, oldest first. */
  readonly events: readonly TokenEvent[];
  /** What else its log says. */
  readonly clientEvents: readonly ClientEvent[];
}

const BOTH: Algorithms = ['RS256', 'ES256'];

export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

export async function startIdentityProvider(options: IdentityProviderOptions): Promise<TestIdentityProvider> {
  const events: TokenEvent[] = [];
  const clientEvents: ClientEvent[] = [];
  const { keyDirectory, algorithms = BOTH, ...parts } = options;
  const issuer = await startIssuer({
    host: '127.0.0.1',
    port: 0,
    publicUrl: 'https://keycloak.example.com',
    tokenLifetimeSeconds: 300,
    algorithms,
    openKeys: (realm) => loadSigningKeys(realm, algorithms, keyDirectory),
    clock: systemClock,
    random: randomBytes,
    replay: memoryReplayStore({ maxEntries: 100_000, clock: options.clock ?? systemClock }),
    fetchKeys: () => {
      throw new TypeError('this test has no keys at a URL');
    },
    ...parts,
    log: (event) => void (event.event === 'token' ? events.push(event) : clientEvents.push(event)),
  });
  return { ...issuer, events, clientEvents, [Symbol.asyncDispose]: () => issuer.close() };
}

/** Where a realm's endpoint is, on the address that the provider listens on. */
export function endpointUrl(
  provider: Issuer,
  realm: string,
  endpoint: 'token' | 'certs' | 'token/introspect' | 'revoke',
): string {
  return `${provider.url}/realms/${realm}/protocol/openid-connect/${endpoint}`;
}

/** A token request with its parameters in the body. */
export function requestToken(
  provider: Issuer,
  realm: string,
  parameters: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(endpointUrl(provider, realm, 'token'), {
    method: 'POST',
    headers,
    body: new URLSearchParams(parameters),
  });
}
