/** Where a connection comes from, as something to count by. */

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** One subscriber has a whole network of this many groups. */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

/**
 * An IPv4 address, or the /64 network of an IPv6 one.
 *
 * @param address of a socket; undefined when it is gone
 */
export function countedAddress(address: string = 'unknown'): string {
  const [, mapped] = MAPPED.exec(address) ?? [];
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address;
  const [before = '', after = ''] = address.split('%', 1)[0]?.split('::') ?? [];
  const head = before === '' ? [] : before.split(':');
  const tail = after === '' ? [] : after.split(':');
  const zeros = Array.from({ length: Math.max(0, GROUPS - head.length - tail.length) }, () => '0');
  return `${[...head, ...zeros, ...tail].slice(0, NETWORK_GROUPS).join(':')}::/64`;
}
