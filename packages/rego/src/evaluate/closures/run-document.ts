/**
 * The intermediate form to closures: the backend for places where code must not be generated, and for the builds that
 * watch an evaluation. Its answers equal those of the generated code.
 */
import type { Compilation } from '../../compile/context.ts';
import type { Branch, QueryRoutine, Routine } from '../../compile/ir.ts';
import type { Selection } from '../../compile/rule-index.ts';
import type { Value } from '../../value/value.ts';
import { type Context, type DocumentFunction, type Documents, NONE } from '../context.ts';
import type { ObjectTree } from '../partial-object.ts';
import { RUNTIME } from '../runtime.ts';
import { callerIn, type Frame, type Linkage, NEXT, type Read, read, readAll, SETTLED, type Step } from './frame.ts';
import type { Instruments } from './instruments.ts';
import { type Leaf, runBlock } from './run-block.ts';

export function closeDocuments(c: Compilation, routines: readonly Routine[], instruments?: Instruments): Documents {
  const functions: DocumentFunction[] = [];
  for (const routine of routines) functions[routine.document.id] = closeDocument(c, routine, functions, instruments);
  return { functions, root: c.tree.root, blank: functions.map(() => undefined) };
}

/** One document, or some of its rules, among others that it may use. */
export function closeDocument(
  c: Compilation,
  routine: Routine,
  documents: readonly DocumentFunction[],
  instruments?: Instruments,
): DocumentFunction {
  const link: Linkage = { builtins: c.builtins, mockable: c.mockable, documents, instruments };
  const run = memoized(routine, new Maker(link, routine).make());
  return instruments?.document === undefined ? run : instruments.document(routine, run);
}

export function closeQuery(
  c: Compilation,
  { body, locals }: QueryRoutine,
  { functions }: Documents,
  instruments?: Instruments,
): (context: Context, answers: Value[][]) => void {
  const link: Linkage = { builtins: c.builtins, mockable: c.mockable, documents: functions, instruments };
  const run = runBlock(link, body, (stmt) => {
    if (stmt.op !== 'answer') throw new Error('a query answers');
    const values = readAll(stmt.values);
    return (frame) => {
      callerIn(frame).query.spend(1);
      (frame[locals] as Value[][]).push(values(frame));
      return NEXT;
    };
  });
  const blank = blankFrame(locals + 1);
  return (context, answers) => {
    const frame = blank.slice();
    frame[0] = context;
    frame[locals] = answers;
    run(frame);
  };
}

/** A frame to copy: much cheaper than to make one. */
function blankFrame(size: number): Frame {
  return Array.from<unknown>({ length: size });
}

/** A document's value is found once per context; a function's each time. */
function memoized({ document }: Routine, run: DocumentFunction): DocumentFunction {
  const spending: DocumentFunction = (context, ...args) => {
    const { query } = context;
    query.fuel -= 1;
    if (query.fuel < 0) query.exhausted();
    return run(context, ...args);
  };
  if (document.kind === 'function') return spending;
  const { id } = document;
  return (context) => {
    const known = context.memo[id];
    if (known !== undefined) return known === NONE ? undefined : known;
    const value = spending(context);
    context.memo[id] = value === undefined ? NONE : value;
    return value;
  };
}

/** Makes the closures of one document. */
class Maker {
  private readonly link: Linkage;
  private readonly routine: Routine;
  private readonly isFunction: number;
  /** Where the document's value, or what collects it, lives in the frame. */
  private readonly result: number;
  /** Where the value of one `else` chain lives, or whether one of its branches held. */
  private readonly held: number;
  private readonly blank: Frame;

  constructor(link: Linkage, routine: Routine) {
    this.link = link;
    this.routine = routine;
    this.isFunction = Number(routine.document.kind === 'function');
    this.result = routine.locals;
    this.held = routine.locals + 1;
    this.blank = blankFrame(routine.locals + 2);
  }

  make(): DocumentFunction {
    switch (this.routine.document.kind) {
      case 'set':
        return this.set();
      case 'object':
        return this.object();
      default:
        return this.value();
    }
  }

  private frame(context: Context): Frame {
    const frame = this.blank.slice();
    frame[0] = context;
    return frame;
  }

  private set(): DocumentFunction {
    const { result } = this;
    const add: Leaf = (stmt) => {
      const value = read(produced(stmt).value);
      return (frame) => {
        (frame[result] as ReturnType<typeof RUNTIME.setBuilder>).add(value(frame));
        return NEXT;
      };
    };
    const rules = this.indexed((branches) => inOrder(branches.map((branch) => this.body(branch, add))));
    return (context) => {
      const frame = this.frame(context);
      const members = RUNTIME.setBuilder();
      frame[result] = members;
      rules(frame);
      return members.done();
    };
  }

  private object(): DocumentFunction {
    const { result } = this;
    const rules = inOrder(this.routine.rules.map((branches) => this.insertingChain(branches)));
    return (context) => {
      const frame = this.frame(context);
      const tree = RUNTIME.tree();
      frame[result] = tree;
      rules(frame);
      return tree.done();
    };
  }

