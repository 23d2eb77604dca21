/** Inputs of every shape for generated policies, and the base documents beside them. */
import type { Value } from '@sidegate/rego';
import type { SeededRandom } from '../fuzz/seeded-random.ts';

const SCALARS: readonly Value[] = [0, 1, 2, -1, 1.5, 'a', 'b', 'ab', '', '10', 'ü', true, false, null];

export const BASE_DATA: Value = {
  base: {
    n: 1,
    list: [1, 'a', { a: 1 }, [1, 2]],
    users: { amal: { roles: ['reader'], a: 1 }, brook: { roles: [], a: 'a' } },
  },
};

/** Sometimes there is no input at all. OPA's server takes `null` for that, its command line does not: never null. */
export function generatedInput(random: SeededRandom): Value | undefined {
  if (random.chance(0.03)) return undefined;
  if (random.chance(0.03)) return generatedValue(random, 1) ?? 0;
  const fields = ['a', 'b', 'list'].filter(() => random.chance(0.85));
  return Object.fromEntries(
    fields.map((name) => {
      const list = name === 'list' && random.chance(0.8);
      return [name, list ? random.list(0, 3, () => generatedValue(random, 1)) : generatedValue(random, 2)];
    }),
  );
}

function generatedValue(random: SeededRandom, depth: number): Value {
  const kind = random.below(depth === 0 ? 4 : 7);
  if (kind < 4) return random.pick(SCALARS);
  if (kind === 4) return random.list(0, 3, () => generatedValue(random, depth - 1));
  const names = ['a', 'b', '0', 'x-y'].filter(() => random.chance(0.5));
  return Object.fromEntries(names.map((name) => [name, generatedValue(random, depth - 1)]));
}
