/** The literals of a body: terms, `=` and `:=`, `not`, `some`, `every`, `and`/`or`, and `with`. */
import { builtinRef, type Expr, operatorName, type Ref, refTerm, type Term, type Var, type With } from './ast.ts';
import type { Cursor } from './cursor.ts';
import type { Location } from './location.ts';
import { parseInfix, parseTerm, parseVar } from './parse-term.ts';

/** Literals up to and with the closing `end`. */
export function parseBody(p: Cursor, end: string): Expr[] {
  return p.nested(() => {
    if (p.isPunct(end)) p.fail('found empty body');
    const body = parseQuery(p, end);
    p.expectPunct(end, '');
    return body;
  });
}

/** Literals between line breaks or semicolons, up to `end` (not consumed) or the end of the text. */
export function parseQuery(p: Cursor, end: string | undefined): Expr[] {
  const isEnd = (): boolean => (end === undefined ? p.token.kind === 'eof' : p.isPunct(end));
  const body: Expr[] = [];
  for (;;) {
    body.push(parseLiteral(p));
    if (p.isPunct(';')) {
      p.advance();
      if (end === undefined && isEnd()) return body;
      continue;
    }
    if (isEnd()) return body;
    if (p.token.newline) continue;
    // What follows an error is no error of its own.
    if (p.errors.length > 0) p.giveUp();
    p.illegal(`expected \\n or ; or ${end ?? 'eof'}`, p.keywordHint('in', 'x in xs', 'expressions'));
  }
}

export function parseLiteral(p: Cursor): Expr {
  const start = p.location();
  const expr = p.nested(() => parseOr(p));
  if (p.isKeyword('with')) {
    const at = p.location();
    expr.with = parseWiths(p);
    for (const operator of ['or', 'and']) if (p.isKeyword(operator)) refuseWith(p, operator, at);
  }
  return { ...expr, location: p.span(start) };
}

function refuseWith(p: Cursor, operator: string, at: Location): never {
  const hint = `Wrap the operand in \`(...)\` or \`{...}\` to scope, or move \`with\` after the \`${operator}\` expression to apply it to the whole expression`;
  return p.fail(`\`with\` modifier is not allowed on operand of \`${operator}\``, at, hint);
}

function parseOr(p: Cursor): Expr {
  const start = p.location();
  let left = parseAnd(p);
  while (p.isKeyword('or')) {
    p.advance();
    left = logic('or', left, parseAnd(p), p.span(start));
  }
  return unbraced(p, left);
}

function parseAnd(p: Cursor): Expr | Expr[] {
  const start = p.location();
  let left = parseOperand(p);
  while (p.isKeyword('and')) {
    p.advance();
    left = logic('and', left, parseOperand(p), p.span(start));
  }
  return left;
}

function logic(op: 'and' | 'or', left: Expr | Expr[], right: Expr | Expr[], location: Location): Expr {
  const body = (side: Expr | Expr[]): Expr[] => (Array.isArray(side) ? side : [side]);
  const [implicitLeft, implicitRight] = [!Array.isArray(left), !Array.isArray(right)];
  return {
    kind: 'logic',
    op,
    left: body(left),
    right: body(right),
    implicitLeft,
    implicitRight,
    negated: false,
    with: [],
    location,
  };
}

/** A braced body stands only beside `and` or `or`; the attempt below never returns it alone. */
function unbraced(p: Cursor, operand: Expr | Expr[]): Expr {
  return Array.isArray(operand) ? p.illegal() : operand;
}

function parseOperand(p: Cursor): Expr | Expr[] {
  const afterOperator = p.afterLogic();
  if (afterOperator && (p.isKeyword('some') || p.isKeyword('every'))) p.illegal();
  if (p.isPunct('{')) {
    const body = p.attemptOnce(() => {
      p.advance();
      const exprs = parseBody(p, '}');
      return afterOperator || p.isKeyword('and') || p.isKeyword('or') ? exprs : undefined;
    });
    if (body !== undefined) return body;
  }
  const group = parseGroup(p, afterOperator);
  if (group !== undefined) return group;
  return parsePlain(p);
}

/** `(a or b)`, beside an operator or behind `not`: a literal, where parentheses otherwise hold a term. */
function parseGroup(p: Cursor, expected: boolean): Expr | undefined {
  if (!p.isPunct('(') || !p.hasLogic()) return undefined;
  return p.attemptOnce(() => {
    p.advance();
    const literal = parseLiteral(p);
    if (!p.isPunct(')') || (literal.kind === 'call' && operatorName(literal.operator) === 'assign')) return undefined;
    p.advance();
    const grouped = expected || literal.kind === 'logic' || literal.with.length > 0;
    return grouped || p.isKeyword('and') || p.isKeyword('or') ? literal : undefined;
  });
}

function parsePlain(p: Cursor): Expr {
  const start = p.location();
  if (p.isKeyword('not')) {
    p.advance();
    if (p.isKeyword('some')) p.illegal("illegal negation of 'some'");
    if (p.isKeyword('every')) p.illegal("illegal negation of 'every'");
    return parseNot(p, start);
  }
  if (p.isKeyword('some')) return parseSome(p);
  if (p.isKeyword('every')) return parseEvery(p);
  return parseExpression(p);
}

function parseNot(p: Cursor, start: Location): Expr {
  if (!p.notKeepsInside) return { ...parseExpression(p), negated: true };
  const braced = p.isPunct('{')
    ? p.attemptOnce(() => {
        p.advance();
        return parseBody(p, '}');
      })
    : undefined;
  const body = braced ?? [parseGroup(p, false) ?? parseExpression(p)];
  return { kind: 'not', body, implicit: braced === undefined, negated: false, with: [], location: p.span(start) };
}

function parseExpression(p: Cursor): Expr {
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

function parseWiths(p: Cursor): With[] {
  const withs: With[] = [];
  while (p.isKeyword('with')) {
    const start = p.location(p.advance());
    if (!p.isName()) p.illegal('expected ident');
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
  if (member !== undefined) return { kind: 'some-in', ...member, negated: false, with: [], location: p.span(start) };
  const vars: Var[] = [];
  for (;;) {
    if (!p.isName()) p.illegal('expected var');
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
  return { kind: 'every', key, value, domain, body, negated: false, with: [], location: p.span(start) };
}
