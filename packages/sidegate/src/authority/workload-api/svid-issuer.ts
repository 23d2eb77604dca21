/** X.509-SVIDs from a certificate authority, with whatever stands between it and the trust bundle. */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '@sidegate/sdk';
import { type Issuer, issueBelow } from '../ca/issue.ts';
import type { SvidIssuer } from './ports.ts';

export interface SvidAuthority {
  readonly issuer: Issuer;
  /** From the issuer's own certificate upwards, without those of the bundle. */
  readonly intermediates: readonly X509Certificate[];
}

const MAX_NAME_CHARACTERS = 64;

/** @param current asked anew for each, so that authorities can follow each other */
export function svidIssuer(current: () => SvidAuthority, clock: Clock): SvidIssuer {
  return {
    async issue({ id, publicKey, dnsNames, validForMs }) {
      const { issuer, intermediates } = current();
      const request = {
        profile: 'svid',
        // For people; the identity is the URI name alone.
        commonName: id.path.slice(id.path.lastIndexOf('/') + 1).slice(0, MAX_NAME_CHARACTERS),
        organization: id.trustDomain.slice(0, MAX_NAME_CHARACTERS),
        dnsNames,
        ipAddresses: [],
        spiffeIds: [id.uri],
        validForMs,
      } as const;
      const leaf = await issueBelow(request, publicKey, issuer, clock.now());
      return { chain: [leaf, ...intermediates].map(({ raw }) => raw), notAfter: leaf.validToDate.getTime() };
    },
  };
}
