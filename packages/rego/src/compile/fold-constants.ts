/**
 * Pass over the intermediate form: collections of constants, and documents that are one constant, are known before any
 * evaluation. A document that some `with` replaces is not.
 */
import { objectFromEntries } from '../value/object.ts';
import { setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import type { Compilation } from './context.ts';
import type { Block, Local, Operand, Routine, Source } from './ir.ts';
import { mapStmt, substitution } from './ir-map.ts';

type Documents = (id: number) => Routine | undefined;

export function foldConstants(c: Compilation, block: Block, documents: Documents): Block {
  const known = new Map<Local, Operand>();
  const renaming = substitution(known);
  const fold = (stmts: Block): Block =>
    stmts.flatMap((stmt) => {
      const copy = mapStmt(stmt, renaming, fold);
      const value = copy.op === 'let' ? constantOf(c, copy.value, documents) : undefined;
      if (copy.op !== 'let' || value === undefined) return [copy];
      known.set(copy.target, { kind: 'const', value });
      return [];
    });
  return fold(block);
}

function constantOf(c: Compilation, source: Source, documents: Documents): Value | undefined {
  switch (source.kind) {
    case 'array':
      return constants(source.items);
    case 'set': {
      const items = constants(source.items);
      return items && setFrom(items);
    }
    case 'object': {
      const keys = constants(source.entries.map(([key]) => key));
      const values = constants(source.entries.map(([, value]) => value));
      return keys && values && objectFromEntries(keys.map((key, i) => [key, values[i] as Value] as const));
    }
    case 'document':
      return c.mockable.has(source.document.name) ? undefined : onlyValue(documents(source.document.id));
    default:
      return undefined;
  }
}

function constants(operands: readonly Operand[]): Value[] | undefined {
  const values = operands.flatMap((each) => (each.kind === 'const' ? [each.value] : []));
  return values.length === operands.length ? values : undefined;
}

/** The value of a document whose only rule has no condition. */
function onlyValue(routine: Routine | undefined): Value | undefined {
  if (routine?.document.kind !== 'complete') return undefined;
  const [rule, otherRule] = routine.rules;
  const [branch, otherBranch] = rule ?? [];
  const [only] = branch?.body ?? [];
  if (otherRule !== undefined || otherBranch !== undefined || only?.op !== 'produce') return undefined;
  return only.value.kind === 'const' ? only.value.value : undefined;
}
