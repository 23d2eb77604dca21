/**
 * Pass over the intermediate form: a small function that has one value at most stands where it is called, so that
 * arguments that are constant are known inside it. Policies do not recurse, so this ends; and because only what is small
 * disappears into its callers, they stay small.
 */
import type { Compilation } from './context.ts';
import type { Block, Branch, Label, Local, Operand, Routine, Source, Stmt } from './ir.ts';
import { mapBlock, mapStmt, type Renaming, substitution } from './ir-map.ts';
import { innerBlocks, reads } from './ir-uses.ts';

/** Statements of a function that may stand in its callers. */
const MAX_SIZE = 24;
/** Statements that one block may gain. */
const MAX_GROWTH = 400;

const UNCHANGED = substitution(new Map());

type Call = Extract<Source, { kind: 'call' }>;

/** Names that the function under construction does not have yet. */
export interface Fresh {
  readonly local: () => Local;
  readonly label: () => Label;
}

/** Finds functions that may disappear into their callers: their branches, of which the first that holds has the value. */
export type Inlinable = (
  call: Call,
) => { readonly branches: readonly Branch[]; readonly params: readonly Local[] } | undefined;

/** @param ready the function of a document, already with everything inlined in it */
export function inlinable(c: Compilation, ready: (id: number) => Routine | undefined): Inlinable {
  return ({ callee }) => {
    if (callee.kind !== 'function' || c.mockable.has(callee.document.name)) return undefined;
    const routine = ready(callee.document.id);
    if (routine === undefined || routine.fallback !== undefined) return undefined;
    const branches = routine.rules.flat();
    if (branches.length === 0 || !hasOneValue(routine)) return undefined;
    const size = branches.reduce((sum, { body }) => sum + sizeOf(body), 0);
    return size > MAX_SIZE ? undefined : { branches, params: routine.params };
  };
}

/** No solution can contradict another: there is one at most, or all of them are the same. */
function hasOneValue({ rules, uniform }: Routine): boolean {
  if (uniform) return true;
  return rules.length === 1 && rules.flat().every(({ body }) => body.at(-1)?.op === 'produce');
}

export function inlineFunctions(block: Block, find: Inlinable, fresh: Fresh): Block {
  if (!reads(block, isFunctionCall)) return block;
  let growth = 0;
  /** What stands for the value of a call that is gone, in all that follows. */
  const known = new Map<Local, Operand>();
  const renamed = substitution(known);
  const visit = (stmts: Block): Block => {
    const result: Block = [];
    for (const stmt of stmts) {
      const copy = mapStmt(stmt, renamed, visit);
      const call = copy.op === 'let' && isFunctionCall(copy.value) ? copy.value : undefined;
      const found = call === undefined || growth > MAX_GROWTH ? undefined : find(call);
      if (copy.op !== 'let' || call === undefined || found === undefined) {
        result.push(copy);
        continue;
      }
      const before = result.length;
      const value = splice(result, { call, target: copy.target, ...found }, fresh);
      if (value !== undefined) known.set(copy.target, value);
      growth += sizeOf(result.slice(before));
    }
    return result;
  };
  return visit(block);
}

function isFunctionCall(source: Source): source is Call {
  return source.kind === 'call' && source.callee.kind === 'function';
}

interface Site {
  readonly call: Call;
  readonly target: Local;
  readonly branches: readonly Branch[];
  readonly params: readonly Local[];
}

/** Puts the function at the end of a block. @returns what stands for its value, unless the block assigns the target */
function splice(block: Block, { call, target, branches, params }: Site, fresh: Fresh): Operand | undefined {
  const copies = branches.map(({ body }) => mapBlock(body, renaming(call, params, fresh)));
  const [only] = copies;
  const end = only?.at(-1);
  if (copies.length === 1 && only !== undefined && end?.op === 'produce') {
    block.push(...only.slice(0, -1));
    return end.value;
  }
  const label = fresh.label();
  block.push({ op: 'either', label, branches: copies.map((body) => settling(body, target, label)) });
  return undefined;
}

/** Every solution assigns the target and ends the search. */
function settling(block: Block, target: Local, label: Label): Block {
  return block.flatMap((stmt): Stmt[] => {
    if (stmt.op === 'produce') {
      return [
        { op: 'let', target, value: { kind: 'operand', operand: stmt.value } },
        { op: 'leave', label },
      ];
    }
    return [mapStmt(stmt, UNCHANGED, (inner) => settling(inner, target, label))];
  });
}

/** The function's own locals and labels get fresh names, its parameters are the arguments, its context is the call's. */
function renaming({ args, context }: Call, params: readonly Local[], fresh: Fresh): Renaming {
  const locals = new Map<Local, Local>([[0, context]]);
  const labels = new Map<Label, Label>();
  const values = new Map(params.map((param, i) => [param, args[i]] as const));
  const local = (each: Local): Local => remembered(locals, each, fresh.local);
  return {
    local,
    label: (each) => remembered(labels, each, fresh.label),
    operand: (each) =>
      each.kind === 'const' ? each : (values.get(each.local) ?? { kind: 'local', local: local(each.local) }),
  };
}

function remembered(names: Map<number, number>, name: number, make: () => number): number {
  const known = names.get(name) ?? make();
  names.set(name, known);
  return known;
}

function sizeOf(block: Block): number {
  return block.reduce((sum, stmt) => sum + 1 + innerBlocks(stmt).reduce((inner, each) => inner + sizeOf(each), 0), 0);
}
