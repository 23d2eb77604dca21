/** Rules: heads, bodies, `else` chains and defaults; v0's bodies without `if` as well. */
import { type Expr, type Head, type Ref, type Rule, refTerm, scalarName, scalarTerm, type Term } from './ast.ts';
import { checkV1, type Written } from './check-v1.ts';
import { cloneHead, cloneTerm } from './clone.ts';
import { type Cursor } from './cursor.ts';
import type { Location } from './location.ts';
import { parseBody, parseLiteral } from './parse-literal.ts';
import { isInfix, parseInfix, parseRef, parseVar } from './parse-term.ts';
import { refuseDefaultName } from './rule-name.ts';
import { visitTerm } from './walk.ts';

interface Declaration {
  readonly location: Location;
  readonly ref: Ref;
  readonly args: Term[] | undefined;
  readonly key: Term | undefined;
  readonly value: Term | undefined;
  readonly assigned: boolean;
  /** What stands before the value could stand in an expression, too. */
  readonly isTerm: boolean;
}

/** One statement's rules: v0 lets several bodies follow one head. Undefined when it can only be an expression. */
export function parseRules(p: Cursor): Rule[] | undefined {
  const start = p.location();
  p.mayBeginRef();
  const isDefault = p.isKeyword('default');
  if (isDefault) {
    p.advance();
    p.mayBeginRef();
  }
  if (!p.isIdentifier()) {
    if (isDefault) refuseDefaultName(p);
    return undefined;
  }
  const declared = parseHead(p, isDefault);
  if (declared === undefined) return undefined;
  if (isDefault) return [finishDefault(p, declared, start)];
  if (declared.key !== undefined) return finishContains(p, declared, start);
  return finishRule(p, declared, start);
}

function parseHead(p: Cursor, isDefault: boolean): Declaration | undefined {
  const location = p.location();
  const name = parseVar(p);
  if (!p.token.spaced && isInfix(p)) p.illegal();
  const isSpaced = p.token.spaced;
  const begins = !p.token.newline && (p.isPunct('(') || p.isPunct('[') || p.isPunct('.'));
  const term: Term = begins ? p.alsoReporting('expected rule head name', () => parseRef(p, name, true)) : name;
  const parts = headParts(term);
  if (parts === undefined) return undefined;
  const { ref, args } = parts;
  const isTerm = !begins || !isSpaced;
  const written = ref.path.length === 0 ? name.name : ref.location.text;
  if (p.isKeyword('contains')) {
    if (args !== undefined) {
      p.illegal(
        `the contains keyword can only be used with multi-value rule definitions (e.g., ${written} contains <VALUE> { ... })`,
      );
    }
    p.advance();
    const note = `expected rule key term (e.g., ${written} contains <VALUE> { ... })`;
    const key = p.alsoReporting(note, () => parseInfix(p));
    return { location: p.span(location), ref, args, key, value: undefined, assigned: false, isTerm };
  }
  const assigned = p.isPunct(':=');
  let value: Term | undefined;
  if (assigned || p.isPunct('=')) {
    p.advance();
    value = p.alsoReporting(expectedValue(written, { assigned, isFunction: args !== undefined, isDefault }), () =>
      parseInfix(p),
    );
  }
  return { location: p.span(location), ref, args, key: undefined, value, assigned, isTerm };
}

interface Expected {
  readonly assigned: boolean;
  readonly isFunction: boolean;
  readonly isDefault: boolean;
}

function expectedValue(name: string, { assigned, isFunction, isDefault }: Expected): string {
  if (!assigned) return `expected rule value term (e.g., ${name}[<nil>] = <VALUE> { ... })`;
  if (isFunction) return `expected function value term (e.g., ${name}(...) := <VALUE> { ... })`;
  if (isDefault) return `expected default rule value term (e.g., default ${name} := <VALUE>)`;
  return `expected rule value term (e.g., ${name} := <VALUE> { ... })`;
}

