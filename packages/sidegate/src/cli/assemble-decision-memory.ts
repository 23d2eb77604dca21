/** `cache.l1` → which decisions are remembered. */
import type { SidecarConfig } from '../config/schema/sidecar.ts';
import type { PolicyEngine } from '../policy/decision.ts';
import { byPlaces, cacheDecisions, type DecisionKey } from '../policy/decision-cache.ts';
import type { EmbeddedEngine } from '../policy/opa-embedded.ts';
import type { Meters } from './assemble-metrics.ts';
import type { Assembly } from './assembly.ts';

/** Each engine that passes through it gets a memory of its own, which ends with it. */
export interface DecisionMemory {
  of(engine: PolicyEngine, keyOf: DecisionKey): PolicyEngine;
  /** By what its policy reads; as it is when that may change between two equal requests. */
  embedded(engine: EmbeddedEngine): PolicyEngine;
}

const NONE: DecisionMemory = { of: (engine) => engine, embedded: ({ decide }) => decide };

export function assembleDecisionMemory(
  { cache: { l1 } }: SidecarConfig,
  { clock, logger }: Assembly,
  meters: Meters | undefined,
): DecisionMemory {
  if (!l1.enabled) return NONE;
  const options = {
    maxSize: l1.max_size,
    ttlMs: l1.ttl,
    monotonic: () => clock.monotonic(),
    onLookup: meters && ((result: 'hit' | 'miss') => meters.decisionLookup(result)),
  };
  const of: DecisionMemory['of'] = (engine, keyOf) => cacheDecisions(engine, keyOf, options);
  return {
    of,
    embedded({ decide, reads: { input, nondeterministic } }) {
      if (nondeterministic.length === 0) return of(decide, byPlaces(input));
      logger.warn({ builtins: nondeterministic }, 'decisions of this policy are not remembered: it calls what changes');
      return decide;
    },
  };
}
