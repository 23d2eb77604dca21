/**
 * Which trust bundle all processes of a sidecar serve with. The authority is told of that one and of no later one: it takes the next step of
 * a rotation once everybody has told, and whoever does not take over its files must keep it from that.
 */
export interface BundlesInUse {
  started(process: number): void;
  /** That is what it serves with from now on; undefined: nothing that has a number. */
  serving(process: number, sequence: number | undefined): void;
  ended(process: number): void;
  /** Of all of them; undefined: not all of them serve. */
  lowest(): number | undefined;
}

export function createBundlesInUse(): BundlesInUse {
  const sequences = new Map<number, number | undefined>();
  return {
    started: (process) => void sequences.set(process, undefined),
    serving: (process, sequence) => void sequences.set(process, sequence),
    ended: (process) => void sequences.delete(process),
    lowest() {
      const known = [...sequences.values()].filter((sequence) => sequence !== undefined);
      return known.length === 0 || known.length < sequences.size ? undefined : Math.min(...known);
    },
  };
}
