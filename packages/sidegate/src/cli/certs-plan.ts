/** From lab.yaml to the certificates that its zones need. */
import type { PkiPlan } from '../authority/ca/plan.ts';
import type { LabConfig } from '../config/schema/lab.ts';

/** The folder of the identity provider's certificates, and the name of its authority. */
const IDENTITY_PROVIDER = 'keycloak';

/** One authority for each zone of the services, and one for the identity provider. */
export function pkiPlan(lab: LabConfig): PkiPlan {
  const addressesOf = (host: string): string[] => [lab.hosts[host]].filter((address) => address !== undefined);
  return {
    organization: lab.organization,
    trustDomain: lab.trust_domain,
    keyAlgorithm: lab.certificates.key_algorithm,
    validForMs: lab.certificates.valid_for,
    zones: [...new Set(lab.services.map(({ zone }) => zone))],
    services: lab.services.map(({ directory, name, zone, host, calls_zone }) => ({
      directory,
      name,
      zone,
      hosts: [host],
      addresses: addressesOf(host),
      callsZones: calls_zone === undefined ? [] : [calls_zone],
    })),
    extraAuthorities: [
      {
        name: IDENTITY_PROVIDER,
        hosts: [lab.identity_provider.host],
        addresses: addressesOf(lab.identity_provider.host),
      },
    ],
  };
}
