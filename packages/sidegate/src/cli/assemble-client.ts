/** Config → how this service proves at a token endpoint which client it is. */
import { type ClientAuthentication, readAssertionKey } from '@sidegate/sdk';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { loadPrivateKey } from '../identity/key-pair.ts';
import type { WorkloadIdentity } from './assemble-identity.ts';
import { type Assembly, take } from './assembly.ts';

type Auth = SidecarConfig['egress']['targets'][string]['auth'];
/** Those that ask a token endpoint. */
export type ClientAuth = Extract<Auth, { type: 'oauth2_client_credentials' | 'token_exchange' | 'transaction_token' }>;

/** Undefined after a finding was noted. */
export function assembleAuthentication(auth: ClientAuth, assembly: Assembly): ClientAuthentication | undefined {
  const { client_auth: method, client_secret: secret, private_key_file: file = '', key_id = '', issuer = '' } = auth;
  if (method === 'tls_client_auth') return { method };
  if (method === 'spiffe_jwt') {
    const svid = jwtSvids(assembly);
    return svid && { method, assertion: () => svid([issuer]) };
  }
  if (method === 'private_key_jwt') {
    const pem = take(loadPrivateKey(file, assembly.readFile), assembly);
    const key = pem === undefined ? undefined : readAssertionKey(pem, key_id);
    if (typeof key !== 'string') {
      return key && { method, ...key, audience: issuer, newId: () => assembly.randomHex(16) };
    }
    assembly.findings.push({ file, severity: 'error', message: key, hint: 'make a new key, for example P-256' });
    return undefined;
  }
  // INVARIANT: the schema requires a secret for these two.
  return secret && { method, secret };
}

/** Undefined after a finding was noted: it stops the start. */
export function jwtSvids({ identity, findings }: Assembly): WorkloadIdentity['jwtSvid'] {
  // Why there is no identity at all has been said.
  if (identity === undefined || identity.jwtSvid !== undefined) return identity?.jwtSvid;
  const message = 'gives no JWT-SVID';
  findings.push({ file: 'workload_api', severity: 'error', message, hint: 'it is the only source of spiffe_jwt' });
  return undefined;
}

/** What only those can have who could ask for the token themselves; undefined: nothing that others know too. */
export function secretOf(authentication: ClientAuthentication, certificateKey: string | undefined): string | undefined {
  switch (authentication.method) {
    case 'private_key_jwt':
      return authentication.key.export({ type: 'pkcs8', format: 'pem' });
    case 'tls_client_auth':
      return certificateKey;
    case 'spiffe_jwt':
      return undefined;
    default:
      return authentication.secret.reveal();
  }
}
