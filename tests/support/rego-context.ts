/** Calls a builtin of `@sidegate/rego` as an evaluation would. */

import { type BuiltinContext, BuiltinError } from '../../packages/rego/src/builtins/builtin.ts';
import { PatternCache } from '../../packages/rego/src/builtins/pattern-cache.ts';
import { BUILTINS } from '../../packages/rego/src/builtins/registry.ts';
import { NODE_CRYPTO } from '../../packages/rego/src/evaluate/node-host-crypto.ts';
import type { Value } from '../../packages/rego/src/value/value.ts';

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
