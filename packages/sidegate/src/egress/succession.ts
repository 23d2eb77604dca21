/**
 * A target whose client certificate has changed: its tokens are bound to the pair that they were asked with, so the pair before is shown, with
 * its tokens, until there is a token for the new one. An issuer that is away just then is nothing that a caller notices.
 */
import type { EgressTarget } from './match-route.ts';

export interface SuccessionOptions {
  readonly before: EgressTarget;
  readonly next: EgressTarget;
  /** Milliseconds since the epoch: the end of the certificate before. */
  readonly endsAt: number;
  readonly now: () => number;
}

export interface Succession {
  /** The one to use for a call. */
  target(): EgressTarget;
  /** Nothing is called as before any more. */
  isOver(): boolean;
}

export function createSuccession({ before, next, endsAt, now }: SuccessionOptions): Succession {
  let over = false;
  let asking = false;
  const prepare = (): void => {
    if (asking) return;
    asking = true;
    const { prepare: ready = () => Promise.resolve() } = next.credential;
    ready().then(
      () => {
        over = true;
      },
      // Its source has told why, and says itself when it is worth another try.
      () => {
        asking = false;
      },
    );
  };
  prepare();
  return {
    target() {
      if (!over && now() >= endsAt) over = true;
      if (over) return next;
      prepare();
      return before;
    },
    isOver: () => over,
  };
}
