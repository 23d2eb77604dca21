/** Rules: heads, bodies, `else` chains and defaults; v0's bodies without `if` as well. */
import { type Expr, type Head, type Ref, type Rule, refTerm, scalarName, scalarTerm, type Term } from './ast.ts';
import { cloneHead, cloneTerm } from './clone.ts';
import type { Cursor } from './cursor.ts';
import type { Location } from './location.ts';
import { parseBody, parseLiteral } from './parse-literal.ts';
import { parseInfix, parseRef, parseVar } from './parse-term.ts';
import { visitTerm } from './walk.ts';

interface Declaration {
  readonly location: Location;
  readonly ref: Ref;
  readonly args: Term[] | undefined;
  readonly key: Term | undefined;
  readonly value: Term | undefined;
  readonly assigned: boolean;
}

/** One statement's rules: v0 lets several bodies follow one head. */
export function parseRules(p: Cursor): Rule[] {
  const start = p.location();
  const isDefault = p.isKeyword('default');
  if (isDefault) p.advance();
  checkRuleName(p);
  const declared = parseHead(p, isDefault);
  if (isDefault) return [finishDefault(p, declared, start)];
  if (declared.key !== undefined) return finishContains(p, declared, start);
  return finishRule(p, declared, start);
}

/** What begins a statement and cannot be a rule's name. */
function checkRuleName(p: Cursor): void {
  const { kind, text } = p.token;
  if (kind === 'string' || kind === 'number') p.noRule(`${kind} cannot be used for rule name`);
  if (p.isPunct('[')) p.noRule('array cannot be used for rule name');
  if (kind !== 'ident') p.illegal();
  if (!p.isReserved(text) || p.beginsRef()) return;
  if (text === 'null') p.noRule('null cannot be used for rule name');
  if (text === 'true' || text === 'false') p.noRule('boolean cannot be used for rule name');
  const { kind: nextKind, text: next } = p.peek(1);
  const named = p.startsAssignment() || (nextKind === 'punct' && next === '(');
  if (named && text !== 'else' && text !== 'with') p.fail(`${text} keyword cannot be used for rule name`);
  p.illegal();
}

function parseHead(p: Cursor, isDefault: boolean): Declaration {
  const location = p.location();
  const name = parseVar(p);
  const tolerant = !p.token.newline;
  const begins = tolerant && (p.isPunct('(') || p.isPunct('[') || p.isPunct('.'));
  const term: Term = begins ? p.alsoReporting('expected rule head name', () => parseRef(p, name, true)) : name;
  const { ref, args } = headParts(p, term);
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
    return { location: p.span(location), ref, args, key, value: undefined, assigned: false };
  }
  const assigned = p.isPunct(':=');
  let value: Term | undefined;
  if (assigned || p.isPunct('=')) {
    p.advance();
    value = p.alsoReporting(expectedValue(written, { assigned, isFunction: args !== undefined, isDefault }), () =>
      parseInfix(p),
    );
  }
  return { location: p.span(location), ref, args, key: undefined, value, assigned };
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

function headParts(p: Cursor, term: Term): { ref: Ref; args: Term[] | undefined } {
  if (term.kind === 'var') return { ref: refTerm(term, [], term.location), args: undefined };
  if (term.kind === 'ref' && term.head.kind === 'var') return { ref: term, args: undefined };
  if (term.kind === 'call' && term.operator.head.kind === 'var') return { ref: term.operator, args: term.args };
  return p.illegal('expected rule head name');
}

function toHead(declared: Declaration, value: Term | undefined): Head {
  const { ref, args, key, assigned, location } = declared;
  return { ref, args, key, value, assigned, location };
}

function trueBody(location: Location): Expr[] {
  return [{ kind: 'term', term: scalarTerm(true, location), negated: false, with: [], location, generated: true }];
}

function finishDefault(p: Cursor, declared: Declaration, start: Location): Rule {
  const location = p.span(start);
  if (declared.key !== undefined || declared.value === undefined) {
    p.fail('illegal default rule (must have a value)', location);
  }
  checkDefault(p, declared.value, declared.args ?? [], location);
  const head = toHead(declared, declared.value);
  return { head, body: trueBody(location), isDefault: true, else: undefined, location };
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
  if (p.strictV1 && p.isPunct('{')) p.later('`if` keyword is required before rule body', declared.location);
  const hasBody = p.isKeyword('if') || p.isPunct('{');
  const body = hasBody ? parseRuleBody(p) : trueBody(declared.location);
  if (hasBody && p.isKeyword('else')) refuseElse(p, declared);
  const first: Rule = { head, body, isDefault: false, else: undefined, location: p.span(start) };
  return hasBody ? [first, ...chainedBodies(p, first)] : [first];
}