function headParts(term: Term): { ref: Ref; args: Term[] | undefined } | undefined {
  if (term.kind === 'var') return { ref: refTerm(term, [], term.location), args: undefined };
  if (term.kind === 'ref' && term.head.kind === 'var') return { ref: term, args: undefined };
  if (term.kind === 'call' && term.operator.head.kind === 'var') return { ref: term.operator, args: term.args };
  return undefined;
}

function toHead(declared: Declaration, value: Term | undefined): Head {
  const { ref, args, key, assigned, location } = declared;
  return { ref, args, key, value, assigned, location };
}

export function trueBody(location: Location): Expr[] {
  return [{ kind: 'term', term: scalarTerm(true, location), negated: false, with: [], location, generated: true }];
}

function finishDefault(p: Cursor, declared: Declaration, start: Location): Rule {
  const location = p.span(start);
  const value = declared.key === undefined ? (declared.value ?? impliedValue(declared)) : undefined;
  if (value === undefined) p.fail('illegal default rule (must have a value)', location);
  checkDefault(p, value, declared.args ?? [], location);
  const rule: Rule = {
    head: toHead(declared, value),
    body: trueBody(location),
    isDefault: true,
    else: undefined,
    location,
  };
  checkV1(p, rule, { hasIf: false, hasContains: false, generatedBody: false, generatedValue: false });
  return rule;
}

/** Without a value it is true, but `p[x]` alone is a set of x. */
function impliedValue({ ref, args, location }: Declaration): Term | undefined {
  return ref.path.length === 1 && args === undefined ? undefined : scalarTerm(true, location);
}

/** A default must not depend on anything; a comprehension may evaluate what it likes. */
function checkDefault(p: Cursor, value: Term, args: readonly Term[], location: Location): void {
  visitTerm(value, {
    term({ kind }) {
      if (kind === 'ref' || kind === 'var' || kind === 'call') {
        p.fail(`illegal default rule (value cannot contain ${kind})`, location);
      }
      return kind !== 'comprehension';
    },
  });
  const names = new Set<string>();
  for (const arg of args) {
    if (arg.kind !== 'var') {
      const what = arg.kind === 'scalar' ? scalarName(arg.value) : arg.kind;
      p.fail(`illegal default rule (arguments cannot contain ${what})`, location);
    }
    if (names.has(arg.name)) p.fail(`illegal default rule (arguments cannot be repeated ${arg.name})`, location);
    names.add(arg.name);
  }
}

function finishContains(p: Cursor, declared: Declaration, start: Location): Rule[] {
  const head = toHead(declared, undefined);
  const hasIf = p.isKeyword('if');
  const hasBody = hasIf || p.isPunct('{');
  const body = hasBody ? parseRuleBody(p) : trueBody(declared.location);
  p.mayBeginRef();
  if (hasBody && p.isKeyword('else')) refuseElse(p, declared);
  const first: Rule = { head, body, isDefault: false, else: undefined, location: p.span(start) };
  const written = { hasIf, hasContains: true, generatedBody: !hasBody, generatedValue: false };
  checkV1(p, first, written);
  return hasBody ? [first, ...chainedBodies(p, first, written)] : [first];
}

function hasVariables({ ref }: Declaration): boolean {
  return ref.path.some((part) => part.kind !== 'scalar');
}

function refuseElse(p: Cursor, declared: Declaration): never {
  const what = hasVariables(declared) ? 'rules with variables in head' : 'multi-value rules';
  return p.fail(`else keyword cannot be used on ${what}`);
}

function finishRule(p: Cursor, declared: Declaration, start: Location): Rule[] | undefined {
  const hasIf = p.isKeyword('if');
  const hasBody = hasIf || p.isPunct('{');
  if (!hasBody) return finishBodiless(p, declared, start);
  const head = ruleHead(declared, hasIf);
  const body = parseRuleBody(p);
  p.mayBeginRef();
  const rule: Rule = { head, body, isDefault: false, else: undefined, location: p.span(start) };
  if (p.isKeyword('else')) {
    if (head.key !== undefined || hasVariables(declared)) refuseElse(p, declared);
    rule.else = parseElse(p, head);
  }
  const written = { hasIf, hasContains: false, generatedBody: false, generatedValue: declared.value === undefined };
  checkV1(p, rule, written);
  return [rule, ...chainedBodies(p, rule, written)];
}

