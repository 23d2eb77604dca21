/** IP addresses and networks as big integers, read as Go's net package reads them. */
export interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

export interface Network extends Address {
  readonly prefix: number;
}

/** IPv4-mapped IPv6 addresses count as IPv4, as they do in Go. */
export function parseAddress(text: string): Address | undefined {
  const address = text.includes(':') ? parseV6(text) : parseV4(text);
  if (address?.bits === 128 && address.value >> 32n === 0xffffn)
    return { bits: 32, value: address.value & 0xffffffffn };
  return address;
}

/** The network with its host bits cleared; undefined when the text is no CIDR. */
export function parseCidr(text: string): Network | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const [host, length] = [text.slice(0, slash), text.slice(slash + 1)];
  const address = host.includes(':') ? parseV6(host) : parseV4(host);
  if (address === undefined || !/^\d{1,3}$/.test(length) || Number(length) > address.bits) return undefined;
  const prefix = Number(length);
  const hostBits = BigInt(address.bits - prefix);
  const network = { bits: address.bits, value: (address.value >> hostBits) << hostBits, prefix };
  return unmapped(network);
}

/** `::ffff:a.b.c.d/96+n` is the IPv4 network a.b.c.d/n. */
function unmapped(network: Network): Network {
  if (network.bits === 32 || network.prefix < 96 || network.value >> 32n !== 0xffffn) return network;
  return { bits: 32, value: network.value & 0xffffffffn, prefix: network.prefix - 96 };
}

export function lastAddress(network: Network): bigint {
  return network.value | ((1n << BigInt(network.bits - network.prefix)) - 1n);
}

export function containsAddress(network: Network, address: Address): boolean {
  return network.bits === address.bits && address.value >= network.value && address.value <= lastAddress(network);
}

export function addressText({ bits, value }: Address): string {
  return bits === 32 ? v4Text(value) : v6Text(value);
}

function v4Text(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 0xffn)).join('.');
}

/** RFC 5952: lower case, the longest run of at least two zero groups shortened. */
function v6Text(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => (value >> BigInt(112 - 16 * index)) & 0xffffn);
  if (value >> 32n === 0xffffn) return v4Text(value & 0xffffffffn);
  let [bestStart, bestLength] = [-1, 1];
  for (let start = 0; start < 8; start += 1) {
    let end = start;
    while (end < 8 && groups[end] === 0n) end += 1;
    if (end - start > bestLength) [bestStart, bestLength] = [start, end - start];
  }
  const text = (part: readonly bigint[]): string => part.map((group) => group.toString(16)).join(':');
  if (bestStart < 0) return text(groups);
  return `${text(groups.slice(0, bestStart))}::${text(groups.slice(bestStart + bestLength))}`;
}

function parseV4(text: string): Address | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0n;
  for (const part of match.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return { bits: 32, value };
}

function parseV6(text: string): Address | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map(parseGroups);
  if (left === undefined || (halves.length === 2 && right === undefined)) return undefined;
  const tail = right ?? [];
  const missing = 8 - left.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...left, ...Array.from({ length: missing }, () => 0), ...tail];
  return { bits: 128, value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n) };
}

function parseGroups(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (part.includes('.')) {
      const v4 = index === parts.length - 1 ? parseV4(part) : undefined;
      if (v4 === undefined) return undefined;
      groups.push(Number(v4.value >> 16n), Number(v4.value & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
