/**
 * Terms: scalars, refs, calls, collections, comprehensions, template strings, and the infix operators above them.
 * White space matters: `a[0]` is a ref, `a [0]` is not. `{a | b}` is a comprehension when `a` is a single term.
 */
import { parseNumber } from '../value/number.ts';
import {
  builtinRef,
  type Comprehension,
  type Expr,
  equation,
  type Ref,
  refTerm,
  scalarName,
  scalarTerm,
  type Term,
  type Var,
} from './ast.ts';
import type { Cursor } from './cursor.ts';
import { syntaxError } from './diagnostic.ts';
import type { Token } from './lexer.ts';
import type { Location } from './location.ts';
import { parseBody, parseLiteral } from './parse-literal.ts';

/** Infix operators by binding, loosest first; `in` stands above them. */
const LEVELS: readonly Readonly<Record<string, string>>[] = [
  { '==': 'equal', '!=': 'neq', '<': 'lt', '>': 'gt', '<=': 'lte', '>=': 'gte' },
  { '|': 'or' },
  { '&': 'and' },
  { '+': 'plus', '-': 'minus' },
  { '*': 'mul', '/': 'div', '%': 'rem' },
];
/** No number has more digits before or after its point. */
const MAX_EXPONENT = 30_000;

const OPERATOR_NAMES: ReadonlySet<string> = new Set([
  ...LEVELS.flatMap((operators) => Object.values(operators)),
  'internal.member_2',
  'internal.member_3',
]);

/** Whether a builtin of this name is written as an operator. */
export function isOperatorName(name: string): boolean {
  return OPERATOR_NAMES.has(name);
}

/** Whether an operator other than `in` stands here. */
export function isInfix({ token }: Cursor): boolean {
  return token.kind === 'punct' && LEVELS.some((operators) => Object.hasOwn(operators, token.text));
}

/** A term with its infix operators. In a list, `a, b in c` is two items and not a membership test with key. */
export function parseInfix(p: Cursor, inList = false): Term {
  return p.nested(() => parseIn(p, inList));
}

function parseIn(p: Cursor, inList: boolean): Term {
  const start = p.location();
  let left = parseLevel(p, 0);
  if (!inList && p.isPunct(',')) {
    const member = p.attempt(() => {
      p.advance();
      const value = parseLevel(p, 0);
      if (!p.isKeyword('in')) return undefined;
      const operator = p.location(p.advance());
      return call(p, 'internal.member_3', [left, value, parseLevel(p, 0)], start, operator);
    });
    if (member === undefined) return left;
    left = member;
  }
  for (p.mayBeginRef(); p.isKeyword('in'); p.mayBeginRef()) {
    const operator = p.location(p.advance());
    const right = p.recovering(() => parseLevel(p, 0));
    if (right === undefined) return left;
    left = call(p, 'internal.member_2', [left, right], start, operator);
  }
  return left;
}

function parseLevel(p: Cursor, level: number): Term {
  const operators = LEVELS[level];
  if (operators === undefined) return parseTerm(p);
  const start = p.location();
  let left = parseLevel(p, level + 1);
  for (;;) {
    const name =
      p.token.kind === 'punct' && Object.hasOwn(operators, p.token.text) ? operators[p.token.text] : undefined;
    if (name === undefined) return left;
    const operator = p.location(p.advance());
    const right = p.recovering(() => parseLevel(p, level + 1));
    if (right === undefined) return left;
    left = call(p, name, [left, right], start, operator);
  }
}

function call(p: Cursor, name: string, args: Term[], start: Location, operator: Location): Term {
  return { kind: 'call', operator: builtinRef(name, operator), args, location: p.span(start) };
}

export function parseTerm(p: Cursor): Term {
  const known = p.remembered(p.index);
  if (known !== undefined) return known;
  const { index } = p;
  const term = p.nested(() => parseNegative(p) ?? finishTerm(p, parsePrimary(p)));
  p.remember(index, term);
  return term;
}

/** `-input.x` is `0 - input.x`; the minus of a number is part of it. */
function parseNegative(p: Cursor): Term | undefined {
  if (!p.isPunct('-')) return undefined;
  const { index } = p;
  const start = p.location(p.advance());
  if (!p.isName()) {
    p.index = index;
    return undefined;
  }
  const subtrahend = finishTerm(p, parseVar(p));
  return call(p, 'minus', [scalarTerm(0, start), subtrahend], start, start);
}

function parsePrimary(p: Cursor): Term {
  const { token } = p;
  const location = p.location();
  if (p.isKeyword('null')) return scalarTerm(null, p.location(p.advance()));
  if (p.isKeyword('true') || p.isKeyword('false')) return scalarTerm(token.text === 'true', p.location(p.advance()));
  if (p.isName()) return parseVar(p);
  switch (token.kind) {
    case 'number':
      return parseNumeral(p);
    case 'string':
      p.advance();
      return scalarTerm(token.value ?? '', location);
    case 'template':
      p.advance();
      return parseTemplate(p, token, location);
    case 'punct':
      if (token.text === '-' || token.text === '.') return parseNumeral(p);
      if (token.text === '[') return parseArray(p);
      if (token.text === '{') return parseSetOrObject(p);
      if (token.text === '(') return parseParenthesised(p);
  }
  return p.illegal();
}