/** An expression like any other, unless it is plain that it reads as the rule that it looks like. */
function finishBodiless(p: Cursor, declared: Declaration, start: Location): Rule[] | undefined {
  // What only looks like the end of the rule is where the error is.
  if (p.errors.length > 0) p.giveUp();
  const goesOn = p.isPunct(';') || p.isKeyword('with') || p.logicOperator() !== undefined;
  if (declared.value === undefined || !declared.isTerm || goesOn) return undefined;
  const head = toHead(declared, declared.value);
  const location = p.span(start);
  return [{ head, body: trueBody(declared.location), isDefault: false, else: undefined, location }];
}

/** v0 reads `p[x] { … }` as a set of x; with `if`, or with a longer ref, a missing value is true. */
function ruleHead(declared: Declaration, hasIf: boolean): Head {
  const { ref, args, value, location } = declared;
  if (value !== undefined) return toHead(declared, value);
  const [member] = ref.path;
  if (!hasIf && args === undefined && ref.path.length === 1 && member !== undefined) {
    return { ...toHead(declared, undefined), ref: refTerm(ref.head, [], ref.location), key: member };
  }
  return toHead(declared, scalarTerm(true, location));
}

/** `if literal`, `if { … }` or v0's `{ … }`. */
function parseRuleBody(p: Cursor): Expr[] {
  if (p.isKeyword('if')) {
    p.advance();
    const literal = p.attempt(() => {
      const expr = parseLiteral(p);
      // A set is never false: `if { true }` is a body.
      return expr.kind === 'term' && expr.term.kind === 'set' ? undefined : expr;
    });
    if (literal !== undefined) return [literal];
    if (!p.isPunct('{')) return [parseLiteral(p)];
  }
  p.expectPunct('{', '');
  return parseBody(p, '}');
}

function parseElse(p: Cursor, head: Head): Rule {
  const start = p.location(p.advance());
  let value: Term = scalarTerm(true, start);
  let assigned = false;
  const hasValue = p.isPunct(':=') || p.isPunct('=');
  if (hasValue) {
    assigned = p.advance().text === ':=';
    value = parseInfix(p);
  } else if (!p.isPunct('{') && !p.isKeyword('if')) {
    p.illegal('expected else value term or rule body');
  }
  const hasIf = p.isKeyword('if');
  const hasBody = hasIf || p.isPunct('{');
  const location = p.span(start);
  const body = hasBody ? parseRuleBody(p) : trueBody(location);
  const args = head.args?.map((arg) => freshWildcards(p, arg));
  const rule: Rule = {
    head: { ...cloneHead(head), args, value, assigned, location },
    body,
    isDefault: false,
    else: undefined,
    location: p.span(start),
  };
  checkV1(p, rule, { hasIf, hasContains: false, generatedBody: !hasBody, generatedValue: !hasValue });
  if (hasBody && p.isKeyword('else')) rule.else = parseElse(p, head);
  return rule;
}

function freshWildcards(p: Cursor, arg: Term): Term {
  return arg.kind === 'var' && arg.name.startsWith('$') ? p.wildcard(arg.location) : cloneTerm(arg);
}

/** v0: `p { … } { … }` are two rules with one head. */
function chainedBodies(p: Cursor, first: Rule, written: Written): Rule[] {
  const rules: Rule[] = [];
  while (p.isPunct('{')) {
    if (first.else !== undefined) p.fail('expected else keyword');
    const start = p.location(p.advance());
    const body = parseBody(p, '}');
    const location = p.span(start);
    const args = first.head.args?.map((arg) => freshWildcards(p, arg));
    const head = { ...cloneHead(first.head), args, location };
    const rule: Rule = { head, body, isDefault: false, else: undefined, location };
    checkV1(p, rule, written);
    rules.push(rule);
  }
  return rules;
}
