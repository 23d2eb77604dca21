/**
 * Each trust domain speaks for its own workloads alone (X509-SVID section 5.2). A handshake knows one list of authorities and cannot tell
 * which of them a SPIFFE ID needs, so the certificate that it accepted is followed once more, to the bundle of its ID's trust domain.
 */
import type { X509Certificate } from 'node:crypto';
import { Problem, type RevocationList } from '@sidegate/sdk';
import { certificationPath } from './certification-path.ts';
import { requireUnrevoked } from './revocation-lists.ts';

export interface TrustDomain {
  readonly authorities: readonly X509Certificate[];
  /** Of all of its authorities; undefined: none are looked at here. */
  readonly revocations?: readonly RevocationList[] | undefined;
}

export interface TrustDomains {
  /** Speaks also for certificates without a SPIFFE ID. */
  readonly own: TrustDomain & { readonly name: string };
  /** The others that are let in, by name. */
  readonly others: ReadonlyMap<string, TrustDomain>;
  readonly now: () => number;
}

/** @throws Problem `peer_identity_invalid` */
export type Vouch = (certificate: X509Certificate, trustDomain: string | undefined) => void;

export function vouchedBy({ own, others, now }: TrustDomains): Vouch {
  return (certificate, trustDomain = own.name) => {
    const vouching = trustDomain === own.name ? own : others.get(trustDomain);
    if (vouching === undefined) {
      throw new Problem('peer_identity_invalid', `the trust domain ${trustDomain} is not one that is let in`);
    }
    const at = now();
    const authorities = vouching.authorities.filter((authority) => authority.ca && isValidAt(authority, at));
    const path = certificationPath(certificate, authorities);
    if (path === undefined || !path.every((each) => isValidAt(each, at))) {
      throw new Problem('peer_identity_invalid', `no authority of ${trustDomain} vouches for the client certificate`);
    }
    for (const each of path) if (vouching.revocations !== undefined) requireUnrevoked(each, vouching.revocations, at);
  };
}

function isValidAt({ validFromDate, validToDate }: X509Certificate, at: number): boolean {
  return validFromDate.getTime() <= at && at < validToDate.getTime();
}
