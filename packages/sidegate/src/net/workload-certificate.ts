/** Of which trust domain a certificate is an X.509-SVID (X509-SVID section 5.2): one URI, in a certificate that is no authority's. */
import { parseSpiffeId, readCertificate } from '@sidegate/sdk';

/** @param der whose chain was verified; undefined: it is none */
export function trustDomainIn(der: Buffer): string | undefined {
  try {
    const { isAuthority, subjectAltNames } = readCertificate(der);
    const [only, another] = subjectAltNames.filter(({ kind }) => kind === 'uri');
    if (isAuthority || only === undefined || another !== undefined) return undefined;
    return parseSpiffeId(only.value).trustDomain;
  } catch {
    return undefined;
  }
}
