/**
 * Pass over the intermediate form: what a body has read once, it knows. Nothing that is read changes during an
 * evaluation, and a document has one value in a context.
 */
import type { Block, Local, Operand, Source } from './ir.ts';
import { mapStmt, substitution } from './ir-map.ts';

export function shareReads(block: Block): Block {
  return share(block, new Map(), new Map());
}

function share(block: Block, outerReads: ReadonlyMap<string, Operand>, known: Map<Local, Operand>): Block {
  const reads = new Map(outerReads);
  const renaming = substitution(known);
  return block.flatMap((stmt) => {
    const copy = mapStmt(stmt, renaming, (inner) => share(inner, reads, known));
    const name = copy.op === 'let' ? readName(copy.value) : undefined;
    if (copy.op !== 'let' || name === undefined) return [copy];
    const earlier = reads.get(name);
    if (earlier === undefined) {
      reads.set(name, { kind: 'local', local: copy.target });
      return [copy];
    }
    known.set(copy.target, earlier);
    return [];
  });
}

/** A text that two sources share only when they read the same; undefined for what is no plain read. */
function readName(value: Source): string | undefined {
  switch (value.kind) {
    case 'input':
    case 'data':
      return `${value.kind} ${value.context}`;
    case 'document':
      return `document ${value.context} ${value.document.id}`;
    case 'dot': {
      const { source, key, of } = value;
      if (source.kind !== 'local' || of === 'view') return undefined;
      if (key.kind === 'local') return `${of} ${source.local} local ${key.local}`;
      return typeof key.value === 'string' ? `${of} ${source.local} name ${key.value}` : undefined;
    }
    default:
      return undefined;
  }
}
