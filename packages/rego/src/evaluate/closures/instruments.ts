/** Where tracing, coverage and explanations listen: each hook may wrap a closure while it is made. */
import type { Branch, Routine, Stmt } from '../../compile/ir.ts';
import type { DocumentFunction } from '../context.ts';
import type { Step } from './frame.ts';

export interface Instruments {
  statement(stmt: Stmt, step: Step): Step;
  branch?(branch: Branch, body: Step): Step;
  document?(routine: Routine, run: DocumentFunction): DocumentFunction;
}
