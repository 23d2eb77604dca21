/** A syntax tree as the JSON that OPA makes of its own (`opa parse --format json`, `rego.parse_module`). */
import { compare } from '../value/compare.ts';
import type { Value } from '../value/value.ts';
import type { Call, CallExpr, Comprehension, Expr, Import, Module, NotExpr, Ref, Rule, Term } from './ast.ts';
import { operatorName } from './ast.ts';

type Json = Record<string, Value>;

export function moduleJson({ package: { path }, imports, rules, comments }: Module): Value {
  return {
    package: { path: [typed('var', 'data'), ...path.map((name) => typed('string', name))] },
    ...(imports.length > 0 ? { imports: imports.map(importJson) } : {}),
    ...(rules.length > 0 ? { rules: rules.map(ruleJson) } : {}),
    ...(comments.length > 0
      ? {
          comments: comments.map(({ text, location: { file, row, col } }) => ({
            Location: { file, row, col },
            Text: base64(text),
          })),
        }
      : {}),
  };
}

function typed(type: string, value: Value): Json {
  return { type, value };
}

function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join(''));
}

function importJson({ path, alias }: Import): Value {
  return { path: refJson(path), ...(alias === undefined ? {} : { alias }) };
}

function ruleJson(rule: Rule): Value {
  return {
    body: bodyJson(rule.body),
    head: headJson(rule),
    ...(rule.isDefault ? { default: true } : {}),
    ...(rule.else === undefined ? {} : { else: ruleJson(rule.else) }),
  };
}

function headJson({ head }: Rule): Value {
  const { ref, args, key, value, assigned } = head;
  const name = ref.head.kind === 'var' ? ref.head.name : '';
  const [only, second] = ref.path;
  // A ref of two parts without arguments is what v0 called a partial object: its key is the second part.
  const isPair = key === undefined && args === undefined && only !== undefined && second === undefined;
  const hasValue = isPair && value !== undefined && value.location.offset !== head.location.offset;
  return {
    ref: [termJson(ref.head), ...ref.path.map(termJson)],
    ...(only === undefined || hasValue ? { name } : {}),
    ...(args === undefined || args.length === 0 ? {} : { args: args.map(termJson) }),
    ...(key === undefined ? {} : { key: termJson(key) }),
    ...(isPair && (hasValue || only.kind !== 'scalar') ? { key: termJson(only) } : {}),
    ...(value === undefined ? {} : { value: termJson(value) }),
    ...(assigned ? { assign: true } : {}),
  };
}

function bodyJson(body: readonly Expr[]): Value {
  return body.map((expr, index) => ({
    index,
    terms: termsJson(expr),
    ...(expr.negated ? { negated: true } : {}),
    ...(expr.generated === true ? { generated: true } : {}),
    ...(expr.with.length > 0
      ? { with: expr.with.map(({ target, value }) => ({ target: termJson(target), value: termJson(value) })) }
      : {}),
  }));
}

function termsJson(expr: Expr): Value {
  switch (expr.kind) {
    case 'term':
      return termJson(expr.term);
    case 'call':
      return callJson(expr);
    case 'some':
      return { symbols: expr.vars.map(termJson) };
    case 'some-in': {
      const { key, value, domain } = expr;
      const args = key === undefined ? [value, domain] : [key, value, domain];
      const name = [typed('var', 'internal'), typed('string', `member_${args.length}`)];
      return { symbols: [typed('call', [typed('ref', name), ...args.map(termJson)])] };
    }
    case 'every': {
      const { key, value, domain, body } = expr;
      const parts = { key: key === undefined ? null : termJson(key), value: termJson(value) };
      return { ...parts, domain: termJson(domain), body: bodyJson(body) };
    }
    case 'not':
      return { type: 'not', body: bodyJson(expr.body), explicit_body: isBraced(expr) };
    default:
      return { type: expr.op, lhs: bodyJson(expr.left), rhs: bodyJson(expr.right) };
  }
}

/** `not { x }`, and not `not {x | y}`. */
function isBraced({ body, location }: NotExpr): boolean {
  const before = /^not\s*/.exec(location.text)?.[0].length ?? 0;
  return location.text[before] === '{' && body[0]?.location.offset !== location.offset + before;
}

function callJson({ operator, args }: Call | CallExpr): Value[] {
  return [refJson(operator), ...args.map(termJson)];
}

function refJson({ head, path }: Ref): Value {
  return typed('ref', [termJson(head), ...path.map(termJson)]);
}

function termJson(term: Term): Value {
  switch (term.kind) {
    case 'scalar':
      return scalarJson(term.value);
    case 'var':
      return typed('var', term.name);
    case 'ref':
      return refJson(term);
    case 'array':
      return typed('array', term.items.map(termJson));
    case 'set':
      return typed('set', term.items.toSorted(compareTerms).map(termJson));
    case 'object': {
      const entries = term.entries.toSorted(([a], [b]) => compareTerms(a, b));
      return typed(
        'object',
        entries.map(([key, value]) => [termJson(key), termJson(value)]),
      );
    }
    case 'call':
      return templateJson(term) ?? typed('call', callJson(term));
    default:
      return comprehensionJson(term);
  }
}

/** `$"a {b}"`, which is a call here. */
function templateJson({ operator, args, location }: Call): Value | undefined {
  const [list] = args;
  const isTemplate = operatorName(operator) === 'internal.template_string' && location.text.startsWith('$');
  if (!isTemplate || list?.kind !== 'array') return undefined;
  const parts = list.items.map((part) => {
    const [filled] = part.kind === 'comprehension' ? part.body : [];
    if (filled?.kind !== 'call') return termJson(part);
    const value = filled.args[1];
    if (value === undefined) return termJson(part);
    return { index: 0, terms: value.kind === 'call' ? callJson(value) : termJson(value) };
  });
  return typed('templatestring', { multi_line: location.text.startsWith('$`'), parts });
}

/** Constants in their order; anything else stays where it is. */
function compareTerms(a: Term, b: Term): number {
  return a.kind === 'scalar' && b.kind === 'scalar' ? compare(a.value, b.value) : 0;
}

function scalarJson(value: Value): Value {
  if (value === null) return typed('null', {});
  if (typeof value === 'string' || typeof value === 'boolean') return typed(typeof value, value);
  return typed('number', value);
}

function comprehensionJson({ of, key, value, body }: Comprehension): Value {
  const parts = key === undefined ? { term: termJson(value) } : { key: termJson(key), value: termJson(value) };
  return typed(`${of}comprehension`, { ...parts, body: bodyJson(body) });
}
