/** The literals of a body, one after the other: each gives types to variables that the later ones rely on. */
import { ANY, type FunctionType, type Type } from '../../builtins/type.ts';
import { type CallExpr, type Expr, operatorName } from '../../syntax/ast.ts';
import type { Diagnostic } from '../../syntax/diagnostic.ts';
import { visitExpr } from '../../syntax/walk.ts';
import { isUnknown } from './algebra.ts';
import { checkRefs } from './check-refs.ts';
import { functionAt } from './document-types.ts';
import { formatType, formatTypes, formatWanted } from './format-type.ts';
import { overlaps } from './overlap.ts';
import { assumeAny, builtinType, checkComprehension, innerScope, type Scope, typeOfTerm } from './scope.ts';
import { unifyTerms, unifyType } from './unify-types.ts';
import { writtenRef } from './written-ref.ts';

/** A finding, and whether it only follows from a type that could not be told. */
interface Refusal {
  readonly finding: Diagnostic;
  readonly consequent: boolean;
}

/** Checks a body in a scope of its own, which then knows the types of the body's variables. */
export function checkBody(
  outer: Scope,
  body: readonly Expr[],
): { readonly scope: Scope; readonly findings: readonly Diagnostic[] } {
  const scope = innerScope(outer.world, outer);
  const findings: Diagnostic[] = [];
  for (const expr of body) {
    const before = findings.length;
    checkComprehensions(scope, expr, findings);
    const inside = findings.length;
    checkRefs(scope, expr, findings);
    const refusal = checkWiths(scope, expr) ?? (expr.kind === 'call' ? checkCall(scope, expr) : undefined);
    if (refusal === undefined) continue;
    if (!refusal.consequent || findings.length === before) findings.push(refusal.finding);
    // After a ref that leads nowhere nothing is known; that is said once.
    else if (findings.length > inside && expr.kind === 'call') for (const arg of expr.args) assumeAny(scope, arg);
  }
  return { scope, findings };
}

function checkComprehensions(scope: Scope, expr: Expr, findings: Diagnostic[]): void {
  visitExpr(expr, {
    term(term) {
      if (term.kind !== 'comprehension') return true;
      findings.push(...checkComprehension(scope, term).findings);
      return false;
    },
  });
}

/** A function can only replace one that takes arguments of the same kind. */
function checkWiths(scope: Scope, expr: Expr): Refusal | undefined {
  for (const { target, mock, location } of expr.with) {
    const replaced = functionType(scope, mock?.target);
    const replacement = functionType(scope, mock?.replacement);
    if (replaced === undefined || replacement === undefined || overlaps(replaced, replacement)) continue;
    const details = [`have: ${formatTypes(replacement.args)}`, `want: ${formatTypes(replaced.args)}`];
    const message = `${writtenRef(scope.world.c, target)}: arity mismatch`;
    return { finding: { code: 'rego_type_error', message, location, details }, consequent: false };
  }
  return undefined;
}

function functionType(scope: Scope, name: string | undefined): FunctionType | undefined {
  if (name === undefined) return undefined;
  const path = scope.world.c.tree.functions.get(name)?.path;
  return path === undefined ? builtinType(scope.world, name) : functionAt(scope.world.root, path.slice(1));
}

function checkCall(scope: Scope, expr: CallExpr): Refusal | undefined {
  const name = operatorName(expr.operator);
  const [left, right] = expr.args;
  const isEquation = (name === 'eq' || name === 'equal') && expr.args.length === 2;
  if (isEquation && left !== undefined && right !== undefined) {
    if (expr.generated === true && left.kind === 'var') {
      const { literals } = scope.world;
      literals.set(left.name, (right.kind === 'var' ? literals.get(right.name) : undefined) ?? right);
      // As in OPA, a scalar before brackets is not looked into: `some x in 2` has no solution.
      if (right.kind === 'scalar') return void scope.vars.set(left.name, ANY);
    }
    const types = [typeOfTerm(scope, left), typeOfTerm(scope, right)] as const;
    return unifyTerms(scope, left, right) ? undefined : mismatch(expr, types);
  }
  const type = functionType(scope, name);
  if (type === undefined) return undefined;
  rememberCall(scope, expr, type);
  const expected = type.result === undefined ? type.args : [...type.args, type.result];
  for (const [i, arg] of expr.args.entries()) {
    const want = expected[i] ?? type.variadic;
    if (want !== undefined && !unifyType(scope, arg, want)) return wrongArguments(scope, expr, type);
  }
  return undefined;
}

/** What stands for the result of a call that a pass took out of a term, for messages. */
function rememberCall(scope: Scope, { operator, args, location, generated }: CallExpr, type: FunctionType): void {
  const output = args[type.args.length];
  if (generated !== true || output?.kind !== 'var') return;
  scope.world.literals.set(output.name, { kind: 'call', operator, args: args.slice(0, -1), location });
}

function mismatch({ location }: CallExpr, [left, right]: readonly [Type, Type]): Refusal {
  const details = [`left  : ${formatType(left)}`, `right : ${formatType(right)}`];
  if (left.kind === right.kind && isComposite(left)) {
    details.push(`hint  : both sides are ${left.kind}s but their types differ, so they can never be equal`);
  }
  const finding: Diagnostic = { code: 'rego_type_error', message: 'match error', location, details };
  return { finding, consequent: isUnknown(left) || isUnknown(right) };
}

function isComposite({ kind }: Type): boolean {
  return kind === 'array' || kind === 'object' || kind === 'set';
}

function wrongArguments(scope: Scope, { operator, args, location }: CallExpr, type: FunctionType): Refusal {
  const have = args.map((arg) => typeOfTerm(scope, arg));
  const details = [`have: ${formatTypes(have)}`, `want: ${formatWanted(type)}`];
  const message = `${writtenRef(scope.world.c, operator)}: invalid argument(s)`;
  return { finding: { code: 'rego_type_error', message, location, details }, consequent: false };
}
