/** A key source that is handed its keys: a fixed set, a watched file, another process. */
import { Problem } from '../problem.ts';
import type { KeyFinding, KeyUse } from './jwks.ts';
import { type JwksSource, type JwksState, NO_KEYS_YET, nextJwksState } from './jwks-source.ts';

export interface PushedJwks extends JwksSource {
  /** Replaces the set unless no key of the new one is usable; the findings say what was left out. */
  push(bytes: Uint8Array): readonly KeyFinding[];
}

/** A source that never fetches; without an initial set it is unavailable until the first push. */
export function createPushedJwks(initial?: Uint8Array, use?: KeyUse): PushedJwks {
  let state: JwksState = NO_KEYS_YET;
  if (initial !== undefined) push(initial);
  return {
    push,
    current: () => state.keySet,
    refreshFor() {
      if (state.keySet !== undefined) return undefined;
      throw new Problem('jwks_unavailable', `no keys: ${state.failure}`, { retryAfterSeconds: 1 });
    },
    state: () => state,
    close() {},
  };

  function push(bytes: Uint8Array): readonly KeyFinding[] {
    state = nextJwksState(state, bytes, use);
    return state.findings;
  }
}
