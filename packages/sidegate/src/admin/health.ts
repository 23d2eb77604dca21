/** What the process says about its own state: alive, ready, and why not. */
import type { JwksState, RevocationCheck } from '@sidegate/sdk';

/** What the answers are made of; read at each question. */
export interface HealthSources {
  readonly service: string;
  /** The issuers whose tokens are accepted, by name. */
  readonly issuers: () => readonly IssuerState[];
  /** Those beside its own whose workloads are to be trusted. */
  readonly trustDomains: () => readonly TrustDomainState[];
  /** There is a policy, or one that stands in for it. */
  readonly policyLoaded: () => boolean;
  /** Undefined: nobody tells what was revoked. */
  readonly revocations: () => RevocationCheck | undefined;
  /** It stops: nothing new should be sent here. */
  readonly draining: () => boolean;
  /** The last audit records were kept. */
  readonly auditAvailable: () => boolean;
  readonly uptimeSeconds: () => number;
}

export interface IssuerState {
  readonly name: string;
  readonly keys: () => JwksState;
}

export interface TrustDomainState {
  readonly name: string;
  /** There is a bundle; without it nobody of that trust domain is trusted, and others are served. */
  readonly known: boolean;
}

/** Why nothing should be sent here. */
export interface Unready {
  readonly code:
    | 'keys_missing'
    | 'store_unavailable'
    | 'policy_missing'
    | 'revocations_unknown'
    | 'draining'
    | 'worker_silent';
  readonly issuer?: string;
  readonly detail: string;
}

export interface Readiness {
  readonly status: 'ready' | 'not_ready';
  readonly reasons: readonly Unready[];
}

export function readinessOf({ issuers, policyLoaded, revocations, draining }: HealthSources): Readiness {
  const reasons: Unready[] = [];
  if (draining()) reasons.push({ code: 'draining', detail: 'the sidecar stops' });
  if (!policyLoaded()) reasons.push({ code: 'policy_missing', detail: 'no policy bundle is loaded yet' });
  for (const { name, keys } of issuers()) {
    const { keySet, failure } = keys();
    if (keySet === undefined) reasons.push({ code: 'keys_missing', issuer: name, detail: failure ?? 'not loaded yet' });
  }
  const unknown = revocations()?.unavailable;
  if (unknown !== undefined) {
    reasons.push({ code: 'revocations_unknown', issuer: unknown, detail: 'it is not known what was revoked' });
  }
  return { status: reasons.length === 0 ? 'ready' : 'not_ready', reasons };
}

/** What a person wants to know who looks into a process; it judges nothing. */
export function detailsOf(sources: HealthSources): Readonly<Record<string, unknown>> {
  return {
    service: sources.service,
    uptime_seconds: Math.round(sources.uptimeSeconds()),
    issuers: sources.issuers().map(({ name, keys }) => {
      const { keySet, failure } = keys();
      return { name, keys: keySet?.keys.length ?? 0, ...(failure === undefined ? {} : { failure }) };
    }),
    trust_domains: sources.trustDomains(),
    revocations: (sources.revocations()?.states() ?? []).map(({ issuer, available, entries, connected }) => ({
      issuer,
      entries,
      connected,
      known: available,
    })),
    audit: { available: sources.auditAvailable() },
  };
}
