import { EXCLUDED } from '../../packages/rego/src/builtins/registry.ts';

/** The builtins that this project deliberately does not have; a policy that calls one is refused when it is loaded. */
export const EXCLUDED_BUILTINS: readonly string[] = [...EXCLUDED.keys()];
