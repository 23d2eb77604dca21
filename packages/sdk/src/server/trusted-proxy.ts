/** Whether a request came over a connection of the proxy whose word about certificates counts. */
import { BlockList, isIP } from 'node:net';
import { Problem } from '../problem.ts';
import { compileAllowedClients } from '../x509/allowed-clients.ts';
import { excerpt } from '../x509/excerpt.ts';
import type { CertificateSource, FoundCertificate } from './connection-certificate.ts';
import type { ReceivedRequest } from './received-request.ts';

export interface TrustedProxy {
  /** The proxy's own client certificate: `spiffe://…` or a whole subject. */
  readonly identities?: readonly string[];
  /** Addresses and prefixes such as `127.0.0.1` or `10.0.0.0/8`; only where nobody but the proxy can call from. */
  readonly addresses?: readonly string[];
}

/** @throws RangeError when nothing is named, or what is no address and no identity */
export function compileProxy(
  { identities = [], addresses = [] }: TrustedProxy,
  direct: CertificateSource,
): (request: ReceivedRequest) => boolean {
  if (identities.length + addresses.length === 0)
    throw new RangeError('proxiedCertificates: name the proxy, by identities or addresses');
  const listed = new BlockList();
  for (const address of addresses) addAddress(listed, address);
  const allowed = compileAllowedClients(identities);
  if (!allowed.ok)
    throw new RangeError(`proxiedCertificates: ${allowed.findings.map(({ message }) => message).join('; ')}`);
  const known = new WeakMap<FoundCertificate, boolean>();
  const isListed = (certificate: FoundCertificate): boolean => {
    try {
      return allowed.value.allows(certificate.identify(allowed.value));
    } catch (error) {
      if (error instanceof Problem) return false;
      throw error;
    }
  };
  return (request) => {
    const { remoteAddress = '' } = request;
    const address = remoteAddress.replace(/^::ffff:(?=[\d.]+$)/i, '');
    if (isIP(address) !== 0 && listed.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')) return true;
    const certificate = identities.length === 0 ? undefined : direct(request);
    if (certificate === undefined) return false;
    let trusted = known.get(certificate);
    if (trusted === undefined) known.set(certificate, (trusted = isListed(certificate)));
    return trusted;
  };
}

function addAddress(list: BlockList, text: string): void {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  const bits = prefix === undefined ? undefined : Number(prefix);
  const most = version === 6 ? 128 : 32;
  if (
    version === 0 ||
    rest.length > 0 ||
    (bits !== undefined && !(Number.isInteger(bits) && bits > 0 && bits <= most))
  ) {
    throw new RangeError(`proxiedCertificates: ${excerpt(text)} is no address, and no prefix such as 10.0.0.0/8`);
  }
  const family = version === 6 ? 'ipv6' : 'ipv4';
  if (bits === undefined) list.addAddress(address, family);
  else list.addSubnet(address, bits, family);
}
