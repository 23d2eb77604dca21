/**
 * For a process that proxies: V8 would let the young generation grow to two halves of 32 MiB, though hardly anything of
 * a request outlives it. Node reads it from its command line, or from `NODE_OPTIONS`: `docs/performance.md`.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=8'];
