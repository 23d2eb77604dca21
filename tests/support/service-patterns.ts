/** Every way in which one service can prove to another who it is, behind one interface on each side. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { memoryReplayStore } from '@sidegate/sdk';
import {
  type Credentials,
  httpSignature,
  identityFromPem,
  legacyXSignature,
  oauthClient,
  type ServiceClientOptions,
  sharedSecret,
} from '@sidegate/sdk/client';
import {
  type Authenticator,
  bearer,
  httpSignatureAuthenticator,
  legacyXSignatureAuthenticator,
  mutualTls,
  sharedSecretAuthenticator,
} from '@sidegate/sdk/server';
import {
  createServiceKeys,
  createServiceTokenIssuer,
  createServiceTokenValidator,
  publicPemKeys,
  serviceTokenAuthenticator,
  serviceTokenCredentials,
} from '@sidegate/sdk/service-tokens';
import { fixedKeys } from '@sidegate/sdk/signatures';
import { createTestAuthority, type TestAuthority } from './certificates.ts';

type Proof = Pick<ServiceClientOptions<string>, 'identity' | 'credentials'>;

export interface ServicePattern {
  readonly name: string;
  /** Whether the handshake refuses who has no proof. */
  readonly inHandshake: boolean;
  /** How `service` knows these callers, when it is called under this host. */
  verifier(service: string, callers: readonly string[], authority: string): Authenticator;
  /** What `caller` shows to `target`. */
  proof(caller: string, target: string): Proof;
}

const clock = { now: () => Date.now() };
const replay = () => memoryReplayStore({ maxEntries: 1_000, clock });

/** One value for each name, made when it is first asked for. */
function perName<Value>(make: (name: string) => Value): (name: string) => Value {
  const made = new Map<string, Value>();
  return (name) => {
    const value = made.get(name) ?? make(name);
    made.set(name, value);
    return value;
  };
}

const credentials = (proof: Credentials): Proof => ({ credentials: proof });
const tableOf = <Value>(names: readonly string[], make: (name: string) => Value): Record<string, Value> =>
  Object.fromEntries(names.map((name) => [name, make(name)]));

export const spiffeIdOf = (name: string): string => `spiffe://example.org/${name}`;

export function mutualTlsPattern(ca: TestAuthority): ServicePattern {
  const certificate = perName((name) => ca.issue({ subject: [{ CN: name }], uris: [spiffeIdOf(name)] }));
  return {
    name: 'mutual TLS',
    inHandshake: true,
    verifier: (_service, callers) =>
      mutualTls({
        allowedClients: callers.map(spiffeIdOf),
        identities: new Map(
          callers.map((name) => [spiffeIdOf(name), { clientId: name, issuer: 'none', mayForward: [] }]),
        ),
      }),
    proof: (caller) => {
      const { certPem: cert, keyPem: key } = certificate(caller);
      return { identity: identityFromPem({ cert, key, ca: ca.certPem }) };
    },
  };
}

export function serviceJwtPattern(): ServicePattern {
  const pair = perName(() => generateKeyPairSync('rsa', { modulusLength: 2048 }));
  const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' });
  return {
    name: 'a JWT with a private key',
    inHandshake: false,
    verifier: (service, callers) =>
      serviceTokenAuthenticator({
        validator: createServiceTokenValidator({
          issuers: tableOf(callers, (name) => publicPemKeys({ pem: pem(pair(name).publicKey), keyId: 'k1' })),
        }),
        expectedAudience: service,
        allowedIssuers: callers,
      }),
    proof: (caller, target) => {
      const key = { key: pair(caller).privateKey, algorithm: 'RS256', keyId: 'k1', signsFrom: 0 } as const;
      const issuer = createServiceTokenIssuer({ keys: createServiceKeys({ service: caller, keys: [key] }) });
      return credentials(serviceTokenCredentials({ issuer, service: caller, target, scopes: [] }));
    },
  };
}

export function httpSignaturePattern(): ServicePattern {
  const pair = perName(() => generateKeyPairSync('ed25519'));
  return {
    name: 'an HTTP message signature',
    inHandshake: false,
    verifier: (_service, callers, authority) =>
      httpSignatureAuthenticator({
        callers: tableOf(callers, (name) => ({
          keys: fixedKeys({ [`${name}-1`]: { algorithm: 'ed25519', key: pair(name).publicKey } }),
        })),
        authorities: [authority],
        replay: replay(),
      }),
    proof: (caller) =>
      credentials(httpSignature({ keyid: `${caller}-1`, key: { algorithm: 'ed25519', key: pair(caller).privateKey } })),
  };
}

const pairSecret = (caller: string, target: string) => ({
  reveal: () => `secret-of-${caller}-for-${target}`.padEnd(40, '-'),
});

export function legacySignaturePattern(): ServicePattern {
  return {
    name: 'an X-Signature',
    inHandshake: false,
    verifier: (service, callers) =>
      legacyXSignatureAuthenticator({
        callers: tableOf(callers, (name) => ({ secrets: [pairSecret(name, service)] })),
        covers: 'canonical_json',
        replay: replay(),
      }),
    proof: (caller, target) =>
      credentials(legacyXSignature({ service: caller, secret: pairSecret(caller, target), covers: 'canonical_json' })),
  };
}

export function sharedSecretPattern(): ServicePattern {
  return {
    name: 'a shared secret',
    inHandshake: false,
    verifier: (service, callers) =>
      sharedSecretAuthenticator({ callers: tableOf(callers, (name) => ({ secrets: [pairSecret(name, service)] })) }),
    proof: (caller, target) => credentials(sharedSecret({ secret: pairSecret(caller, target) })),
  };
}

/** @param issuer with a client for each caller, whose secret is its name behind `canary-of-`; only services have the scope `internal` */
export function clientCredentialsPattern(issuer: string): ServicePattern {
  return {
    name: 'OAuth 2 client credentials',
    inHandshake: false,
    verifier: (service) => bearer({ issuers: [issuer], audience: service, systemScopes: ['internal'] }),
    proof: (caller) => {
      const client = oauthClient({
        tokenUrl: `${issuer}/protocol/openid-connect/token`,
        clientId: caller,
        authentication: { method: 'client_secret_post', secret: { reveal: () => `canary-of-${caller}` } },
      });
      return credentials(client.clientCredentials({ scopes: [] }));
    },
  };
}

export const patternAuthority = (): TestAuthority => createTestAuthority('internal-ca');
