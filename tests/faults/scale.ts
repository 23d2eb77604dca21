/** How much of a row runs: what CI has time for, or all of it with `npm run test:faults -- --full`. */

export const FULL: boolean = process.env['FAULTS'] === 'full';

/** Requests a second, and for how long, through a sidecar that is disturbed meanwhile. */
export const RATE: number = FULL ? 500 : 60;
export const SECONDS: number = FULL ? 60 : 4;

/** A number of things, sockets or bodies: of the whole row, or of the short one. */
export function count(full: number, short: number): number {
  return FULL ? full : short;
}

/**
 * What a bound of `ms` is here. It holds for a machine that does nothing else; where two cores do everything at once, it only tells
 * what comes late from what never comes.
 */
export function bound(ms: number): number {
  return FULL ? 1.5 * ms : 3 * ms + 10_000;
}
