/** Whom the ingress takes for a client by its certificate: the authorities and lists of the handshake, and who of them speaks for whom. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import { certificatesOf, loadCertificates } from '../identity/key-pair.ts';
import { loadRevocationLists, revocationListOf } from '../identity/revocation-lists.ts';
import { type Vouch, vouchedBy } from '../identity/trust-domains.ts';
import type { WorkloadIdentity } from './assemble-identity.ts';
import { type Assembly, take } from './assembly.ts';
import { bundleOf } from './trust-bundles.ts';

export interface ClientTrust {
  /** PEM; undefined: none. */
  readonly ca: string | undefined;
  /** PEM texts that the handshake looks at; undefined: none. */
  readonly lists: readonly string[] | undefined;
  /** Undefined: files say who signs clients, whatever they are called. */
  readonly vouch: Vouch | undefined;
}

export function assembleClientTrust({ http: { tls } }: SidecarConfig, assembly: Assembly): ClientTrust {
  const { client_ca_file: caFile, client_crl_file: crlFile } = tls;
  const { readFile, identity } = assembly;
  const given = crlFile === undefined ? undefined : take(loadRevocationLists(crlFile, readFile), assembly);
  if (caFile !== undefined) {
    return { ca: take(loadCertificates(caFile, readFile), assembly), lists: given, vouch: undefined };
  }
  if (tls.source === 'files' || identity === undefined) return { ca: undefined, lists: given, vouch: undefined };
  const lists = tls.client_auth === 'require' && crlFile === undefined ? identity.revocationLists : undefined;
  // OpenSSL asks for a list of every authority, and those of others publish none: ours are looked at once it is known whose client it is.
  const later = tls.client_trust_domains.length > 0;
  const others = new Map(
    tls.client_trust_domains.flatMap((name) => {
      const bundle = name === identity.trustDomain ? undefined : bundleOf(name, identity);
      return bundle === undefined ? [] : [[name, bundle] as const];
    }),
  );
  return {
    ca: [identity.bundle, ...others.values()].join('\n'),
    lists: given ?? (later ? undefined : lists),
    vouch: vouchFor(identity, others, { lists: later ? lists : undefined, assembly }),
  };
}

function vouchFor(
  { trustDomain: name, bundle }: WorkloadIdentity,
  others: ReadonlyMap<string, string>,
  { lists, assembly: { clock } }: { readonly lists: readonly string[] | undefined; readonly assembly: Assembly },
): Vouch {
  return vouchedBy({
    own: { name, authorities: certificatesOf(bundle), revocations: lists?.map(revocationListOf) },
    others: new Map(Array.from(others, ([other, pem]) => [other, { authorities: certificatesOf(pem) }] as const)),
    now: () => clock.now(),
  });
}
