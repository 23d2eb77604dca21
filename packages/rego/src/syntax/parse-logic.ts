/** `and`, `or` and `not`, and what stands beside them: literals, bodies in braces, groups in parentheses. */
import type { Expr, Term } from './ast.ts';
import { refuseBody, refuseOperand, refuseUnion, refuseValue, refuseVoid, refuseWith } from './braced-operand.ts';
import type { Cursor } from './cursor.ts';
import type { Location } from './location.ts';
import { parseBody, parseExpression, parseWiths } from './parse-literal.ts';
import { parseInfix, parseTerm } from './parse-term.ts';

export interface Operand {
  readonly body: Expr[];
  /** With variables of its own. */
  readonly isBraced: boolean;
  readonly start: Location;
}

/** A literal from its first operand on, with what `with` says of all of it. */
export function parseOperators(p: Cursor, first: Operand): Expr {
  const [literal] = parseOr(p, first).body;
  if (literal === undefined) throw new Error('an operand has a literal');
  return p.isKeyword('with') ? { ...literal, with: parseWiths(p) } : literal;
}

function parseOr(p: Cursor, first: Operand): Operand {
  let left = parseAnd(p, first);
  while (p.isKeyword('or')) {
    p.advance();
    left = logic(p, 'or', left, parseAnd(p, parseOperand(p, 'or')));
  }
  return left;
}

function parseAnd(p: Cursor, first: Operand): Operand {
  let left = first;
  while (p.isKeyword('and')) {
    p.advance();
    left = logic(p, 'and', left, parseOperand(p, 'and'));
  }
  return left;
}

function logic(p: Cursor, op: 'and' | 'or', left: Operand, right: Operand): Operand {
  for (const { body } of [left, right]) refuseVoid(p, body, op);
  const expr: Expr = {
    kind: 'logic',
    op,
    left: left.body,
    right: right.body,
    implicitLeft: !left.isBraced,
    implicitRight: !right.isBraced,
    negated: false,
    with: [],
    location: p.span(left.start),
  };
  return { body: [expr], isBraced: false, start: left.start };
}

/** Without an operator it is only a guess that an operand stands here. */
function parseOperand(p: Cursor, operator: 'and' | 'or' | undefined): Operand {
  const start = p.location();
  if (p.isPunct('{')) {
    const body = parseBraces(p, (_, location) => {
      if (operator !== undefined) refuseOperand(p, location, operator);
    });
    refuseUnion(p, start, body, '');
    return { body, isBraced: true, start };
  }
  const isNegated = p.isKeyword('not');
  if (isNegated) p.advance();
  const whole = isNegated ? parseNegatedOperand(p, start) : parseGroup(p, true, '');
  if (whole !== undefined) return whole;
  const literal = parseExpression(p);
  return { body: [isNegated ? negation(p, literal, start) : literal], isBraced: false, start };
}

/** Braces at the start of a literal hold a body only when an operator follows. */
export function parseLeadingBody(p: Cursor): Operand | undefined {
  if (!p.isPunct('{') || !p.hasLogic()) return undefined;
  const start = p.location();
  const body = p.attemptOnce(() => {
    p.advance();
    const literals = parseBody(p, '}');
    return p.logicOperator() === undefined ? undefined : literals;
  });
  if (body === undefined) return undefined;
  if (refuseUnion(p, start, body, '')) p.giveUp();
  return { body, isBraced: true, start };
}

export function parseLeadingGroup(p: Cursor): Operand | undefined {
  return parseGroup(p, false, '');
}

/** `{ … }` or `( … )` behind `not`, once `future.keywords.not` is imported. */
export function parseNegatedOperand(p: Cursor, start: Location): Operand | undefined {
  if (!p.notKeepsInside) return undefined;
  const open = p.location();
  if (p.isPunct('{')) {
    const body = parseBraces(p, (value, location) => refuseValue(p, location, value));
    if (refuseUnion(p, open, body, 'not ')) p.giveUp();
    return negated(p, body, { isImplicit: false, start });
  }
  const group = parseGroup(p, true, 'not ');
  return group && negated(p, group.body, { isImplicit: true, start });
}

/** `not` before a plain literal. */
export function negation(p: Cursor, literal: Expr, start: Location): Expr {
  return p.notKeepsInside ? not(p, [literal], { isImplicit: true, start }) : { ...literal, negated: true };
}

interface Negation {
  readonly isImplicit: boolean;
  readonly start: Location;
}

function negated(p: Cursor, body: Expr[], how: Negation): Operand {
  return { body: [not(p, body, how)], isBraced: false, start: how.start };
}

function not(p: Cursor, body: Expr[], { isImplicit, start }: Negation): Expr {
  return { kind: 'not', body, implicit: isImplicit, negated: false, with: [], location: p.span(start) };
}

/** A body in braces. When it is none but reads as a value, that is refused; otherwise what is wrong with the body. */
function parseBraces(p: Cursor, refuse: (value: Term, location: Location) => void): Expr[] {
  const start = p.location();
  const isEmpty = p.peek(1).text === '}';
  const { result, rethrow } = p.triedOnce(() => {
    p.advance();
    return parseBody(p, '}');
  });
  if (rethrow === undefined) return result;
  if (!isEmpty) {
    const value = p.attempt(() => parseInfix(p));
    if (value !== undefined) refuse(value, p.span(start));
  }
  return rethrow();
}

/** Parentheses that hold or stand beside an operator; others belong to a term. `prefix` is what stands before. */
function parseGroup(p: Cursor, isOperand: boolean, prefix: '' | 'not '): Operand | undefined {
  if (!p.isPunct('(') || !(p.hasLogic() || prefix !== '')) return undefined;
  return p.nested(() => {
    const back = p.mark();
    const start = p.location(p.advance());
    if (p.isPunct(')') && isOperand) p.fail('empty parenthesized group', start);
    const inside = p.mark();
    const first = p.attemptOnce(() => parseOperand(p, undefined));
    if (first?.isBraced === true && p.logicOperator() === undefined) {
      const { text } = p.span(first.start);
      inside();
      if (p.attempt(() => parseTerm(p)) === undefined) refuseBody(p, start, text, prefix);
    }
    const group = first && finishGroup(p, first, { start, isOperand });
    if (group === undefined) back();
    return group;
  });
}

interface Group {
  readonly start: Location;
  readonly isOperand: boolean;
}

function finishGroup(p: Cursor, first: Operand, { start, isOperand }: Group): Operand | undefined {
  if (p.logicOperator() !== undefined) return closed(p, parseOperators(p, first), start);
  const [only] = first.body;
  if (first.isBraced || only === undefined) return undefined;
  if (p.isKeyword('with')) {
    const at = p.location();
    const literal = { ...only, with: parseWiths(p) };
    const operator = p.logicOperator();
    if (operator !== undefined) refuseWith(p, operator, at);
    const group = closed(p, literal, start);
    return isOperand || p.logicOperator() !== undefined ? group : undefined;
  }
  return only.kind === 'logic' || only.kind === 'not' || only.negated ? closed(p, only, start) : undefined;
}

function closed(p: Cursor, literal: Expr, start: Location): Operand {
  if (!p.isPunct(')')) p.fail('expected ) to close parenthesized group');
  p.advance();
  return { body: [literal], isBraced: false, start };
}
