/**
 * Pass over the intermediate form: `object.get(x, ["a", "b"], y)` with a constant path first reads `x.a.b` where it
 * stands, as a ref is read. Only what is not found there, or is no object, is left to the builtin.
 */
import type { Value } from '../value/value.ts';
import type { Compilation } from './context.ts';
import type { Fresh } from './inline-functions.ts';
import type { Block, Operand, Source, Stmt } from './ir.ts';
import { mapStmt, substitution } from './ir-map.ts';
import { reads } from './ir-uses.ts';

type Call = Extract<Source, { kind: 'call' }>;

export function openObjectGet(c: Compilation, block: Block, fresh: Fresh): Block {
  if (c.mockable.has('object.get') || !reads(block, isObjectGet)) return block;
  const same = substitution(new Map());
  const visit = (stmts: Block): Block =>
    stmts.map((stmt): Stmt => {
      const call = stmt.op === 'let' && isObjectGet(stmt.value) ? stmt.value : undefined;
      const path = constantPath(call?.args[1]);
      const [object] = call?.args ?? [];
      if (stmt.op !== 'let' || path === undefined || object === undefined) return mapStmt(stmt, same, visit);
      const label = fresh.label();
      const found = readPath(object, path, fresh);
      const branches: Block[] = [
        [...found.reads, { op: 'let', target: stmt.target, value: { kind: 'operand', operand: found.value } }],
        [stmt],
      ];
      return { op: 'either', label, branches: branches.map((branch) => [...branch, { op: 'leave', label }]) };
    });
  return visit(block);
}

function isObjectGet(value: Source): value is Call {
  return value.kind === 'call' && value.callee.kind === 'builtin' && value.callee.name === 'object.get';
}

function constantPath(operand: Operand | undefined): readonly string[] | undefined {
  if (operand?.kind !== 'const') return undefined;
  const keys: readonly Value[] = Array.isArray(operand.value) ? (operand.value as readonly Value[]) : [operand.value];
  const names = keys.filter((key) => typeof key === 'string');
  return names.length === keys.length && names.length > 0 ? names : undefined;
}

function readPath(object: Operand, path: readonly string[], fresh: Fresh): { reads: Stmt[]; value: Operand } {
  const reads: Stmt[] = [];
  let source = object;
  for (const [i, name] of path.entries()) {
    const target = fresh.local();
    const of = i === 0 ? 'object' : 'value';
    reads.push({ op: 'let', target, value: { kind: 'dot', source, key: { kind: 'const', value: name }, of } });
    source = { kind: 'local', local: target };
  }
  return { reads, value: source };
}
