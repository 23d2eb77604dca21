/** The oldest Node that this runs on, as `engines` of the package says; docs/decisions/0013-the-floor-of-node.md tells why. */
export const NODE_FLOOR = '24.18.1';

/** What to tell whoever has an older one; undefined: it is new enough. */
export function tooOldNode(version: string): string | undefined {
  const [own, floor] = [version, NODE_FLOOR].map((text) => text.split(/\./).map(Number));
  const place = own?.findIndex((part, index) => part !== floor?.[index]) ?? -1;
  if (place < 0 || (own?.[place] ?? 0) > (floor?.[place] ?? 0)) return undefined;
  return `Node ${version} is too old: ${NODE_FLOOR} or later is needed`;
}
