/**
 * Pass over the intermediate form: rules of one document use the same locals, because no rule sees those of another. A
 * call of a function takes time for each local that it has, and a thousand rules would have thousands.
 */
import type { Branch, Local, Operand, Routine } from './ir.ts';
import { mapBlock } from './ir-map.ts';

export function compactLocals(routine: Routine): Routine {
  const { params } = routine;
  const first = Math.max(0, ...params) + 1;
  let locals = first;
  const compact = (branch: Branch): Branch => {
    const names = new Map<Local, Local>([0, ...params].map((kept) => [kept, kept] as const));
    let next = first;
    const local = (each: Local): Local => {
      const known = names.get(each);
      if (known !== undefined) return known;
      names.set(each, next);
      next += 1;
      locals = Math.max(locals, next);
      return next - 1;
    };
    const operand = (each: Operand): Operand =>
      each.kind === 'local' ? { kind: 'local', local: local(each.local) } : each;
    return { ...branch, body: mapBlock(branch.body, { operand, local, label: (each) => each }) };
  };
  const rules = routine.rules.map((branches) => branches.map(compact));
  const fallback = routine.fallback && compact(routine.fallback);
  return { ...routine, rules, fallback, locals };
}
