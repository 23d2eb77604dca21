/** For tests: calls a builtin as an evaluation would. */
import { NODE_CRYPTO } from '../evaluate/node-crypto.ts';
import type { Value } from '../value/value.ts';
import { type BuiltinContext, BuiltinError } from './builtin.ts';
import { PatternCache } from './pattern-cache.ts';
import { BUILTINS } from './registry.ts';

/** 2026-11-22T00:00:00Z. */
export const NOW = 1_795_305_600_000_000_000n;

export function testContext(overrides: Partial<BuiltinContext> = {}): BuiltinContext {
  return {
    now: NOW,
    host: { crypto: NODE_CRYPTO },
    cache: new Map(),
    patterns: new PatternCache(),
    random: () => 0.5,
    spend: () => undefined,
    runtime: {},
    ...overrides,
  };
}

/** The builtin's answer, or its error as `code: message`. */
export function answer(name: string, args: readonly Value[], context = testContext()): Value | undefined | Refusal {
  const builtin = BUILTINS.get(name);
  if (builtin === undefined) throw new Error(`no builtin ${name}`);
  try {
    return builtin.evaluate(context, ...args);
  } catch (error) {
    if (error instanceof BuiltinError) return { refusal: `${error.code}: ${error.message}` };
    throw error;
  }
}

export interface Refusal {
  readonly refusal: string;
}