export function parseVar(p: Cursor): Var {
  const token = p.advance();
  const location = p.location(token);
  return token.text === '_' ? p.wildcard(location) : { kind: 'var', name: token.text, location };
}

function parseParenthesised(p: Cursor): Term {
  p.advance();
  const term = parseInfix(p);
  if (!p.isPunct(')')) p.fail('non-terminated expression');
  p.advance();
  return term;
}

function parseNumeral(p: Cursor): Term {
  const start = p.location();
  let text = '';
  if (p.isPunct('-')) text += p.advance().text;
  if (p.isPunct('.')) text += p.advance().text;
  if (p.token.kind !== 'number') p.illegal('expected number');
  const { text: digits } = p.token;
  if (text.endsWith('.') && digits.includes('.')) p.illegal('invalid float');
  if (!text.endsWith('.') && /^0\d/.test(digits)) p.illegal('expected number without leading zero');
  const exponent = /[eE]([+-]?\d+)$/.exec(digits)?.[1];
  if (Math.abs(Number(exponent ?? 0)) > MAX_EXPONENT || digits.length > MAX_EXPONENT) p.fail('number too big');
  p.advance();
  return scalarTerm(parseNumber(text.replace('.', '0.') + digits), p.span(start));
}

/** What may follow a term without white space: `.name`, `[key]`, `(args)`. */
function finishTerm(p: Cursor, head: Term): Term {
  const follows = continuesRef(p);
  if (follows) return parseRef(p, head, false);
  if (head.kind === 'var' && (head.name === 'data' || head.name === 'input')) return refTerm(head, [], head.location);
  return head;
}

function continuesRef(p: Cursor): boolean {
  const { kind, text, spaced } = p.token;
  return kind === 'punct' && !spaced && (text === '.' || text === '[' || text === '(');
}

const REF_HEADS = new Set(['var', 'array', 'object', 'set', 'comprehension', 'call']);

/** A ref or call from its head on; in a rule's head white space before the next part is tolerated once. */
export function parseRef(p: Cursor, head: Term, tolerateSpace: boolean): Term {
  if (!REF_HEADS.has(head.kind)) {
    const name = head.kind === 'scalar' ? scalarName(head.value) : head.kind;
    p.errors.push(syntaxError(`illegal ref (head cannot be ${name})`, head.location));
  }
  let current: Term = head;
  let path: Term[] = [];
  const finish = (): Term =>
    path.length === 0 && current !== head ? current : refTerm(current, path, p.span(head.location));
  let tolerant = tolerateSpace;
  while (continuesRef(p) || (tolerant && (p.isPunct('(') || p.isPunct('[') || p.isPunct('.')))) {
    tolerant = false;
    const { text } = p.token;
    const operator = finish();
    // What a call answers cannot be called.
    if (text === '(' && operator.kind === 'call') return operator;
    const after = p.location(p.advance());
    if (text === '.') {
      if (p.token.spaced) p.illegalSpace(after, 'expected identifier');
      if (p.token.kind !== 'ident') p.illegal('expected identifier');
      const name = p.advance();
      path.push(scalarTerm(name.text, p.location(name)));
    } else if (text === '[') {
      path.push(parseInfix(p));
      p.expectPunct(']', 'expected [');
    } else {
      const args = parseList(p, ')');
      const ref = operator.kind === 'ref' ? operator : refTerm(operator, [], operator.location);
      current = finishCall(p, ref, args, head.location);
      path = [];
    }
  }
  return finish();
}

function finishCall(p: Cursor, operator: Ref, args: Term[], start: Location): Term {
  const location = p.span(start);
  if (operator.head.kind === 'var' && operator.head.name === 'set' && operator.path.length === 0 && args.length === 0) {
    return { kind: 'set', items: [], location };
  }
  if (operator.head.kind === 'var') p.called.add(operator.head.name);
  return { kind: 'call', operator, args, location };
}

/** Terms up to `end`; a comma may stand last. */
function parseList(p: Cursor, end: string, first?: Term): Term[] {
  const items: Term[] = first === undefined ? [] : [first];
  while (!p.isPunct(end)) {
    items.push(parseInfix(p, true));
    if (p.isPunct(',')) p.advance();
    else if (!p.isPunct(end)) p.illegal(`expected "," or "${end}"`);
  }
  p.advance();
  return items;
}

function parseArray(p: Cursor): Term {
  const start = p.location(p.advance());
  if (p.isPunct(',')) p.advance();
  else {
    const comprehension = parseComprehension(p, start, 'array', ']');
    if (comprehension !== undefined) return comprehension;
  }
  const items = parseList(p, ']');
  return { kind: 'array', items, location: p.span(start) };
}

