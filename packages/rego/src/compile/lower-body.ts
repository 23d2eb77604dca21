/** Lowering of literals: bodies in evaluation order to statements of the intermediate form. */
import type {
  ArrayTerm,
  CallExpr,
  Comprehension,
  EveryExpr,
  Expr,
  LogicExpr,
  ObjectTerm,
  SetTerm,
  Term,
  With,
} from '../syntax/ast.ts';
import { operatorName, varTerm } from '../syntax/ast.ts';
import type { Location } from '../syntax/location.ts';
import { objectFromEntries } from '../value/object.ts';
import { setFrom } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import type { Compilation } from './context.ts';
import { findFunction } from './functions.ts';
import {
  type Block,
  CALLER,
  type Callee,
  type Comparison,
  type ContextLocal,
  type Label,
  type Local,
  type Modifier,
  type Operand,
  type Source,
  type Stmt,
} from './ir.ts';
import { lowerRef } from './lower-ref.ts';
import { isReady, lowerUnification, matchOperand } from './lower-unify.ts';
import { markLiteral } from './mark-literal.ts';

const COMPARISONS: ReadonlySet<string> = new Set(['equal', 'neq', 'lt', 'lte', 'gt', 'gte']);

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
  if (expr.negated) lowerNegated(b, expr);
  else lowerPositive(b, expr);
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

function lowerBodyInPlace(b: Builder, body: readonly Expr[]): void {
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

/** As OPA rewrites it, refs in the arguments of a negated call stand outside the `not`; those of `=` and `==` inside. */
function lowerNegated(b: Builder, expr: Expr): void {
  if (expr.kind === 'call' && !isEquality(expr)) {
    const args = lowerTerms(b, expr.args);
    lowerExists(b, true, () => finishCall(b, expr, args, undefined));
    return;
  }
  const inside = evaluateOutside(b, expr);
  lowerExists(b, true, () => lowerPositive(b, inside));
}

/** What a negated literal needs before it is evaluated: collections with refs, and refs in the brackets of refs. */
function evaluateOutside(b: Builder, expr: Expr): Expr {
  if (expr.kind === 'term') return { ...expr, term: settleParts(b, expr.term) };
  if (expr.kind === 'call') return { ...expr, args: expr.args.map((arg) => settleParts(b, arg)) };
  return expr;
}

function settleParts(b: Builder, term: Term): Term {
  if (term.kind === 'ref') return { ...term, path: term.path.map((part) => settle(b, part)) };
  return term.kind === 'comprehension' ? term : settle(b, term);
}

/** A term as a variable that already has its value. */
function settle(b: Builder, term: Term): Term {
  if (term.kind === 'scalar' || term.kind === 'var') return term;
  const variable = varTerm(`#${term.kind}${b.local()}`, term.location);
  b.vars.set(variable.name, lowerTerm(b, term));
  return variable;
}

function isEquality(expr: CallExpr): boolean {
  const name = operatorName(expr.operator);
  return name === 'eq' || name === 'equal';
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
      replacement: replacement === undefined ? lowerTerm(b, value) : callee(b, replacement),
    };
  }
  const kind = target.head.kind === 'var' && target.head.name === 'data' ? 'data' : 'input';
  return { kind, path: target.path.map((part) => lowerTerm(b, part)), value: lowerTerm(b, value) };
}

export function callee(b: Builder, name: string): Callee {
  const document = findFunction(b.c, name);
  return document === undefined ? { kind: 'builtin', name } : { kind: 'function', document };
}

function lowerCall(b: Builder, expr: CallExpr): void {
  const name = operatorName(expr.operator) ?? '';
  const [left, right] = expr.args;
  if (name === 'eq' && expr.args.length === 2 && left !== undefined && right !== undefined) {
    lowerUnification(b, left, right);
    return;
  }
  const arity = b.c.builtins.get(name)?.args.length ?? findFunction(b.c, name)?.arity ?? expr.args.length;
  const variadic = b.c.builtins.get(name)?.variadic !== undefined;
  const inputs = variadic ? expr.args : expr.args.slice(0, arity);
  const output = variadic ? undefined : expr.args[arity];
  finishCall(b, expr, lowerTerms(b, inputs), output);
}

