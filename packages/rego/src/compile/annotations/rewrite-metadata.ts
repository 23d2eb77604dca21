/**
 * Pass: `rego.metadata.rule()` and `rego.metadata.chain()` become constants: what the `# METADATA` blocks say about the
 * rule that calls, about its document and its packages. Blocks are read only when some policy asks, as in OPA.
 */
import type { Call, CallExpr, Expr, Module, Rule, Term } from '../../syntax/ast.ts';
import { operatorName, scalarTerm } from '../../syntax/ast.ts';
import { compareLocations } from '../../syntax/location.ts';
import { exprBodies, mapChildTerms, visitRule } from '../../syntax/walk.ts';
import type { Value } from '../../value/value.ts';
import { type Compilation, eachRule, isCalled } from '../context.ts';
import { type Attached, attachAnnotations, pathKey, redeclared, rulePath } from './attach-annotations.ts';
import { readAnnotations } from './read-annotations.ts';

const CHAIN = 'rego.metadata.chain';
const RULE = 'rego.metadata.rule';

export function rewriteMetadata(c: Compilation): void {
  if (!c.strict && !isAsked(c)) return;
  const attached = readAll(c);
  if (attached === undefined) return;
  eachRule(c, (rule, module) => {
    const constants = new Map<string, () => Value>([
      [CHAIN, () => chainOf(attached, module, rule)],
      [RULE, () => annotationValue(rulesOwn(attached, rule)[0])],
    ]);
    rewriteRule(rule, constants);
  });
}

function isAsked(c: Compilation): boolean {
  if (!isCalled(c, 'rego')) return false;
  let asked = false;
  eachRule(c, (rule) =>
    visitRule(rule, {
      expr(expr) {
        if (expr.kind === 'call') asked ||= isMetadata(expr);
        return undefined;
      },
      term(term) {
        if (term.kind === 'call') asked ||= isMetadata(term);
        return undefined;
      },
    }),
  );
  return asked;
}

function isMetadata({ operator }: Call | CallExpr): boolean {
  const name = operatorName(operator);
  return name === CHAIN || name === RULE;
}

/** Undefined when what was read is refused. */
function readAll(c: Compilation): readonly Attached[] | undefined {
  const before = c.diagnostics.length;
  const all: Attached[] = [];
  for (const each of c.modules) {
    const { annotations, findings } = readAnnotations(each.comments);
    const { attached, findings: misplaced } = attachAnnotations(each, annotations);
    c.diagnostics.push(...(findings.length > 0 ? findings : misplaced));
    all.push(...attached);
  }
  c.diagnostics.push(...redeclared(all));
  return c.diagnostics.length > before ? undefined : all;
}

/** A rule's own annotations, the nearest first. */
function rulesOwn(attached: readonly Attached[], rule: Rule): Attached[] {
  return attached
    .filter((each) => each.scope === 'rule' && each.rule === rule)
    .toSorted((a, b) => compareLocations(b.annotation.location, a.annotation.location));
}

function chainOf(attached: readonly Attached[], module: Module, rule: Rule): Value {
  const path = rulePath(module, rule);
  const own = rulesOwn(attached, rule);
  const links: Value[] = own.length > 0 ? own.map(link) : [{ path }];
  const at = (scope: string, key: string): Attached[] =>
    attached.filter((each) => each.scope === scope && pathKey(each.path) === key);
  links.push(...at('document', pathKey(path)).map(link));
  links.push(...at('package', pathKey(module.package.path)).map(link));
  for (let length = module.package.path.length; length > 0; length -= 1) {
    links.push(...at('subpackages', pathKey(module.package.path.slice(0, length))).map(link));
  }
  return links;
}

function link(attached: Attached): Value {
  return { annotations: annotationValue(attached), path: attached.path };
}

function annotationValue(attached: Attached | undefined): Value {
  if (attached === undefined) return {};
  const { annotation, scope } = attached;
  return { ...annotation.members, scope, ...(annotation.entrypoint ? { entrypoint: true } : {}) };
}

type Constants = ReadonlyMap<string, () => Value>;

function rewriteRule(rule: Rule, constants: Constants): void {
  const { head } = rule;
  const rewrite = (term: Term): Term => rewriteTerm(term, constants);
  head.ref.path = head.ref.path.map(rewrite);
  if (head.key !== undefined) head.key = rewrite(head.key);
  if (head.value !== undefined) head.value = rewrite(head.value);
  rule.body = rewriteBody(rule.body, constants);
}

function rewriteBody(body: readonly Expr[], constants: Constants): Expr[] {
  return body.map((expr) => rewriteExpr(expr, constants));
}

function rewriteExpr(expr: Expr, constants: Constants): Expr {
  const rewrite = (term: Term): Term => rewriteTerm(term, constants);
  for (const modifier of expr.with) modifier.value = rewrite(modifier.value);
  for (const body of exprBodies(expr)) body.splice(0, body.length, ...rewriteBody(body, constants));
  switch (expr.kind) {
    case 'term':
      expr.term = rewrite(expr.term);
      return expr;
    case 'call': {
      const constant = constantOf(expr, constants);
      if (constant === undefined) {
        expr.args = expr.args.map(rewrite);
        return expr;
      }
      const { negated, with: modifiers, location } = expr;
      return { kind: 'term', term: scalarTerm(constant, location), negated, with: modifiers, location };
    }
    case 'some-in':
    case 'every':
      expr.domain = rewrite(expr.domain);
      return expr;
    default:
      return expr;
  }
}

function constantOf(call: Call | CallExpr, constants: Constants): Value | undefined {
  return call.args.length === 0 ? constants.get(operatorName(call.operator) ?? '')?.() : undefined;
}

function rewriteTerm(term: Term, constants: Constants): Term {
  const constant = term.kind === 'call' ? constantOf(term, constants) : undefined;
  if (constant !== undefined) return scalarTerm(constant, term.location);
  mapChildTerms(term, (child) => rewriteTerm(child, constants));
  if (term.kind === 'comprehension') term.body = rewriteBody(term.body, constants);
  return term;
}
