/** A statement that is written as an expression (`x := 1`, `f(y)`, `p[x]`) is the rule that it looks like. */
import { type CallExpr, type Expr, operatorName, type Ref, type Rule, refTerm, scalarTerm, type Term } from './ast.ts';
import { checkV1 } from './check-v1.ts';
import type { Cursor } from './cursor.ts';
import type { Location } from './location.ts';
import { parseStatementBody } from './parse-literal.ts';
import { trueBody } from './parse-rule.ts';
import { isOperatorName } from './parse-term.ts';
import { headKeywordHint } from './rule-name.ts';
import { valueName } from './value-name.ts';

/** The parts of a head as they stand in an expression. */
interface Declared {
  readonly ref: Ref;
  readonly args?: Term[];
  readonly key?: Term;
  readonly value?: Term;
  readonly generatedValue?: boolean;
}

/** @returns nothing when the statement is no rule, which is said once everything else of the file was understood */
export function parseStatementRule(p: Cursor): Rule[] {
  const body = parseStatementBody(p);
  const [first] = body;
  if (first === undefined) return [];
  const { location } = first;
  const declared = body.length === 1 ? declaration(p, first) : 'multiple expressions cannot be used for rule head';
  if (typeof declared === 'string') {
    const hint = headKeywordHint(p, [nameOf(first), nextName(p, location)]);
    p.later(hint === undefined ? declared : `${declared} (hint: ${hint})`, location);
    return [];
  }
  const { ref, args, key, value, generatedValue = false } = declared;
  const assigned = first.kind === 'call' && operatorName(first.operator) === 'assign';
  const head = { ref, args, key, value, assigned, location };
  const rule: Rule = { head, body: trueBody(location), isDefault: false, else: undefined, location };
  checkV1(p, rule, { hasIf: false, hasContains: false, generatedBody: true, generatedValue });
  return [rule];
}

/** Or why there is none. */
function declaration(p: Cursor, expr: Expr): Declared | string {
  if (expr.with.length > 0) return 'expressions using with keyword cannot be used for rule head';
  if (expr.negated) return 'negated expressions cannot be used for rule head';
  if (expr.kind === 'some' || expr.kind === 'some-in') return "'some' declarations cannot be used for rule head";
  if (expr.kind === 'term') return fromTerm(expr.term);
  return expr.kind === 'call' ? fromCall(p, expr) : 'expression cannot be used for rule head';
}

function fromTerm(term: Term): Declared | string {
  if (term.kind !== 'ref') return `${valueName(term)} cannot be used for rule name`;
  const [member] = term.path;
  if (member === undefined) return 'refs cannot be used for rule head';
  if (term.head.kind !== 'var') return invalidHead(term);
  if (term.path.length > 1) return { ref: term, value: scalarTerm(true, term.location), generatedValue: true };
  return { ref: refTerm(term.head, [], term.head.location), key: member };
}

function fromCall(p: Cursor, { operator, args, location }: CallExpr): Declared | string {
  const name = operatorName(operator) ?? '';
  const [left, value] = args;
  if ((name === 'eq' || name === 'assign') && left !== undefined && value !== undefined)
    return fromEquation(left, value);
  if (name === 'internal.template_string' && location.text.startsWith('$')) {
    return 'templatestring cannot be used for rule name';
  }
  if (isOperatorName(name) || p.isBuiltin(name)) return 'rule name conflicts with built-in function';
  if (args.length === 0) return 'rule argument list must take at least one argument';
  if (operator.head.kind !== 'var') return invalidHead(operator);
  return { ref: operator, args, value: scalarTerm(true, operator.location) };
}

function fromEquation(left: Term, value: Term): Declared | string {
  if (left.kind === 'var') return { ref: refTerm(left, [], left.location), value };
  if (left.kind === 'call' && left.operator.head.kind === 'var') return { ref: left.operator, args: left.args, value };
  if (left.kind !== 'ref') return `${valueName(left)} cannot be used for rule name`;
  return left.head.kind === 'var' ? { ref: left, value } : invalidHead(left);
}

function invalidHead({ location }: Ref): string {
  return `invalid rule head: ${location.text}`;
}

function nameOf(expr: Expr): string {
  return expr.kind === 'term' && expr.term.kind === 'var' ? expr.term.name : '';
}

/** The name that the next statement begins with on the same line. */
function nextName({ token }: Cursor, { row }: Location): string {
  return token.kind === 'ident' && token.row === row ? token.text : '';
}