function finishCall(b: Builder, expr: CallExpr, args: readonly Operand[], output: Term | undefined): void {
  const name = operatorName(expr.operator) ?? '';
  const [left, right] = args;
  const mocked = b.c.mockable.has(name);
  if (
    COMPARISONS.has(name) &&
    args.length === 2 &&
    output === undefined &&
    !mocked &&
    left !== undefined &&
    right !== undefined
  ) {
    b.emit({ op: 'compare', by: name as Comparison, left, right });
    return;
  }
  const builtin = b.c.builtins.get(name);
  const arity = builtin?.args.length ?? findFunction(b.c, name)?.arity ?? args.length;
  const inputs = builtin?.variadic === undefined ? args.slice(0, arity) : args;
  const value = b.define({
    kind: 'call',
    callee: callee(b, name),
    args: inputs,
    context: b.context,
    location: expr.location,
  });
  const expected = args[arity];
  if (builtin?.relation === true) {
    const solution = b.scan(value, false).value;
    if (output !== undefined) matchOperand(b, output, solution);
    return;
  }
  if (output !== undefined) matchOperand(b, output, value);
  else if (expected !== undefined && builtin?.variadic === undefined)
    b.emit({ op: 'compare', by: 'equal', left: expected, right: value });
  else if (builtin === undefined || builtin.result !== undefined) b.emit({ op: 'truthy', operand: value });
}

/** Evaluates terms of which some may scan and so bind what others need. */
function lowerTerms(b: Builder, terms: readonly Term[]): Operand[] {
  const operands: (Operand | undefined)[] = terms.map(() => undefined);
  for (let left = terms.length, before = left + 1; left > 0 && left < before; ) {
    before = left;
    for (const [i, term] of terms.entries()) {
      if (operands[i] !== undefined || !isReady(b, term)) continue;
      operands[i] = lowerTerm(b, term);
      left -= 1;
    }
  }
  return terms.map((term, i) => operands[i] ?? lowerTerm(b, term));
}

/** Evaluates a term; unbound variables in the brackets of refs are bound by scanning. */
export function lowerTerm(b: Builder, term: Term): Operand {
  switch (term.kind) {
    case 'scalar':
      return { kind: 'const', value: term.value };
    case 'var': {
      const operand = b.vars.get(term.name);
      if (operand === undefined) throw new Error(`variable ${term.name} has no value yet`);
      return operand;
    }
    case 'ref':
      return lowerRef(b, term);
    case 'array':
    case 'set':
      return lowerItems(b, term);
    case 'object':
      return lowerObject(b, term);
    case 'comprehension':
      return lowerComprehension(b, term);
    default:
      return lowerCallTerm(b, term.operator, term.args, term.location);
  }
}

function lowerItems(b: Builder, { kind, items }: ArrayTerm | SetTerm): Operand {
  const operands = lowerTerms(b, items);
  const values = constants(operands);
  if (values === undefined) return b.define({ kind, items: operands });
  return { kind: 'const', value: kind === 'array' ? values : setFrom(values) };
}

function lowerObject(b: Builder, { entries }: ObjectTerm): Operand {
  const keys = entries.map(([key]) => lowerTerm(b, key));
  const items = entries.map(([, value]) => lowerTerm(b, value));
  const [keyValues, itemValues] = [constants(keys), constants(items)];
  if (keyValues !== undefined && itemValues !== undefined) {
    return {
      kind: 'const',
      value: objectFromEntries(keyValues.map((key, i) => [key, itemValues[i] ?? null] as const)),
    };
  }
  return b.define({ kind: 'object', entries: keys.map((key, i) => [key, items[i] ?? key] as const) });
}

/** The values of operands that are all constant. */
function constants(operands: readonly Operand[]): Value[] | undefined {
  const values: Value[] = [];
  for (const operand of operands) {
    if (operand.kind !== 'const') return undefined;
    values.push(operand.value);
  }
  return values;
}

function lowerCallTerm(b: Builder, operator: CallExpr['operator'], args: readonly Term[], location: Location): Operand {
  const operands = lowerTerms(b, args);
  const name = operatorName(operator) ?? '';
  return b.define({ kind: 'call', callee: callee(b, name), args: operands, context: b.context, location });
}

function lowerComprehension(b: Builder, term: Comprehension): Operand {
  const target = b.local();
  const body = b.closure(() => {
    lowerBodyInPlace(b, term.body);
    const value = lowerTerm(b, term.value);
    const { of } = term;
    if (term.key === undefined) b.emit({ op: 'add', of, collector: target, value });
    else b.emit({ op: 'add', of, collector: target, key: lowerTerm(b, term.key), value });
  });
  b.emit({ op: 'collect', of: term.of, target, body, location: term.key?.location ?? term.location });
  return { kind: 'local', local: target };
}
