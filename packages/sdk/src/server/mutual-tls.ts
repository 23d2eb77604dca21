/** Client certificates as proof of who calls: TLS verified chain and key, here stands whose it is and whether that one may call. */
import { Problem } from '../problem.ts';
import type { CheckedPeer } from '../revocation/revocation-check.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import { type AllowedClients, compileAllowedClients } from '../x509/allowed-clients.ts';
import { formatDistinguishedName, singleAttributes } from '../x509/distinguished-name.ts';
import { type ClientBinding, compileIdentities, type IdentityLookup } from '../x509/identities.ts';
import type { Compiled } from '../x509/identity-entry.ts';
import type { PeerIdentity } from '../x509/peer.ts';
import type { Authenticator } from './authenticator.ts';
import { type CertificateSource, connectionCertificates, type FoundCertificate } from './connection-certificate.ts';
import type { FollowedRevocations } from './follow-revocations.ts';
import type { Principal } from './principal.ts';
import { SYSTEM_ROLE } from './roles.ts';

export interface MutualTlsOptions {
  /** Who may call: `spiffe://…`, or a whole subject such as `CN=…,O=…`. */
  readonly allowedClients: readonly string[];
  /** Which OAuth client each of them is, and whose tokens it may pass on; needed where SPIFFE IDs stand beside tokens. */
  readonly identities?: ReadonlyMap<string, ClientBinding>;
  /** The connections' own by default; `proxiedCertificates` behind a proxy that ends TLS. */
  readonly certificates?: CertificateSource;
  /** Who is asked whether the caller was revoked; by default nobody. */
  readonly revocations?: FollowedRevocations;
  readonly runtime?: Pick<Runtime, 'clock'>;
}

interface Known {
  readonly principal: Principal;
  readonly peer: CheckedPeer;
  readonly notAfter: number;
}

/**
 * Accepts the listed clients. The server asks for certificates (`requestCert: true`) of an authority of ours.
 *
 * @throws RangeError when the lists are empty or hold what is no identity
 * @example
 * ```ts
 * import { mutualTls } from '@sidegate/sdk/server';
 *
 * const mesh = mutualTls({ allowedClients: ['spiffe://acme.com/ns/production/sa/order-service'] });
 * ```
 */
export function mutualTls(options: MutualTlsOptions): Authenticator {
  const { certificates = connectionCertificates(), revocations, runtime = systemRuntime() } = options;
  if (options.allowedClients.length === 0) throw new RangeError('mutualTls: name who may call, in allowedClients');
  const allowed = compiled(compileAllowedClients(options.allowedClients), 'allowedClients');
  const identities = options.identities && compiled(compileIdentities(options.identities), 'identities');
  const seen = new WeakMap<FoundCertificate, Known>();
  return {
    authenticate(request) {
      const certificate = certificates(request);
      if (certificate === undefined) {
        const detail = 'Client certificate required';
        throw new Problem('client_certificate_missing', 'the request came without a verified certificate', { detail });
      }
      let known = seen.get(certificate);
      if (known === undefined) seen.set(certificate, (known = identify(certificate, allowed, identities)));
      if (known.notAfter <= runtime.clock.now()) {
        throw new Problem('peer_certificate_expired', 'the client certificate expired while the connection was open');
      }
      revocations?.requireKnown();
      revocations?.checkPeer(known.peer);
      return known.principal;
    },
    close: () => revocations?.close(),
  };
}

function identify(certificate: FoundCertificate, allowed: AllowedClients, identities?: IdentityLookup): Known {
  const identity = certificate.identify(allowed);
  const name = identity.spiffeId?.uri ?? formatDistinguishedName(identity.subject);
  if (!allowed.allows(identity)) throw new Problem('peer_not_allowed', `${name} is not in allowedClients`);
  const binding = identities?.(identity);
  const { notBefore, notAfter } = identity;
  const peer = { spiffeId: identity.spiffeId?.uri, binding, notBefore };
  return { principal: principalOf(identity, binding), peer, notAfter };
}

/** Known by the name of its client, else by its SPIFFE ID, else by the common name of its listed subject. */
function principalOf(identity: PeerIdentity, binding: ClientBinding | undefined): Principal {
  const spiffeId = identity.spiffeId?.uri;
  const name = binding?.clientId ?? spiffeId ?? identity.commonName ?? formatDistinguishedName(identity.subject);
  return Object.freeze<Principal>({
    proofs: ['mtls'],
    service: { name, spiffeId },
    user: undefined,
    scopes: [],
    roles: [SYSTEM_ROLE],
    claims: undefined,
    certificate: { spiffeId, subject: singleAttributes(identity.subject), binding },
  });
}

function compiled<T>(result: Compiled<T>, option: string): T {
  if (result.ok) return result.value;
  const findings = result.findings.map(({ entry, message }) => `${entry}: ${message}`);
  throw new RangeError(`mutualTls: ${option} has entries that are no identities: ${findings.join('; ')}`);
}
