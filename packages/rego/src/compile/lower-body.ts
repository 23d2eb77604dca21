/** Lowering of literals: bodies in evaluation order to statements of the intermediate form. */
import type { EveryExpr, Expr, LogicExpr, Term, With } from '../syntax/ast.ts';
import type { Builder } from './builder.ts';
import type { Modifier, Operand } from './ir.ts';
import { callee, lowerCall } from './lower-call.ts';
import { lowerTerm } from './lower-term.ts';
import { markLiteral } from './mark-literal.ts';
import { settleLiteral, settleParts } from './settle.ts';

/** Lowers a body; `leaf` says what happens at each solution. */
export function lowerBody(b: Builder, body: readonly Expr[], leaf: () => void): void {
  for (const expr of body) lowerExpr(b, expr);
  leaf();
}

function lowerExpr(b: Builder, expr: Expr): void {
  if (b.marked) markLiteral(b, expr, () => lowerLiteral(b, expr));
  else lowerLiteral(b, expr);
}

function lowerLiteral(b: Builder, expr: Expr): void {
  const { context } = b;
  if (expr.with.length > 0) lowerWith(b, expr.with);
  const settled = settleLiteral(b, expr);
  if (expr.negated) lowerExists(b, true, () => lowerPositive(b, settled));
  else lowerPositive(b, settled);
  b.context = context;
}

function lowerPositive(b: Builder, expr: Expr): void {
  switch (expr.kind) {
    case 'term':
      b.emit({ op: 'truthy', operand: lowerTerm(b, expr.term) });
      return;
    case 'call':
      return lowerCall(b, expr);
    case 'every':
      return lowerEvery(b, expr);
    case 'not':
      return lowerExists(b, true, () => lowerBodyInPlace(b, expr.body));
    case 'logic':
      return lowerLogic(b, expr);
    default:
      throw new Error(`a pass removes every ${expr.kind}`);
  }
}

export function lowerBodyInPlace(b: Builder, body: readonly Expr[]): void {
  for (const expr of body) lowerExpr(b, expr);
}

function lowerExists(b: Builder, negated: boolean, build: () => void): void {
  const label = b.label();
  const body = b.closure(() => {
    build();
    b.emit({ op: 'leave', label });
  });
  b.emit({ op: 'exists', negated, label, body });
}

function lowerLogic(b: Builder, expr: LogicExpr): void {
  if (expr.op === 'and') {
    lowerExists(b, false, () => lowerBodyInPlace(b, expr.left));
    lowerExists(b, false, () => lowerBodyInPlace(b, expr.right));
    return;
  }
  const label = b.label();
  const branches = [expr.left, expr.right].map((side) =>
    b.closure(() => {
      lowerBodyInPlace(b, side);
      b.emit({ op: 'leave', label });
    }),
  );
  b.emit({ op: 'either', label, branches });
}

function lowerEvery(b: Builder, expr: EveryExpr): void {
  const source = lowerTerm(b, expr.domain);
  const label = b.label();
  const key = b.local();
  const value = b.local();
  const body = b.closure(() => {
    if (expr.key !== undefined) b.vars.set(expr.key.name, { kind: 'local', local: key });
    b.vars.set(expr.value.name, { kind: 'local', local: value });
    lowerBodyInPlace(b, expr.body);
    b.emit({ op: 'leave', label });
  });
  b.emit({ op: 'every', source, key, value, label, body });
}

function lowerWith(b: Builder, withs: readonly With[]): void {
  const modifiers = withs.map((modifier) => lowerModifier(b, modifier));
  const target = b.local();
  b.emit({ op: 'with', target, context: b.context, modifiers });
  b.context = target;
}

function lowerModifier(b: Builder, { target, value, mock }: With): Modifier {
  if (mock !== undefined) {
    const { target: name, replacement } = mock;
    return {
      kind: 'function',
      target: name,
      replacement: replacement === undefined ? lowerWhole(b, value) : callee(b, replacement),
    };
  }
  const kind = target.head.kind === 'var' && target.head.name === 'data' ? 'data' : 'input';
  return { kind, path: target.path.map((part) => lowerTerm(b, part)), value: lowerWhole(b, value) };
}

/** A term on its own, which may hold refs. */
function lowerWhole(b: Builder, term: Term): Operand {
  return lowerTerm(b, settleParts(b, term));
}
