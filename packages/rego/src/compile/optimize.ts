/** The passes over the intermediate form, in their order: each finds more to do after those before it. */
import { compactLocals } from './compact-locals.ts';
import type { Compilation } from './context.ts';
import { foldConstants } from './fold-constants.ts';
import { fuseClock } from './fuse-clock.ts';
import { type Fresh, inlinable, inlineFunctions } from './inline-functions.ts';
import type { Block, Branch, QueryRoutine, Routine } from './ir.ts';
import { openObjectGet } from './open-object-get.ts';
import { select } from './rule-index.ts';
import { shareReads } from './share-reads.ts';

export function optimizeDocuments(c: Compilation, lowered: readonly Routine[]): readonly Routine[] {
  const byId = new Map(lowered.map((routine) => [routine.document.id, routine] as const));
  const done = new Map<number, Routine>();
  const simplified = (id: number): Routine | undefined => {
    const routine = byId.get(id);
    const known = done.get(id) ?? (routine && mapBlocks(routine, (block, names) => simplify(block, names)));
    if (known !== undefined) done.set(id, known);
    return known;
  };
  const find = inlinable(c, simplified);
  const simplify = (block: Block, names: Fresh): Block =>
    foldConstants(c, inlineFunctions(block, find, names), simplified);
  return lowered.map((each) => {
    const whole = simplified(each.document.id) ?? each;
    const routine = compactLocals(mapBlocks(whole, (block, names) => specialize(c, block, names)));
    return routine.document.kind === 'object' ? routine : { ...routine, ...select(routine.rules, routine.params) };
  });
}

export function optimizeQuery(c: Compilation, routine: QueryRoutine): QueryRoutine {
  const names = new Names(routine);
  const body = specialize(c, routine.body, names);
  return { ...routine, body, locals: names.locals, labels: names.labels };
}

/** Statements that are quicker than those they replace. */
function specialize(c: Compilation, block: Block, names: Fresh): Block {
  const opened = openObjectGet(c, block, names);
  return shareReads(isClockReplaced(c) ? opened : fuseClock(opened));
}

/** Replaced functions keep their calls. */
function isClockReplaced({ mockable }: Compilation): boolean {
  return mockable.has('time.now_ns') || mockable.has('div');
}

function mapBlocks(routine: Routine, change: (block: Block, names: Fresh) => Block): Routine {
  const names = new Names(routine);
  const branch = (each: Branch): Branch => ({ ...each, body: change(each.body, names) });
  const rules = routine.rules.map((branches) => branches.map(branch));
  const fallback = routine.fallback && branch(routine.fallback);
  return { ...routine, rules, fallback, locals: names.locals, labels: names.labels };
}

/** Numbers that a function has not used yet. */
class Names implements Fresh {
  locals: number;
  labels: number;

  constructor({ locals, labels }: { readonly locals: number; readonly labels: number }) {
    this.locals = locals;
    this.labels = labels;
  }

  readonly local = (): number => {
    this.locals += 1;
    return this.locals - 1;
  };

  readonly label = (): number => {
    this.labels += 1;
    return this.labels;
  };
}
