/** The trust domains that a configuration names, and their bundles, as the source of our identity has them now. */
import type { TrustDomainState } from '../admin/health.ts';
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { WorkloadIdentity } from './assemble-identity.ts';

/** PEM; undefined: there is none, so nobody of that trust domain is trusted. */
export function bundleOf(
  trustDomain: string,
  { trustDomain: own, bundle, federated }: Pick<WorkloadIdentity, 'trustDomain' | 'bundle' | 'federated'>,
): string | undefined {
  return trustDomain === own ? bundle : federated.get(trustDomain);
}

export function namedTrustDomains(
  { http, proxy, egress }: SidecarConfig,
  identity: WorkloadIdentity | undefined,
): readonly TrustDomainState[] {
  const clients = proxy.enabled ? http.tls.client_trust_domains : [];
  const targets = Object.values(egress.targets).flatMap(({ trust_domain: name }) => name ?? []);
  return [...new Set([...clients, ...targets])].map((name) => ({
    name,
    known: identity !== undefined && bundleOf(name, identity) !== undefined,
  }));
}
