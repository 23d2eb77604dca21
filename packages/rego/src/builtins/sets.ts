/** Set operators `&` and `|`, unions and intersections of sets of sets, and deprecated `set_diff`. */
import { RegoSet, setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import type { Builtin } from './builtin.ts';
import { operandTypeError, setOperand } from './operand.ts';
import { ANY_SET, setOf } from './type.ts';

export const SETS: readonly Builtin[] = [
  {
    name: 'and',
    infix: '&',
    args: [ANY_SET, ANY_SET],
    result: ANY_SET,
    evaluate: (_, x, y) => intersect(setOperand(x, 1), setOperand(y, 2)),
  },
  {
    name: 'or',
    infix: '|',
    args: [ANY_SET, ANY_SET],
    result: ANY_SET,
    evaluate: (_, x, y) => unite([setOperand(x, 1), setOperand(y, 2)]),
  },
  {
    name: 'intersection',
    args: [setOf(ANY_SET)],
    result: ANY_SET,
    evaluate: (_, sets) => {
      const [first, ...others] = setsOperand(sets);
      return first === undefined ? setFrom([]) : others.reduce(intersect, first);
    },
  },
  {
    name: 'union',
    args: [setOf(ANY_SET)],
    result: ANY_SET,
    evaluate: (_, sets) => unite(setsOperand(sets)),
  },
  {
    name: 'set_diff',
    args: [ANY_SET, ANY_SET],
    result: ANY_SET,
    deprecated: true,
    evaluate: (_, x, y) => {
      const [left, right] = [setOperand(x, 1), setOperand(y, 2)];
      return setFrom(left.sorted().filter((member) => !right.has(member)));
    },
  },
];

/** The members of the smaller set, as they are written there. */
function intersect(x: RegoSet, y: RegoSet): RegoSet {
  const [smaller, larger] = x.size <= y.size ? [x, y] : [y, x];
  return setFrom(smaller.sorted().filter((member) => larger.has(member)));
}

function unite(sets: readonly RegoSet[]): RegoSet {
  const builder = RegoSet.builder();
  for (const set of sets) for (const member of set.unordered()) builder.add(member);
  return builder.done();
}

function setsOperand(value: Value): readonly RegoSet[] {
  const outer = setOperand(value, 1);
  return outer.sorted().map((member) => {
    if (!(member instanceof RegoSet)) throw operandTypeError(1, member, 'set');
    return member;
  });
}
