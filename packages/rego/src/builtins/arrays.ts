/** `array.*`. */
import type { Value } from '../value/value.ts';
import type { Builtin } from './builtin.ts';
import { arrayOperand, integerOperand } from './operand.ts';
import { ANY_ARRAY, NUMBER } from './type.ts';

export const ARRAYS: readonly Builtin[] = [
  {
    name: 'array.concat',
    args: [ANY_ARRAY, ANY_ARRAY],
    result: ANY_ARRAY,
    evaluate: (_, x, y) => [...arrayOperand(x, 1), ...arrayOperand(y, 2)],
  },
  {
    name: 'array.flatten',
    args: [ANY_ARRAY],
    result: ANY_ARRAY,
    evaluate: (_, nested) =>
      arrayOperand(nested, 1).flatMap((item) => (Array.isArray(item) ? (item as Value[]) : [item])),
  },
  {
    name: 'array.slice',
    args: [ANY_ARRAY, NUMBER, NUMBER],
    result: ANY_ARRAY,
    evaluate: (_, array, from, to) => {
      const items = arrayOperand(array, 1);
      const start = Math.max(0, integerOperand(from, 2));
      return items.slice(start, Math.max(start, integerOperand(to, 3)));
    },
  },
  {
    name: 'array.reverse',
    args: [ANY_ARRAY],
    result: ANY_ARRAY,
    evaluate: (_, array) => arrayOperand(array, 1).toReversed(),
  },
];
