/**
 * Pass over the intermediate form: `x > time.now_ns() / 1000000000` is in most policies, and the exact division of a
 * 19-digit number is its only slow part. Clock, division and comparison become one test that does not divide.
 */
import type { Block, Comparison, Local, Operand, Source, Stmt } from './ir.ts';
import { countUses, reads } from './ir-uses.ts';

/** The comparison as seen from the other side. */
const MIRRORED: Readonly<Record<string, 'lt' | 'lte' | 'gt' | 'gte'>> = { lt: 'gt', lte: 'gte', gt: 'lt', gte: 'lte' };

type Compare = Extract<Stmt, { op: 'compare' }>;
type Call = Extract<Source, { kind: 'call' }>;

export function fuseClock(block: Block): Block {
  if (!reads(block, (source) => isCall(source, 'time.now_ns'))) return block;
  return fuse(block, countUses(block));
}

function fuse(block: Block, uses: ReadonlyMap<Local, number>): Block {
  const clocks = new Map<Local, Call>();
  const quotients = new Map<Local, { readonly divisor: number; readonly clock: Local }>();
  const dropped = new Set<Local>();
  const result: Block = block.map((stmt) => {
    if (stmt.op === 'let' && uses.get(stmt.target) === 1) {
      if (isCall(stmt.value, 'time.now_ns')) clocks.set(stmt.target, stmt.value);
      const [dividend, divisor] = isCall(stmt.value, 'div') ? stmt.value.args : [];
      const clock = dividend?.kind === 'local' ? clocks.get(dividend.local) : undefined;
      if (clock !== undefined && dividend?.kind === 'local' && isDivisor(divisor)) {
        quotients.set(stmt.target, { divisor: divisor.value, clock: dividend.local });
      }
    }
    if (stmt.op !== 'compare') return fuseInside(stmt, uses);
    const oriented = orient(stmt, quotients);
    const quotient = oriented && quotients.get(oriented.quotient);
    if (oriented === undefined || quotient === undefined) return stmt;
    dropped.add(quotient.clock).add(oriented.quotient);
    return { op: 'clock', by: oriented.by, operand: oriented.operand, divisor: quotient.divisor };
  });
  return dropped.size === 0 ? result : result.filter((stmt) => stmt.op !== 'let' || !dropped.has(stmt.target));
}

function fuseInside(stmt: Stmt, uses: ReadonlyMap<Local, number>): Stmt {
  if (stmt.op === 'either') return { ...stmt, branches: stmt.branches.map((branch) => fuse(branch, uses)) };
  return 'body' in stmt ? { ...stmt, body: fuse(stmt.body, uses) } : stmt;
}

/** The comparison with the quotient on its right. */
function orient(
  { by, left, right }: Compare,
  quotients: ReadonlyMap<Local, unknown>,
): { by: Exclude<Comparison, 'equal' | 'neq'>; operand: Operand; quotient: Local } | undefined {
  const mirrored = MIRRORED[by];
  const straight = mirrored === undefined ? undefined : MIRRORED[mirrored];
  if (mirrored === undefined || straight === undefined) return undefined;
  if (right.kind === 'local' && quotients.has(right.local))
    return { by: straight, operand: left, quotient: right.local };
  if (left.kind === 'local' && quotients.has(left.local)) return { by: mirrored, operand: right, quotient: left.local };
  return undefined;
}

function isCall(value: Source, name: string): value is Call {
  return value.kind === 'call' && value.callee.kind === 'builtin' && value.callee.name === name;
}

function isDivisor(operand: Operand | undefined): operand is { kind: 'const'; value: number } {
  return operand?.kind === 'const' && Number.isSafeInteger(operand.value) && Number(operand.value) > 0;
}
