/**
 * Decisions remembered for a while, by what the policy can read of a request. An engine whose answer may change on its own is worth
 * it only for as long as somebody may wait for that change, so this is off unless a configuration asks for it.
 */
import { hash } from 'node:crypto';
import type { Decision, PolicyEngine, PolicyInput } from './decision.ts';

export interface DecisionCacheOptions {
  /** The one used longest ago leaves first. */
  readonly maxSize: number;
  readonly ttlMs: number;
  readonly monotonic: () => number;
  /** Told of every look-up. */
  readonly onLookup?: ((result: 'hit' | 'miss') => void) | undefined;
}

/** Two inputs with the same key have the same decision. */
export type DecisionKey = (input: PolicyInput) => string;

interface Entry {
  readonly decision: Decision;
  readonly until: number;
}

/** A longer key is kept as its digest. */
const MAX_KEY = 256;

/** The same engine with a memory; failures are never remembered. */
export function cacheDecisions(engine: PolicyEngine, keyOf: DecisionKey, options: DecisionCacheOptions): PolicyEngine {
  const { maxSize, ttlMs, monotonic, onLookup } = options;
  /** Least recently used first. */
  const entries = new Map<string, Entry>();
  const remember = (key: string, decision: Decision): Decision => {
    if (decision.failure !== undefined) return decision;
    entries.delete(key);
    entries.set(key, { decision, until: monotonic() + ttlMs });
    for (const oldest of entries.keys()) {
      if (entries.size <= maxSize) break;
      entries.delete(oldest);
    }
    return decision;
  };
  return (input) => {
    const written = keyOf(input);
    const key = written.length <= MAX_KEY ? written : hash('sha256', written, 'base64');
    const entry = entries.get(key);
    if (entry !== undefined && monotonic() < entry.until) {
      entries.delete(key);
      entries.set(key, entry);
      onLookup?.('hit');
      return entry.decision;
    }
    onLookup?.('miss');
    const decided = engine(input);
    return decided instanceof Promise ? decided.then((decision) => remember(key, decision)) : remember(key, decided);
  };
}

/** For an engine that may read anything. */
export const byWholeInput: DecisionKey = (input) => JSON.stringify(input);

/**
 * For an engine that reads these places only.
 *
 * @param paths keys from the outside in
 */
export function byPlaces(paths: readonly (readonly (string | number | boolean | null)[])[]): DecisionKey {
  return (input) => {
    let key = '';
    // What is absent is told apart from every JSON value.
    for (const path of paths) key += `${JSON.stringify(valueAt(input, path)) ?? ''},`;
    return key;
  };
}

function valueAt(input: PolicyInput, path: readonly unknown[]): unknown {
  let value: unknown = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (!Object.hasOwn(value, key as PropertyKey)) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key as PropertyKey];
  }
  return value;
}