function hasVariables({ ref }: Declaration): boolean {
  return ref.path.some((part) => part.kind !== 'scalar');
}

function refuseElse(p: Cursor, declared: Declaration): never {
  const what = hasVariables(declared) ? 'rules with variables in head' : 'multi-value rules';
  return p.fail(`else keyword cannot be used on ${what}`);
}

function finishRule(p: Cursor, declared: Declaration, start: Location): Rule[] {
  const hasIf = p.isKeyword('if');
  const hasBody = hasIf || p.isPunct('{');
  const head = ruleHead(p, declared, hasIf, hasBody);
  if (p.strictV1) checkStrictHead(p, declared, head, { hasIf, hasBody });
  if (!hasBody) {
    // What only looks like the end of the rule is where the error is.
    if (p.errors.length > 0) p.giveUp();
    if (p.isPunct(';')) p.noRule('multiple expressions cannot be used for rule head', start);
    return [{ head, body: trueBody(declared.location), isDefault: false, else: undefined, location: p.span(start) }];
  }
  const body = parseRuleBody(p);
  const rule: Rule = { head, body, isDefault: false, else: undefined, location: p.span(start) };
  if (p.isKeyword('else')) {
    if (head.key !== undefined || hasVariables(declared)) refuseElse(p, declared);
    rule.else = parseElse(p, head);
  }
  return [rule, ...chainedBodies(p, rule)];
}

/** v0 reads `p[x] { … }` as a set of x; with `if`, or with a longer ref, a missing value is true. */
function ruleHead(p: Cursor, declared: Declaration, hasIf: boolean, hasBody: boolean): Head {
  const { ref, args, value, location } = declared;
  if (value !== undefined) return toHead(declared, value);
  const [member] = ref.path;
  if (!hasIf && args === undefined && ref.path.length === 1 && member !== undefined) {
    return { ...toHead(declared, undefined), ref: refTerm(ref.head, [], ref.location), key: member };
  }
  if (!hasBody && args === undefined && ref.path.length === 0) {
    const hint = p.keywordHint('if', 'p if { ... }', 'rules') ?? p.keywordHint('contains', 'p contains x', 'rules');
    p.noRule('var cannot be used for rule name', location, hint);
  }
  if (!hasBody && args?.length === 0) p.noRule('rule argument list must take at least one argument', location);
  return toHead(declared, scalarTerm(true, location));
}

function checkStrictHead(
  p: Cursor,
  declared: Declaration,
  head: Head,
  { hasIf, hasBody }: { hasIf: boolean; hasBody: boolean },
): void {
  const what = (declared.args ?? []).length === 0 ? 'rule' : 'function';
  if (hasBody && !hasIf) p.later(`\`if\` keyword is required before ${what} body`, declared.location);
  else if (head.key !== undefined) p.later('`contains` keyword is required for partial set rules', declared.location);
  else if (!hasBody && declared.value === undefined && declared.args === undefined) {
    p.later('rule must have value assignment and/or body declaration', declared.location);
  }
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
  if (p.isPunct(':=') || p.isPunct('=')) {
    assigned = p.advance().text === ':=';
    value = parseInfix(p);
  } else if (!p.isPunct('{') && !p.isKeyword('if')) {
    p.illegal('expected else value term or rule body');
  }
  const hasBody = p.isKeyword('if') || p.isPunct('{');
  if (p.strictV1 && p.isPunct('{')) p.later('`if` keyword is required before rule body', start);
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
  if (hasBody && p.isKeyword('else')) rule.else = parseElse(p, head);
  return rule;
}

function freshWildcards(p: Cursor, arg: Term): Term {
  return arg.kind === 'var' && arg.name.startsWith('$') ? p.wildcard(arg.location) : cloneTerm(arg);
}

/** v0: `p { … } { … }` are two rules with one head. */
function chainedBodies(p: Cursor, first: Rule): Rule[] {
  const rules: Rule[] = [];
  while (p.isPunct('{')) {
    if (first.else !== undefined) p.fail('expected else keyword');
    const start = p.location(p.advance());
    const body = parseBody(p, '}');
    const location = p.span(start);
    const args = first.head.args?.map((arg) => freshWildcards(p, arg));
    rules.push({
      head: { ...cloneHead(first.head), args, location },
      body,
      isDefault: false,
      else: undefined,
      location,
    });
  }
  return rules;
}
