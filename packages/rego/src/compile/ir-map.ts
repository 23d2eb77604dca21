/** Copies of the intermediate form under other names. */
import type { Block, Callee, Label, Local, Modifier, Operand, Source, Stmt } from './ir.ts';

export interface Renaming {
  /** What stands for a value that is read. */
  readonly operand: (operand: Operand) => Operand;
  /** Another name for a local that is assigned, or that holds a context. */
  readonly local: (local: Local) => Local;
  readonly label: (label: Label) => Label;
}

/** Other operands for locals, and every name as it was. */
export function substitution(known: ReadonlyMap<Local, Operand>): Renaming {
  return {
    operand: (each) => (each.kind === 'local' ? (known.get(each.local) ?? each) : each),
    local: (each) => each,
    label: (each) => each,
  };
}

export function mapBlock(block: Block, r: Renaming): Block {
  return block.map((stmt) => mapStmt(stmt, r, (inner) => mapBlock(inner, r)));
}

/** A copy of one statement; `inner` copies the blocks in it. */
export function mapStmt(stmt: Stmt, r: Renaming, inner: (block: Block) => Block): Stmt {
  switch (stmt.op) {
    case 'mark':
      return stmt;
    case 'let':
      return { ...stmt, target: r.local(stmt.target), value: mapSource(stmt.value, r) };
    case 'compare':
      return { ...stmt, left: r.operand(stmt.left), right: r.operand(stmt.right) };
    case 'truthy':
    case 'clock':
      return { ...stmt, operand: r.operand(stmt.operand) };
    case 'shape':
      return { ...stmt, source: r.operand(stmt.source) };
    case 'scan':
      return { ...stmt, ...mapScan(stmt, r), body: inner(stmt.body) };
    case 'every':
      return { ...stmt, ...mapScan(stmt, r), label: r.label(stmt.label), body: inner(stmt.body) };
    case 'exists':
      return { ...stmt, label: r.label(stmt.label), body: inner(stmt.body) };
    case 'either':
      return { ...stmt, label: r.label(stmt.label), branches: stmt.branches.map(inner) };
    case 'leave':
      return { ...stmt, label: r.label(stmt.label) };
    case 'collect':
      return { ...stmt, target: r.local(stmt.target), body: inner(stmt.body) };
    case 'add': {
      const key = stmt.key === undefined ? {} : { key: r.operand(stmt.key) };
      return { ...stmt, collector: r.local(stmt.collector), ...key, value: r.operand(stmt.value) };
    }
    case 'with': {
      const modifiers = stmt.modifiers.map((modifier) => mapModifier(modifier, r));
      return { ...stmt, target: r.local(stmt.target), context: r.local(stmt.context), modifiers };
    }
    case 'produce':
      return { ...stmt, path: stmt.path.map(r.operand), value: r.operand(stmt.value) };
    default:
      return { ...stmt, values: stmt.values.map(r.operand) };
  }
}

export function mapSource(value: Source, r: Renaming): Source {
  switch (value.kind) {
    case 'input':
    case 'data':
    case 'document':
    case 'view':
      return { ...value, context: r.local(value.context) };
    case 'operand':
      return { ...value, operand: r.operand(value.operand) };
    case 'dot':
      return { ...value, source: r.operand(value.source), key: r.operand(value.key) };
    case 'resolve':
      return { ...value, source: r.operand(value.source) };
    case 'array':
    case 'set':
      return { ...value, items: value.items.map(r.operand) };
    case 'object':
      return { ...value, entries: value.entries.map(([key, each]) => [r.operand(key), r.operand(each)] as const) };
    default:
      return { ...value, args: value.args.map(r.operand), context: r.local(value.context) };
  }
}

function mapScan(
  { source, key, value }: { readonly source: Operand; readonly key: Local; readonly value: Local },
  r: Renaming,
): { source: Operand; key: Local; value: Local } {
  return { source: r.operand(source), key: r.local(key), value: r.local(value) };
}

function mapModifier(modifier: Modifier, r: Renaming): Modifier {
  if (modifier.kind !== 'function') {
    return { ...modifier, path: modifier.path.map(r.operand), value: r.operand(modifier.value) };
  }
  const { replacement } = modifier;
  return isOperand(replacement) ? { ...modifier, replacement: r.operand(replacement) } : modifier;
}

function isOperand(replacement: Operand | Callee): replacement is Operand {
  return replacement.kind === 'local' || replacement.kind === 'const';
}
