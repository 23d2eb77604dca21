/** What a function is lowered into: the block at hand, and where its variables live. */
import type { Compilation } from './context.ts';
import {
  type Block,
  CALLER,
  type ContextLocal,
  type Label,
  type Local,
  type Operand,
  type Source,
  type Stmt,
} from './ir.ts';

/** The function under construction. */
export class Builder {
  readonly c: Compilation;
  /** Whether statements say which literal they belong to. */
  readonly marked: boolean;
  /** Where each bound variable lives. */
  vars = new Map<string, Operand>();
  context: ContextLocal = CALLER;
  block: Block = [];
  private nextLocal = 1;
  private nextLabel = 0;

  constructor(c: Compilation, marked: boolean) {
    this.c = c;
    this.marked = marked;
  }

  get localCount(): number {
    return this.nextLocal;
  }

  get labelCount(): number {
    return this.nextLabel;
  }

  local(): Local {
    this.nextLocal += 1;
    return this.nextLocal - 1;
  }

  label(): Label {
    this.nextLabel += 1;
    return this.nextLabel;
  }

  emit(stmt: Stmt): void {
    this.block.push(stmt);
  }

  /** Evaluates into a new local; the current block fails when the result is undefined. */
  define(value: Source): Operand {
    const target = this.local();
    this.emit({ op: 'let', target, value });
    return { kind: 'local', local: target };
  }

  /** The rest of the current body goes into the scan. */
  scan(source: Operand, view: boolean): { readonly key: Operand; readonly value: Operand } {
    const key = this.local();
    const value = this.local();
    const body: Block = [];
    this.emit({ op: 'scan', source, view, key, value, body });
    this.block = body;
    return { key: { kind: 'local', local: key }, value: { kind: 'local', local: value } };
  }

  /** Builds a block whose variables are its own. */
  closure(build: () => void): Block {
    const { block, vars, context } = this;
    const inner: Block = [];
    this.block = inner;
    this.vars = new Map(vars);
    build();
    Object.assign(this, { block, vars, context });
    return inner;
  }
}
