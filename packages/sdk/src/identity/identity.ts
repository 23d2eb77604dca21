/** Who a service is on its connections: a certificate with its key, from wherever it comes and however often it changes. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { Problem } from '../problem.ts';
import type { TlsIdentity } from '../runtime/verified-tls.ts';
import type { Watched } from '../workload-api/watched.ts';
import type { X509Context } from '../workload-api/x509-context.ts';

export interface PemIdentity extends TlsIdentity {
  /** PEM: the certificate of this service, then its intermediates. */
  readonly cert: string;
  /** PEM, not encrypted. */
  readonly key: string;
}

export interface Identity {
  /**
   * What new connections show, of clients and of servers: the same object until it changes.
   * Rejects with Problem `not_ready` when there is none that could be shown.
   */
  current(): Promise<PemIdentity>;
}

/**
 * A certificate and its key as values.
 *
 * @throws TypeError when they do not belong together
 */
export function identityFromPem(identity: PemIdentity): Identity {
  const wrong = findingOf(identity);
  if (wrong !== undefined) throw new TypeError(`the identity cannot be used: ${wrong}`);
  return { current: () => Promise.resolve(identity) };
}

/**
 * The identity that a Workload API told last, with the authorities of the trust domain of whom is called.
 *
 * @param trustDomain of the servers; by default the own one
 */
export function identityFromWorkloadApi(watched: Watched<X509Context>, trustDomain?: string): Identity {
  let told: X509Context | undefined;
  let shown: PemIdentity | undefined;
  return {
    async current() {
      const context = watched.current() ?? (await watched.first());
      if (context === told && shown !== undefined) return shown;
      const [{ cert, key, id }] = context.svids;
      const trusted = trustDomain ?? id.trustDomain;
      const ca = context.bundles.get(trusted);
      // No bundle must not become Node's own authorities.
      if (ca === undefined) throw new Problem('not_ready', `the Workload API has no bundle of ${trusted}`);
      told = context;
      shown = { cert, key, ca };
      return shown;
    },
  };
}

/** @returns what is wrong with it, without a word of what it holds */
export function findingOf({ cert, key, ca }: PemIdentity): string | undefined {
  try {
    const certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(key))) return 'the key is not that of the certificate';
  } catch {
    return 'certificate or key is not PEM, or the key is encrypted';
  }
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    return 'there is no authority in the trust bundle';
  return undefined;
}
