/** The literals of a body: terms, `=` and `:=`, `not`, `some`, `every`, and `with`. */
import { builtinRef, type Expr, type Ref, refTerm, type Term, type Var, type With } from './ast.ts';
import { refuseOperand, refuseWith } from './braced-operand.ts';
import type { Cursor } from './cursor.ts';
import type { Location } from './location.ts';
import { negation, parseLeadingBody, parseLeadingGroup, parseNegatedOperand, parseOperators } from './parse-logic.ts';
import { parseInfix, parseTerm, parseVar } from './parse-term.ts';

/** Literals up to and with the closing `end`. */
export function parseBody(p: Cursor, end: string): Expr[] {
  return p.nested(() => {
    if (p.isPunct(end)) p.fail('found empty body');
    const body = parseLiterals(p, end);
    p.expectPunct(end, '');
    return body;
  });
}

/** The literals of a whole text. As in OPA, nothing need stand between them. */
export function parseQuery(p: Cursor): Expr[] {
  const query = parseStatementBody(p);
  while (p.token.kind !== 'eof') query.push(...parseStatementBody(p));
  return query;
}

/** Literals between semicolons. */
export function parseStatementBody(p: Cursor): Expr[] {
  const body = [parseLiteral(p)];
  while (p.isPunct(';')) {
    p.advance();
    body.push(parseLiteral(p));
  }
  return body;
}

/** Literals between line breaks or semicolons, up to `end`, which is not consumed. */
function parseLiterals(p: Cursor, end: string): Expr[] {
  const body: Expr[] = [];
  for (;;) {
    body.push(parseLiteral(p));
    if (p.isPunct(';')) {
      p.advance();
      continue;
    }
    if (p.isPunct(end)) return body;
    if (p.token.newline) continue;
    // What follows an error is no error of its own.
    if (p.errors.length > 0) p.giveUp();
    p.illegal(`expected \\n or ; or ${end}`, infixHint(p));
  }
}

/** What to import when an infix keyword stands here that is none yet. */
function infixHint(p: Cursor): string | undefined {
  const back = p.mark();
  if (p.isPunct(',')) {
    p.advance();
    const value = p.attempt(() => parseInfix(p));
    if (value === undefined || p.token.text !== 'in') {
      back();
      return undefined;
    }
  }
  const hint =
    p.keywordHint('in', 'x in xs', 'expressions') ??
    p.keywordHint('and', 'x and y', 'expressions') ??
    p.keywordHint('or', 'x or y', 'expressions');
  back();
  return hint;
}

export function parseLiteral(p: Cursor): Expr {
  const start = p.location();
  const expr = p.nested(() => parseStatement(p));
  const location = p.span(start);
  if (expr.kind !== 'not' || !expr.implicit) return { ...expr, location };
  return { ...expr, body: expr.body.map((inner) => ({ ...inner, location })), location };
}

function parseStatement(p: Cursor): Expr {
  const first = parseLeadingBody(p) ?? parseLeadingGroup(p);
  if (first !== undefined) return parseOperators(p, first);
  p.mayBeginRef();
  const start = p.location();
  const isNegated = p.isKeyword('not');
  if (isNegated) p.advance();
  const negated = isNegated ? parseNegatedOperand(p, start) : undefined;
  if (negated !== undefined) return parseOperators(p, negated);
  if (isNegated && p.isKeyword('some')) p.illegal("illegal negation of 'some'");
  if (isNegated && p.isKeyword('every')) p.illegal("illegal negation of 'every'");
  if (p.isKeyword('some')) return parseSome(p);
  if (p.isKeyword('every')) return parseEvery(p);
  return parsePlain(p, start, isNegated);
}

