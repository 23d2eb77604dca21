/** X.509-SVIDs from the certificate authority of this trust domain, kept by it as every certificate that it issues. */
import { createSigningRequest, type SpiffeId } from '@sidegate/sdk';
import { certificatesOf } from '../../identity/key-pair.ts';
import type { CertificateAuthority } from '../enrolment/certificate-authority.ts';
import { type Identity, identityProblems } from '../enrolment/identity.ts';
import type { SvidIssuer, SvidRequest } from './ports.ts';
import type { RegistrationEntry } from './registration.ts';

type Wanted = Pick<SvidRequest, 'id' | 'dnsNames' | 'validForMs'>;

export function enrolledIssuer(ca: CertificateAuthority): SvidIssuer {
  return {
    async issue({ privateKey, ...wanted }) {
      const identity = identityOf(wanted);
      const csr = createSigningRequest({ commonName: identity.service }, privateKey);
      const { certificate, chain } = await ca.issue(identity, { csr });
      return { chain: certificatesOf(chain).map(({ raw }) => raw), notAfter: certificate.validToDate.getTime() };
    },
  };
}

/** Why the authority would refuse it, for people. */
export function enrolmentProblems(
  { id, dnsNames, x509TtlMs }: RegistrationEntry,
  { options: { trustDomain } }: CertificateAuthority,
): readonly string[] {
  if (!IN_A_ZONE.test(id.path)) return [`the SPIFFE ID is not spiffe://${trustDomain.name}/<zone>/<service>`];
  return identityProblems(identityOf({ id, dnsNames, validForMs: x509TtlMs }), trustDomain);
}

const IN_A_ZONE = /^\/[^/]+\/[^/]+$/;

function identityOf({ id, dnsNames, validForMs }: Wanted & { readonly id: SpiffeId }): Identity {
  const [, zone = '', service = ''] = id.path.split('/');
  return { zone, service, profile: 'svid', dnsNames, ipAddresses: [], validForMs };
}
