/** What closures work on: the locals of one call in an array, and how a statement says where evaluation goes on. */
import type { Builtin } from '../../builtins/builtin.ts';
import type { ContextLocal, Operand } from '../../compile/ir.ts';
import type { Value } from '../../value/value.ts';
import type { Context, DocumentFunction } from '../context.ts';
import type { Instruments } from './instruments.ts';

/** Locals by their number; 0 is the context. A document's own two slots follow the last local. */
export type Frame = unknown[];

/** {@link NEXT}, {@link FAIL}, {@link SETTLED}, or the label of the block that a `leave` ends. */
export type Step = (frame: Frame) => number;
export type Read<T = Value> = (frame: Frame) => T;

export const NEXT = 0;
/** The innermost block ends here. */
export const FAIL = -1;
/** The document has its value: no other rule can change it. */
export const SETTLED = -2;

/** What all closures of one program share. */
export interface Linkage {
  readonly builtins: ReadonlyMap<string, Builtin>;
  /** Functions that some `with` replaces. */
  readonly mockable: ReadonlySet<string>;
  /** Filled while documents are made; rules find each other here. */
  readonly documents: readonly DocumentFunction[];
  readonly instruments: Instruments | undefined;
}

export function read(operand: Operand): Read {
  if (operand.kind === 'const') {
    const { value } = operand;
    return () => value;
  }
  const { local } = operand;
  return (frame) => frame[local] as Value;
}

export function readAll(operands: readonly Operand[]): Read<Value[]> {
  const reads = operands.map(read);
  return (frame) => reads.map((each) => each(frame));
}

export function contextIn(frame: Frame, local: ContextLocal): Context {
  return frame[local] as Context;
}

/** The context that the document was called with. */
export function callerIn(frame: Frame): Context {
  return frame[0] as Context;
}
