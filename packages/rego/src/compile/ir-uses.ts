/** Which locals the intermediate form reads, and how often. */
import type { Block, Local, Operand, Source, Stmt } from './ir.ts';

export function countUses(block: Block, uses: Map<Local, number> = new Map()): Map<Local, number> {
  for (const stmt of block) {
    for (const operand of stmtOperands(stmt)) {
      if (operand.kind === 'local') uses.set(operand.local, (uses.get(operand.local) ?? 0) + 1);
    }
    for (const inner of innerBlocks(stmt)) countUses(inner, uses);
  }
  return uses;
}

/** Whether a block assigns what some source like this has, or a block in it does. */
export function reads(block: Block, isWanted: (source: Source) => boolean): boolean {
  return block.some((stmt) => {
    if (stmt.op === 'let') return isWanted(stmt.value);
    if (stmt.op === 'either') return stmt.branches.some((branch) => reads(branch, isWanted));
    return 'body' in stmt && reads(stmt.body, isWanted);
  });
}

export function innerBlocks(stmt: Stmt): readonly Block[] {
  if (stmt.op === 'either') return stmt.branches;
  return 'body' in stmt ? [stmt.body] : [];
}

export function stmtOperands(stmt: Stmt): readonly Operand[] {
  switch (stmt.op) {
    case 'let':
      return sourceOperands(stmt.value);
    case 'compare':
      return [stmt.left, stmt.right];
    case 'truthy':
    case 'clock':
      return [stmt.operand];
    case 'shape':
    case 'scan':
    case 'every':
      return [stmt.source];
    case 'add':
      return stmt.key === undefined ? [stmt.value] : [stmt.key, stmt.value];
    case 'with':
      return stmt.modifiers.flatMap((modifier) => {
        if (modifier.kind !== 'function') return [...modifier.path, modifier.value];
        const { replacement } = modifier;
        return replacement.kind === 'local' || replacement.kind === 'const' ? [replacement] : [];
      });
    case 'produce':
      return [...stmt.path, stmt.value];
    case 'answer':
      return stmt.values;
    default:
      return [];
  }
}

function sourceOperands(value: Source): readonly Operand[] {
  switch (value.kind) {
    case 'dot':
      return [value.source, value.key];
    case 'operand':
      return [value.operand];
    case 'resolve':
      return [value.source];
    case 'array':
    case 'set':
      return value.items;
    case 'object':
      return value.entries.flat();
    case 'call':
      return value.args;
    default:
      return [];
  }
}