  private insertingChain(branches: readonly Branch[]): Step {
    const { result, held } = this;
    const steps = branches.map((branch) =>
      this.body(branch, (stmt) => {
        const { path, value, member } = produced(stmt);
        const [at, item] = [readAll(path), read(value)];
        const { location } = branch;
        return (frame) => {
          const tree = frame[result] as ObjectTree;
          if (member) tree.member(at(frame), item(frame), location);
          else tree.insert(at(frame), item(frame), location);
          frame[held] = true;
          return NEXT;
        };
      }),
    );
    return (frame) => {
      frame[held] = undefined;
      for (const step of steps) if (frame[held] === undefined) step(frame);
      return NEXT;
    };
  }

  private value(): DocumentFunction {
    const { result } = this;
    const { fallback, params, uniform } = this.routine;
    const rules = this.indexed((branches) => this.valueRule(branches, uniform));
    const otherwise =
      fallback === undefined
        ? undefined
        : this.body(fallback, (stmt) => this.decide(fallback, read(produced(stmt).value)));
    return (context, ...args) => {
      const frame = this.frame(context);
      for (const [i, param] of params.entries()) frame[param] = args[i];
      rules(frame);
      if (frame[result] === undefined) otherwise?.(frame);
      return frame[result] as Value | undefined;
    };
  }

  private valueRule(branches: readonly Branch[], early: boolean): Step {
    const [first, second] = branches;
    if (first === undefined) return () => NEXT;
    if (early) {
      return inOrder(
        branches.map((branch) =>
          this.body(branch, (stmt) => {
            const decide = this.decide(branch, read(produced(stmt).value));
            return (frame) => {
              decide(frame);
              return SETTLED;
            };
          }),
        ),
      );
    }
    if (second === undefined)
      return this.body(first, (stmt) => this.settle(first, this.result, read(produced(stmt).value)));
    return this.elseChain(branches);
  }

  /** The first branch with a solution gives the chain's value, which must agree with other rules' values. */
  private elseChain(branches: readonly Branch[]): Step {
    const { held, result, isFunction } = this;
    const steps = branches.map((branch) => ({
      location: branch.location,
      run: this.body(branch, (stmt) => this.settle(branch, held, read(produced(stmt).value))),
    }));
    return (frame) => {
      frame[held] = undefined;
      for (const { run, location } of steps) {
        run(frame);
        const value = frame[held] as Value | undefined;
        if (value === undefined) continue;
        const known = frame[result] as Value | undefined;
        frame[result] = known === undefined ? value : RUNTIME.settle(known, value, location, isFunction);
        return NEXT;
      }
      return NEXT;
    };
  }

  private settle(branch: Branch, slot: number, value: Read): Step {
    const { isFunction } = this;
    const note = this.note(branch);
    return (frame) => {
      const known = frame[slot] as Value | undefined;
      frame[slot] =
        known === undefined ? value(frame) : RUNTIME.settle(known, value(frame), branch.location, isFunction);
      return note(frame);
    };
  }

  private decide(branch: Branch, value: Read): Step {
    const { result } = this;
    const note = this.note(branch);
    return (frame) => {
      frame[result] = value(frame);
      return note(frame);
    };
  }

  /** Notes which rule gave the document its value. */
  private note({ location }: Branch): Step {
    const { id, kind } = this.routine.document;
    if (kind === 'function') return () => NEXT;
    return (frame) => {
      const { query } = callerIn(frame);
      if (query.watched === id) query.decidedBy = location;
      return NEXT;
    };
  }

  private body(branch: Branch, leaf: Leaf): Step {
    const run = runBlock(this.link, branch.body, leaf);
    return this.link.instruments?.branch === undefined ? run : this.link.instruments.branch(branch, run);
  }

  /** All rules, those that the index knows by looking up what it finds. */
  private indexed(make: (branches: readonly Branch[]) => Step, { rules, index }: Selection = this.routine): Step {
    if (index === undefined) return inOrder(rules.map(make));
    const numbers = new Map([...index.groups.keys()].map((text, i) => [text, i] as const));
    const groups = [...index.groups.values()].map((group) => this.indexed(make, group));
    const rest = this.indexed(make, index.rest);
    const { root, path } = index.place;
    return (frame) => {
      const source = root === 'input' ? callerIn(frame).input : (frame[root] as Value | undefined);
      const found = groups[RUNTIME.lookUp(numbers, source, path)];
      const signal = found === undefined ? NEXT : found(frame);
      return signal === NEXT ? rest(frame) : signal;
    };
  }
}

function inOrder(steps: readonly Step[]): Step {
  const [first, second] = steps;
  if (first !== undefined && second === undefined) return first;
  return (frame) => {
    for (const step of steps) {
      const signal = step(frame);
      if (signal !== NEXT) return signal;
    }
    return NEXT;
  };
}

function produced(stmt: Parameters<Leaf>[0]): Extract<typeof stmt, { op: 'produce' }> {
  if (stmt.op !== 'produce') throw new Error('a rule produces');
  return stmt;
}