/** A comprehension when a single term and `|` follow; otherwise nothing is consumed. */
function parseComprehension(p: Cursor, start: Location, of: 'array' | 'set', end: string): Comprehension | undefined {
  if (p.isPunct(end)) return undefined;
  const { index } = p;
  const value = parseTerm(p);
  if (p.isPunct('|')) return finishComprehension(p, start, { of, value, key: undefined, end });
  p.index = index;
  return undefined;
}

interface Opened {
  readonly of: 'array' | 'set' | 'object';
  readonly key: Term | undefined;
  readonly value: Term;
  readonly end: string;
}

function finishComprehension(p: Cursor, start: Location, { of, key, value, end }: Opened): Comprehension {
  p.advance();
  const body = parseBody(p, end);
  return { kind: 'comprehension', of, key, value, body, location: p.span(start) };
}

function parseSetOrObject(p: Cursor): Term {
  const start = p.location(p.advance());
  if (p.isPunct('}')) {
    p.advance();
    return { kind: 'object', entries: [], location: p.span(start) };
  }
  if (p.isPunct(',')) p.advance();
  else {
    const comprehension = parseComprehension(p, start, 'set', '}');
    if (comprehension !== undefined) return comprehension;
  }
  const first = parseInfix(p, true);
  if (p.isPunct(':')) return parseObject(p, first, start);
  if (p.isPunct(',')) p.advance();
  else if (!p.isPunct('}')) p.illegal('non-terminated set');
  return { kind: 'set', items: parseList(p, '}', first), location: p.span(start) };
}

function parseObject(p: Cursor, firstKey: Term, start: Location): Term {
  p.advance();
  const { index } = p;
  let value = parseTerm(p);
  if (p.isPunct('|')) {
    const opened: Opened = { of: 'object', key: firstKey, value, end: '}' };
    const comprehension = p.attemptOnce(() => finishComprehension(p, start, opened));
    if (comprehension !== undefined) return comprehension;
  }
  p.index = index;
  value = parseInfix(p, true);
  const entries: [Term, Term][] = [[firstKey, value]];
  while (!p.isPunct('}')) {
    if (!p.isPunct(',')) p.illegal(entries.length === 1 ? 'non-terminated object' : 'expected "," or "}"');
    p.advance();
    if (p.isPunct('}')) break;
    const key = parseInfix(p, true);
    p.expectPunct(':', 'expected ":"');
    entries.push([key, parseInfix(p, true)]);
  }
  p.advance();
  return { kind: 'object', entries, location: p.span(start) };
}

/** `$"a {b}"` is `internal.template_string(["a ", {x | x = b}])`: undefined becomes an empty set. */
function parseTemplate(p: Cursor, token: Token, location: Location): Term {
  if (p.version === 'v0') p.fail('template strings are not supported by current capabilities', location);
  const items: Term[] = [];
  for (const part of token.parts ?? []) {
    if (typeof part === 'string') {
      if (part !== '') items.push(scalarTerm(part, location));
    } else {
      items.push(p.within(part, () => parseTemplatePart(p, location)));
    }
  }
  const [only] = items;
  if (only === undefined) return scalarTerm('', location);
  if (items.length === 1 && only.kind === 'scalar' && typeof only.value === 'string') {
    return scalarTerm(only.value, location);
  }
  p.called.add('internal');
  const list: Term = { kind: 'array', items, location };
  return { kind: 'call', operator: builtinRef('internal.template_string', location), args: [list], location };
}

function parseTemplatePart(p: Cursor, template: Location): Term {
  const { location, ...literal } = parseLiteral(p);
  if (p.token.kind !== 'eof') p.fail('expected } to end template string expression');
  const output = p.hidden(location);
  const term = templateTerm(p, literal, location);
  if (term.kind === 'scalar') return term;
  const body: Expr[] = [{ ...equation(output, term, template), with: literal.with }];
  return { kind: 'comprehension', of: 'set', key: undefined, value: output, body, location, template: true };
}

type Unlocated<T> = T extends unknown ? Omit<T, 'location'> : never;

function templateTerm(p: Cursor, literal: Unlocated<Expr>, location: Location): Term {
  const refuse = (what: string): never => p.fail(`unexpected ${what} in template-string expression`, location);
  if (literal.negated || literal.kind === 'not') return refuse("negation ('not')");
  if (literal.kind === 'term') return literal.term;
  if (literal.kind !== 'call') return refuse(`'${literal.kind === 'some-in' ? 'some' : literal.kind}'`);
  const { operator, args } = literal;
  const name = operator.head.kind === 'var' && operator.path.length === 0 ? operator.head.name : '';
  if (name === 'eq') return refuse("unification ('=')");
  if (name === 'assign') return refuse("assignment (':=')");
  return { kind: 'call', operator, args, location };
}