function parsePlain(p: Cursor, start: Location, isNegated: boolean): Expr {
  const plain = parseExpression(p);
  const at = p.location();
  const literal: Expr = { ...(isNegated ? negation(p, plain, start) : plain), with: parseWiths(p) };
  const operator = p.logicOperator();
  if (operator === undefined) return literal;
  if (literal.with.length > 0) refuseWith(p, operator, at);
  if (!isNegated && plain.location.text.startsWith('{')) {
    if (plain.kind === 'term' && plain.term.kind === 'object' && plain.term.entries.length === 0) {
      p.fail('found empty body', plain.location);
    }
    refuseOperand(p, plain.location, operator);
  }
  return parseOperators(p, { body: [literal], isBraced: false, start });
}

export function parseExpression(p: Cursor): Expr {
  const start = p.location();
  const left = parseInfix(p);
  const name = p.isPunct(':=') ? 'assign' : p.isPunct('=') ? 'eq' : undefined;
  if (name !== undefined) {
    const operator = builtinRef(name, p.location(p.advance()));
    const args = [left, parseInfix(p)];
    return { kind: 'call', operator, args, negated: false, with: [], location: p.span(start) };
  }
  const location = p.span(start);
  if (left.kind === 'call') {
    return { kind: 'call', operator: left.operator, args: left.args, negated: false, with: [], location };
  }
  return { kind: 'term', term: left, negated: false, with: [], location };
}

export function parseWiths(p: Cursor): With[] {
  const withs: With[] = [];
  while (p.isKeyword('with')) {
    const start = p.location(p.advance());
    if (!p.isIdentifier()) p.illegal('expected ident');
    const target = withTarget(p, parseTerm(p));
    if (!p.isKeyword('as')) p.illegal('expected as keyword');
    p.advance();
    const value = parseInfix(p);
    withs.push({ target, value, location: p.span(start) });
  }
  return withs;
}

function withTarget(p: Cursor, target: Term): Ref {
  if (target.kind === 'ref') return target;
  if (target.kind === 'var') return refTerm(target, [], target.location);
  return p.illegal('expected with target path');
}

interface Membership {
  readonly key: Term | undefined;
  readonly value: Term;
  readonly domain: Term;
}

/** `x in xs` or `k, x in xs`, taken apart. */
function membership(term: Term): Membership | undefined {
  if (term.kind !== 'call') return undefined;
  const [first, second, third] = term.args;
  const name = term.operator.path[0];
  if (term.operator.head.kind !== 'var' || term.operator.head.name !== 'internal') return undefined;
  if (name?.kind !== 'scalar' || first === undefined || second === undefined) return undefined;
  if (name.value === 'member_2') return { key: undefined, value: first, domain: second };
  if (name.value === 'member_3' && third !== undefined) return { key: first, value: second, domain: third };
  return undefined;
}

function parseSome(p: Cursor): Expr {
  const start = p.location(p.advance());
  const member = p.attempt(() => {
    const term = parseInfix(p);
    if (term.kind !== 'call') return undefined;
    return membership(term) ?? p.illegal('expected `x in xs` or `x, y in xs` expression');
  });
  if (member !== undefined) {
    return { kind: 'some-in', ...member, negated: false, with: parseWiths(p), location: p.span(start) };
  }
  const vars: Var[] = [];
  for (;;) {
    if (!p.isIdentifier()) p.illegal('expected var');
    vars.push(parseVar(p));
    if (!p.isPunct(',')) break;
    p.advance();
  }
  return { kind: 'some', vars, negated: false, with: [], location: p.span(start) };
}

function parseEvery(p: Cursor): Expr {
  const start = p.location(p.advance());
  const member = membership(parseInfix(p));
  if (member === undefined) p.illegal('expected `x[, y] in xs { ... }` expression');
  const { key, value, domain } = member;
  if (key !== undefined && key.kind !== 'var') p.illegal('expected key to be a variable');
  if (value.kind !== 'var') p.illegal('expected value to be a variable');
  if (!p.isPunct('{')) p.illegal('missing body');
  p.advance();
  const body = parseBody(p, '}');
  return { kind: 'every', key, value, domain, body, negated: false, with: parseWiths(p), location: p.span(start) };
}
