/**
 * Addresses that a name must never lead to, RFC 6890: this machine, its link with what answers there (cloud metadata), everybody
 * at once, and IPv6 spellings of all that. Whoever answers for a name could otherwise make us its way inside.
 */
import net, { BlockList, isIP, type LookupFunction } from 'node:net';

const FORBIDDEN: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
  // Unspecified, loopback, IPv4-compatible.
  ['::', 96],
  ['fe80::', 10],
  ['ff00::', 8],
  // The metadata service of AWS, the one that is not link-local.
  ['fd00:ec2::254', 128],
];

/** IPv6 networks that carry an IPv4 address behind these bits: NAT64 (RFC 6052) and 6to4 (RFC 3056). */
const EMBEDDING: readonly (readonly [network: string, prefix: number])[] = [
  ['64:ff9b::', 96],
  ['2002::', 16],
];

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

/** `code` of the error when a name leads there. */
export const ADDRESS_FORBIDDEN = 'ADDRESS_FORBIDDEN';

const forbidden = new BlockList();
for (const [network, prefix] of FORBIDDEN) forbidden.addSubnet(network, prefix, familyOf(network));
for (const [network, prefix] of EMBEDDING) {
  for (const [inner, innerPrefix] of FORBIDDEN) {
    if (net.isIPv4(inner)) forbidden.addSubnet(...embedded(network, prefix, inner, innerPrefix), 'ipv6');
  }
}

/** No server is known by an IPv4-mapped address. A list of its own: Node takes plain IPv4 addresses for members too. */
const mapped = new BlockList();
mapped.addSubnet('::ffff:0:0', 96, 'ipv6');

/** Whether it stands for this machine in so many words, so that somebody meant it. */
export function isLiteralLoopback(name: string): boolean {
  return LOOPBACK.test(name);
}

/** @param address an IP address */
export function isForbiddenAddress(address: string): boolean {
  const family = familyOf(address);
  return forbidden.check(address, family) || (family === 'ipv6' && mapped.check(address, family));
}

/** Looks names up as `lookup` does, and fails when any address that is found is forbidden. */
export function guardedLookup(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, options, (error, found, family) => {
      const isForbidden =
        error === null &&
        (typeof found === 'string'
          ? isForbiddenAddress(found)
          : found.some(({ address }) => isForbiddenAddress(address)));
      if (isForbidden) callback(forbiddenError(hostname), '', 0);
      else callback(error, found, family);
    });
  };
}

export function forbiddenError(name: string): Error {
  return Object.assign(new Error(`${name} leads to an address that is not allowed`), { code: ADDRESS_FORBIDDEN });
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}

/** The network of an IPv4 network inside an IPv6 one. */
function embedded(network: string, prefix: number, inner: string, innerPrefix: number): [string, number] {
  const [a = 0, b = 0, c = 0, d = 0] = inner.split('.').map(Number);
  const groups = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  const behind = prefix === 96 ? '' : '::';
  return [`${network.replace(/::$/, prefix === 96 ? '::' : ':')}${groups}${behind}`, prefix + innerPrefix];
}
