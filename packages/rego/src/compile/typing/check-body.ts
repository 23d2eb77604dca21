/** The literals of a body, one after the other: each gives types to variables that the later ones rely on. */
import { ANY, type FunctionType, type Type } from '../../builtins/type.ts';
import { type CallExpr, type Expr, operatorName, type Term, type With } from '../../syntax/ast.ts';
import type { Diagnostic } from '../../syntax/diagnostic.ts';
import { exprBodies, exprTerms, type Visitor, visitBody, visitTerm } from '../../syntax/walk.ts';
import { isUnknown, keysType, valuesType } from './algebra.ts';
import { checkRefs, checkTermRefs } from './check-refs.ts';
import { functionAt } from './document-types.ts';
import { formatType, formatTypes, formatWanted } from './format-type.ts';
import { overlaps } from './overlap.ts';
import { assumeAny, builtinType, checkComprehension, innerScope, type Scope, typeOfPart, typeOfTerm } from './scope.ts';
import { unifyTerms, unifyType } from './unify-types.ts';
import { withScope } from './with-documents.ts';
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
  const replacements = new Set<With>();
  for (const expr of body) {
    for (const modifier of expr.with) {
      if (!replacements.has(modifier)) checkReplacement(scope, modifier, findings);
      replacements.add(modifier);
    }
    checkLiteral(expr.with.length === 0 ? scope : withScope(scope, expr), expr, findings);
  }
  return { scope, findings };
}

/** As in OPA, what replaces something is evaluated before the literal, as one of its own. */
function checkReplacement(scope: Scope, { value, mock }: With, findings: Diagnostic[]): void {
  if (mock?.replacement !== undefined) return;
  findings.push(...comprehensionFindings(scope, (visitor) => visitTerm(value, visitor)));
  checkTermRefs(scope, value, findings);
}

function checkLiteral(scope: Scope, expr: Expr, findings: Diagnostic[]): void {
  const before = findings.length;
  findings.push(
    ...comprehensionFindings(scope, (visitor) => {
      for (const term of exprTerms(expr)) visitTerm(term, visitor);
      for (const body of exprBodies(expr)) visitBody(body, visitor);
    }),
  );
  const inside = findings.length;
  checkRefs(scope, expr, findings);
  const refusal = checkWiths(scope, expr) ?? (expr.kind === 'call' ? checkCall(scope, expr) : undefined);
  if (refusal === undefined) return;
  if (!refusal.consequent || findings.length === before) findings.push(refusal.finding);
  // After a ref that leads nowhere nothing is known; that is said once.
  else if (findings.length > inside && expr.kind === 'call') for (const arg of expr.args) assumeAny(scope, arg);
}

function comprehensionFindings(scope: Scope, visit: (visitor: Visitor) => void): readonly Diagnostic[] {
  const outermost = scope.outer?.outer === undefined;
  const all: Diagnostic[] = [];
  visit({
    term(term) {
      if (term.kind !== 'comprehension') return true;
      // As in OPA, what stands in another comprehension must hold without what that one's literals know, too.
      const isNested = scope.world.comprehensions.has(term);
      const { findings } = isNested ? checkBody(scope, term.body) : checkComprehension(scope, term);
      all.push(...findings);
      return outermost && findings.length === 0;
    },
  });
  return all;
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
  return path === undefined ? builtinType(scope.world, name) : functionAt(scope.world.root, path);
}

function checkCall(scope: Scope, expr: CallExpr): Refusal | undefined {
  const name = operatorName(expr.operator);
  const [left, right] = expr.args;
  const isEquation = (name === 'eq' || (name === 'equal' && expr.inQuery !== true)) && expr.args.length === 2;
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
  return checkMembership(scope, expr, name) ?? checkArguments(scope, expr, type);
}

function checkArguments(scope: Scope, expr: CallExpr, type: FunctionType): Refusal | undefined {
  const expected = type.result === undefined ? type.args : [...type.args, type.result];
  const known = expr.args.map((arg) => typeOfPart(scope, arg));
  for (const [i, arg] of expr.args.entries()) {
    const want = expected[i] ?? type.variadic;
    const have = known[i];
    if (want === undefined || have === undefined) continue;
    // The whole argument first: which kinds of members meet matters too, where it is known.
    if (!isUnknown(have) && !overlaps(have, want)) return wrongArguments(scope, expr, { type, have: known });
    if (!unifyType(scope, arg, want)) {
      return wrongArguments(scope, expr, { type, have: expr.args.map((each) => typeOfPart(scope, each)) });
    }
  }
  return undefined;
}

/** What stands before `in` must be able to be in there. */
function checkMembership(scope: Scope, expr: CallExpr, name: string | undefined): Refusal | undefined {
  const withKey = name === 'internal.member_3';
  if (!withKey && name !== 'internal.member_2') return undefined;
  const [first, second, third] = expr.args;
  const [key, value, domain] = withKey ? [first, second, third] : [undefined, first, second];
  if (value === undefined || domain === undefined) return undefined;
  const type = typeOfPart(scope, domain);
  const values = valuesType(type);
  if (values.kind === 'unknown') return undefined;
  const refusal = key === undefined ? undefined : checkMember(scope, expr, key, keysType(type));
  return refusal ?? checkMember(scope, expr, value, values);
}

function checkMember(scope: Scope, expr: CallExpr, term: Term, type: Type): Refusal | undefined {
  if (isUnknown(type)) return undefined;
  const have = typeOfPart(scope, term);
  const fits = isUnknown(have) || overlaps(have, type);
  return fits && unifyType(scope, term, type) ? undefined : mismatch(expr, [have, type]);
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

function wrongArguments(
  scope: Scope,
  { operator, location }: CallExpr,
  { type, have }: { readonly type: FunctionType; readonly have: readonly Type[] },
): Refusal {
  const details = [`have: ${formatTypes(have)}`, `want: ${formatWanted(type)}`];
  const message = `${writtenRef(scope.world.c, operator)}: invalid argument(s)`;
  const consequent = have.some(isUnknown);
  return { finding: { code: 'rego_type_error', message, location, details }, consequent };
}
