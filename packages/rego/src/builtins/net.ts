/** `net.cidr_*`. Look-ups by name are excluded: see the registry. */
import { isObject, objectEntries } from '../value/object.ts';
import { RegoSet, setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import {
  type Address,
  addressText,
  containsAddress,
  lastAddress,
  type Network,
  parseAddress,
  parseCidr,
} from './ip.ts';
import { membersOf, stringOperand } from './operand.ts';
import { ANY, ANY_ARRAY, arrayOf, BOOLEAN, objectOf, STRING, setOf, tuple, union } from './type.ts';

const CIDR = union(STRING, ANY_ARRAY);
const CIDRS = union(STRING, arrayOf(CIDR), setOf(CIDR), objectOf(STRING, CIDR));
/** Most addresses that one network may expand to. */
const MAX_EXPANSION = 65_536n;

export const NET: readonly Builtin[] = [
  {
    name: 'net.cidr_contains',
    args: [STRING, STRING],
    result: BOOLEAN,
    evaluate: (_, cidr, inner) => contains(cidr, inner),
  },
  {
    name: 'net.cidr_overlap',
    args: [STRING, STRING],
    result: BOOLEAN,
    deprecated: true,
    evaluate: (_, cidr, inner) => contains(cidr, inner),
  },
  {
    name: 'net.cidr_intersects',
    args: [STRING, STRING],
    result: BOOLEAN,
    evaluate: (_, a, b) => {
      const [left, right] = [networkOperand(a), networkOperand(b)];
      return containsAddress(left, right) || containsAddress(right, left);
    },
  },
  {
    name: 'net.cidr_contains_matches',
    args: [CIDRS, CIDRS],
    result: setOf(tuple(ANY, ANY)),
    evaluate: (context, cidrs, inner) => containsMatches(context, cidrs, inner),
  },
  {
    name: 'net.cidr_expand',
    args: [STRING],
    result: setOf(STRING),
    evaluate: (context, cidr) => expand(context, cidr),
  },
  {
    name: 'net.cidr_merge',
    args: [union(arrayOf(union(STRING)), setOf(STRING))],
    result: setOf(STRING),
    evaluate: (_, addresses) => merge(addresses),
  },
  {
    name: 'net.cidr_is_valid',
    args: [STRING],
    result: BOOLEAN,
    evaluate: (_, cidr) => typeof cidr === 'string' && parseCidr(cidr) !== undefined,
  },
];

function networkOperand(value: Value): Network {
  return readCidr(stringOperand(value, 1));
}

function readCidr(text: string): Network {
  const network = parseCidr(text);
  if (network === undefined) throw new BuiltinError(`invalid CIDR address: ${text}`);
  return network;
}

function contains(cidr: Value, inner: Value): boolean {
  const outer = networkOperand(cidr);
  const text = stringOperand(inner, 1);
  const address = parseAddress(text);
  if (address !== undefined) return containsAddress(outer, address);
  const network = parseCidr(text);
  if (network === undefined) {
    throw new BuiltinError(`not a valid textual representation of an IP address or CIDR: ${text}`);
  }
  return containsAddress(outer, network) && containsAddress(outer, { ...network, value: lastAddress(network) });
}

function containsMatches(context: BuiltinContext, cidrs: Value, inner: Value): RegoSet {
  const matches = RegoSet.builder();
  for (const [cidr, index] of candidates(cidrs, 1)) {
    for (const [candidate, innerIndex] of candidates(inner, 2)) {
      context.spend(1);
      if (contains(cidr, candidate)) matches.add([index, innerIndex]);
    }
  }
  return matches.done();
}

/** What to compare, and how the answer names it: by index, by key, or by itself. Read one by one, as OPA does. */
function* candidates(value: Value, position: number): Generator<readonly [cidr: Value, index: Value]> {
  if (typeof value === 'string') yield [value, value];
  else if (Array.isArray(value)) {
    for (const [index, item] of (value as readonly Value[]).entries()) yield [firstOf(item, position), index];
  } else if (value instanceof RegoSet) {
    for (const item of value.sorted()) yield [firstOf(item, position), item];
  } else if (isObject(value)) {
    for (const [key, item] of objectEntries(value)) yield [firstOf(item, position), key];
  }
}

function firstOf(item: Value, position: number): Value {
  if (typeof item === 'string') return item;
  const first = Array.isArray(item) ? (item[0] as Value | undefined) : undefined;
  if (first === undefined) throw new BuiltinError(`operand ${position}: element must be string or non-empty array`);
  return first;
}

function expand(context: BuiltinContext, cidr: Value): RegoSet {
  const network = networkOperand(cidr);
  const count = lastAddress(network) - network.value + 1n;
  if (count > MAX_EXPANSION) throw new BuiltinError(`network of more than ${MAX_EXPANSION} addresses`);
  context.spend(Number(count));
  return setFrom(
    Array.from({ length: Number(count) }, (_, index) =>
      addressText({ bits: network.bits, value: network.value + BigInt(index) }),
    ),
  );
}

interface Range {
  readonly bits: Address['bits'];
  readonly first: bigint;
  readonly last: bigint;
  /** How a bare address is shown that merges with nothing. */
  readonly text?: string;
}

function merge(addresses: Value): RegoSet {
  const members = membersOf(addresses);
  if (members === undefined) throw new BuiltinError('operand must be an array');
  const ranges = members.map(rangeOf).toSorted((a, b) => compareBigInts(mapped(a, a.first), mapped(b, b.first)));
  const merged: Range[] = [];
  for (const range of ranges) {
    const previous = merged.at(-1);
    if (previous === undefined || mapped(range, range.first) > mapped(previous, previous.last) + 1n) merged.push(range);
    else merged.splice(-1, 1, joined(previous, range));
  }
  return setFrom(merged.flatMap(networksOf));
}

/** IPv4 addresses are among the IPv6 addresses, behind `::ffff:`. */
function mapped({ bits }: Range, address: bigint): bigint {
  return bits === 32 ? (0xffffn << 32n) | address : address;
}

/** Two ranges that touch, as one. */
function joined(a: Range, b: Range): Range {
  if (a.bits === b.bits) return { bits: a.bits, first: a.first, last: a.last > b.last ? a.last : b.last };
  const [first, last, other] = [mapped(a, a.first), mapped(a, a.last), mapped(b, b.last)];
  return { bits: 128, first, last: last > other ? last : other };
}

/** A bare IPv4 address stands for its old class A, B or C network, as in Go. */
function rangeOf(item: Value): Range {
  if (typeof item !== 'string') throw new BuiltinError('element must be string');
  const address = parseAddress(item);
  if (address?.bits === 128) throw new BuiltinError('IPv6 invalid: needs prefix length');
  const network = address === undefined ? readCidr(item) : parseCidr(`${addressText(address)}/${classPrefix(address)}`);
  if (network === undefined) throw new BuiltinError(`invalid CIDR address: ${item}`);
  const range = { bits: network.bits, first: network.value, last: lastAddress(network) };
  return address === undefined ? range : { ...range, text: `${addressText(address)}/${network.prefix}` };
}

function classPrefix(address: Address): number {
  const lead = Number(address.value >> 24n);
  if (lead < 0x80) return 8;
  return lead < 0xc0 ? 16 : 24;
}

/** The fewest networks that cover the range. */
function networksOf({ bits, first, last, text }: Range): readonly string[] {
  if (text !== undefined) return [text];
  const networks: string[] = [];
  let from = first;
  while (from <= last) {
    let hostBits = 0;
    while (hostBits < bits) {
      const size = 1n << BigInt(hostBits + 1);
      if (from % size !== 0n || from + size - 1n > last) break;
      hostBits += 1;
    }
    networks.push(`${addressText({ bits, value: from })}/${bits - hostBits}`);
    from += 1n << BigInt(hostBits);
  }
  return networks;
}

function compareBigInts(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
