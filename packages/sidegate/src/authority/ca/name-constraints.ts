/**
 * To which names the authority of a zone is limited (RFC 5280 section 4.2.1.10). Every kind that a certificate of ours can have is
 * limited: an empty list leaves none of its kind, because a kind that is not mentioned would be free.
 */

import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net';
import { derWriter } from '@sidegate/sdk';
import type { CertificateRequest } from './profile.ts';

export interface NameConstraints {
  /** Each permits itself and everything below it. */
  readonly dnsDomains: readonly string[];
  /** As `127.0.0.0/8`. */
  readonly ipRanges: readonly string[];
  /** SPIFFE trust domains; what their paths may be is for the enrolment to decide, X.509 cannot say it. */
  readonly trustDomains: readonly string[];
}

const { implicit, explicit, sequence } = derWriter;

/** The kinds of a GeneralName, RFC 5280 section 4.2.1.6. */
const KIND = { dns: 2, uri: 6, ip: 7 } as const;

/** The extension's value. */
export function encodeNameConstraints({ dnsDomains, ipRanges, trustDomains }: NameConstraints): Buffer {
  const permitted = [
    ...dnsDomains.map((name) => subtree(KIND.dns, name)),
    ...trustDomains.map((name) => subtree(KIND.uri, name)),
    ...ipRanges.map((range) => subtree(KIND.ip, rangeBytes(range))),
  ];
  const excluded = [
    ...(dnsDomains.length === 0 ? [subtree(KIND.dns, '')] : []),
    ...(trustDomains.length === 0 ? [subtree(KIND.uri, '')] : []),
    ...(ipRanges.length === 0 ? [subtree(KIND.ip, Buffer.alloc(8)), subtree(KIND.ip, Buffer.alloc(32))] : []),
  ];
  return sequence(
    ...(permitted.length === 0 ? [] : [explicit(0, ...permitted)]),
    ...(excluded.length === 0 ? [] : [explicit(1, ...excluded)]),
  );
}

/** The names of a request that its authority may not certify. */
export function outsideConstraints(
  { dnsNames, ipAddresses, spiffeIds }: Pick<CertificateRequest, 'dnsNames' | 'ipAddresses' | 'spiffeIds'>,
  { dnsDomains, ipRanges, trustDomains }: NameConstraints,
): string[] {
  const ranges = new BlockList();
  for (const range of ipRanges) {
    const { address, prefix, family } = parseRange(range);
    ranges.addSubnet(address, prefix, family);
  }
  return [
    ...dnsNames.filter((name) => !dnsDomains.some((domain) => name === domain || name.endsWith(`.${domain}`))),
    ...ipAddresses.filter((address) => !ranges.check(address, isIPv4(address) ? 'ipv4' : 'ipv6')),
    ...spiffeIds.filter((id) => !trustDomains.some((domain) => id.startsWith(`spiffe://${domain}/`))),
  ];
}

/** Why a text is no range of addresses, or nothing. */
export function ipRangeProblem(range: string): string | undefined {
  const [address = '', prefix = '', ...rest] = range.split('/');
  const bits = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('.') ? 128 : undefined;
  if (bits === undefined || rest.length > 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) {
    return 'is not an address and a prefix length, as in 10.1.0.0/16';
  }
  return undefined;
}

function subtree(kind: number, base: string | Buffer): Buffer {
  return sequence(implicit(kind, base));
}

function parseRange(range: string) {
  const problem = ipRangeProblem(range);
  if (problem !== undefined) throw new TypeError(`${JSON.stringify(range)} ${problem}`);
  const [address = '', prefix] = range.split('/');
  return { address, prefix: Number(prefix), family: isIPv4(address) ? ('ipv4' as const) : ('ipv6' as const) };
}

/** Address and mask, both of the same length. */
function rangeBytes(range: string): Buffer {
  const { address, prefix, family } = parseRange(range);
  const bytes = family === 'ipv4' ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
  const mask = Buffer.from(bytes.map((_, index) => (0xff00 >> Math.min(8, Math.max(0, prefix - index * 8))) & 0xff));
  return Buffer.concat([Buffer.from(bytes.map((byte, index) => byte & mask.readUInt8(index))), mask]);
}

function ipv6Bytes(text: string): Buffer {
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  const [head = '', tail] = address.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [first, last] = [groups(head), groups(tail ?? '')];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of first.entries()) bytes.writeUInt16BE(group, index * 2);
  for (const [index, group] of last.entries()) bytes.writeUInt16BE(group, 16 - (last.length - index) * 2);
  return bytes;
}
