/**
 * Pass: what cannot be equal is not compared, what has no members is not looked into, and functions get arguments they
 * can use. Inference follows the order of evaluation; whatever is not certain is `any`.
 */
import { ANY, type FunctionType, type Type } from '../builtins/type.ts';
import {
  type CallExpr,
  type Comprehension,
  type Expr,
  operatorName,
  type Ref,
  type Rule,
  type Term,
} from '../syntax/ast.ts';
import { chain, childTerms } from '../syntax/walk.ts';
import { primitiveKey } from '../value/key.ts';
import { type Compilation, writtenName } from './context.ts';
import { documentOrder } from './recursion.ts';
import { findNode, type TreeRule, type VirtualDocument } from './rule-tree.ts';
import {
  arrayType,
  formatType,
  keysType,
  memberType,
  objectType,
  overlaps,
  typeOfValue,
  unionOf,
  valuesType,
} from './type-algebra.ts';

/** Types of the variables of one body; closures see those around them. */
class Scope {
  private readonly types = new Map<string, Type>();
  private readonly outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.outer = outer;
  }

  get(name: string): Type | undefined {
    return this.types.get(name) ?? this.outer?.get(name);
  }

  set(name: string, type: Type): void {
    this.types.set(name, type);
  }
}

export function checkTypes(c: Compilation): void {
  const checker = new Checker(c);
  for (const document of documentOrder(c.tree)) checker.document(document);
}

export function checkQueryTypes(c: Compilation, body: readonly Expr[]): void {
  const checker = new Checker(c, true);
  for (const document of documentOrder(c.tree)) checker.document(document);
  checker.silent = false;
  checker.body(new Scope(), body);
}

class Checker {
  silent: boolean;
  private readonly c: Compilation;
  private readonly documents = new Map<VirtualDocument, Type>();

  constructor(c: Compilation, silent = false) {
    this.c = c;
    this.silent = silent;
  }

  document(document: VirtualDocument): void {
    const { rules, defaultRule } = document;
    const all = defaultRule === undefined ? rules : [...rules, defaultRule];
    const types = all.flatMap((each) => chain(each.rule).map((rule) => this.rule(document, { ...each, rule })));
    this.documents.set(document, document.kind === 'function' ? functionUnion(types) : unionOf(types));
  }

  private rule(document: VirtualDocument, { rule, rest, path }: TreeRule): Type {
    const scope = new Scope();
    for (const arg of rule.head.args ?? []) this.assume(scope, arg);
    if (!rule.isDefault) this.body(scope, rule.body);
    return this.ruleType(document, { rule, rest, path }, scope);
  }

  private ruleType(document: VirtualDocument, { rule, rest, path }: TreeRule, scope: Scope): Type {
    const { head } = rule;
    const own = head.key === undefined ? undefined : ({ kind: 'set', member: this.term(scope, head.key) } as const);
    const value = own ?? (head.value === undefined ? ANY : this.term(scope, head.value));
    if (document.kind === 'function') return { kind: 'function', args: argTypes(head, scope, this), result: value };
    if (document.kind !== 'object') return value;
    const below = path.slice(document.path.length);
    const [key] = rest;
    if (below.length === 0 && rest.length === 1 && key !== undefined) {
      return { kind: 'object', properties: [], rest: { key: this.term(scope, key), value } };
    }
    const [name] = below;
    if (below.length === 1 && rest.length === 0 && name !== undefined) return objectType([{ key: name, value }]);
    return ANY;
  }

  /** Arguments can be anything; only their shape is known. */
  private assume(scope: Scope, arg: Term): void {
    if (arg.kind === 'var') scope.set(arg.name, ANY);
    else for (const child of childTerms(arg)) this.assume(scope, child);
  }

  body(scope: Scope, body: readonly Expr[]): void {
    for (const expr of body) this.expr(scope, expr);
  }

  private expr(scope: Scope, expr: Expr): void {
    for (const modifier of expr.with) this.term(scope, modifier.value);
    // What a `with` replaces may have any type.
    if (expr.with.length > 0) return this.bindAll(scope, expr);
    switch (expr.kind) {
      case 'term':
        this.term(scope, expr.term);
        return;
      case 'call':
        return this.call(scope, expr);
      case 'every':
        return this.every(scope, expr);
      case 'not':
        return this.body(new Scope(scope), expr.body);
      case 'logic':
        this.body(new Scope(scope), expr.left);
        this.body(new Scope(scope), expr.right);
        return;
      default:
    }
  }

  private bindAll(scope: Scope, expr: Expr): void {
    if (expr.kind !== 'call') return;
    for (const arg of expr.args) this.bind(scope, arg, ANY);
  }

  private every(scope: Scope, expr: Extract<Expr, { kind: 'every' }>): void {
    const domain = this.term(scope, expr.domain);
    const inner = new Scope(scope);
    if (expr.key !== undefined) inner.set(expr.key.name, keysType(domain) ?? ANY);
    inner.set(expr.value.name, valuesType(domain) ?? ANY);
    this.body(inner, expr.body);
  }

  private call(scope: Scope, expr: CallExpr): void {
    const name = operatorName(expr.operator);
    const [left, right] = expr.args;
    const isEquality = name === 'eq' || name === 'equal';
    if (isEquality && left !== undefined && right !== undefined && expr.args.length === 2) {
      if (!this.unify(scope, left, right)) {
        const types = [
          `left  : ${formatType(this.term(scope, left))}`,
          `right : ${formatType(this.term(scope, right))}`,
        ];
        this.refuse('match error', expr.location, types);
      }
      return;
    }
    const type = this.functionType(name);
    if (type === undefined) return;
    const expected = type.result === undefined ? type.args : [...type.args, type.result];
    for (const [i, arg] of expr.args.entries()) {
      const want = expected[i] ?? type.variadic;
      if (want !== undefined && !this.bind(scope, arg, want)) {
        const have = expr.args.map((each) => formatType(this.known(scope, each))).join(', ');
        const details = [`have: (${have})`, `want: (${expected.map(formatType).join(', ')})`];
        this.refuse(`${name ?? ''}: invalid argument(s)`, expr.location, details);
        return;
      }
    }
  }

  private functionType(name: string | undefined): FunctionType | undefined {
    if (name === undefined) return undefined;
    const builtin = this.c.builtins.get(name);
    if (builtin !== undefined) {
      const { args, result, variadic } = builtin;
      return { kind: 'function', args, result: builtin.relation === true ? ANY : result, variadic };
    }
    const document = this.c.tree.functions.get(name);
    const type = document && this.documents.get(document);
    return type?.kind === 'function' ? type : undefined;
  }

  private unify(scope: Scope, left: Term, right: Term): boolean {
    const known = this.known(scope, left);
    const other = this.known(scope, right);
    if (known !== undefined && other !== undefined) return overlaps(known, other);
    if (known !== undefined) return this.bind(scope, right, known);
    if (other !== undefined) return this.bind(scope, left, other);
    if (left.kind === 'array' && right.kind === 'array') {
      return (
        left.items.length === right.items.length &&
        left.items.every((item, i) => this.unify(scope, item, right.items[i] ?? item))
      );
    }
    this.bind(scope, left, ANY);
    this.bind(scope, right, ANY);
    return true;
  }

  /** The type of a term whose variables all have types. */
  private known(scope: Scope, term: Term): Type | undefined {
    if (term.kind === 'var') return scope.get(term.name);
    if (term.kind === 'array' || term.kind === 'set') {
      const items = term.items.map((item) => this.known(scope, item));
      return items.includes(undefined) ? undefined : this.term(scope, term);
    }
    if (term.kind === 'object') {
      const parts = term.entries.flat().map((item) => this.known(scope, item));
      return parts.includes(undefined) ? undefined : this.term(scope, term);
    }
    return this.term(scope, term);
  }

  /** Gives a term's variables the types that follow from its own; false when it cannot have that type. */
  bind(scope: Scope, term: Term, type: Type): boolean {
    if (term.kind === 'var') {
      const known = scope.get(term.name);
      if (known !== undefined) return overlaps(known, type);
      scope.set(term.name, type);
      return true;
    }
    if (term.kind === 'array') return this.bindArray(scope, term, type);
    if (term.kind === 'object') return this.bindObject(scope, term, type);
    if (term.kind === 'set') {
      for (const item of term.items) this.bind(scope, item, ANY);
    }
    return overlaps(this.term(scope, term), type);
  }

  private bindArray(scope: Scope, term: Extract<Term, { kind: 'array' }>, type: Type): boolean {
    const choices = alternatives(type, 'array');
    if (choices.length === 1 && choices[0]?.kind === 'array') {
      const [choice] = choices;
      if (choice.rest === undefined && choice.items.length !== term.items.length) return false;
      return term.items.every((item, i) => {
        const want = choice.items[i] ?? choice.rest;
        return want !== undefined && this.bind(scope, item, want);
      });
    }
    for (const item of term.items) this.bind(scope, item, ANY);
    return choices.length > 0;
  }

  private bindObject(scope: Scope, term: Extract<Term, { kind: 'object' }>, type: Type): boolean {
    const choices = alternatives(type, 'object');
    const [choice] = choices;
    const only = choices.length === 1 && choice?.kind === 'object' ? choice : undefined;
    if (only !== undefined && only.rest === undefined && only.properties.length !== term.entries.length) return false;
    for (const [key, value] of term.entries) {
      if (key.kind !== 'scalar') this.bind(scope, key, ANY);
      const want = only === undefined || key.kind !== 'scalar' ? ANY : memberType(only, key.value);
      if (want === undefined || !this.bind(scope, value, want)) return false;
    }
    return choices.length > 0;
  }

  /** The type of a term; refs in it are checked on the way. */
  term(scope: Scope, term: Term): Type {
    switch (term.kind) {
      case 'scalar':
        return typeOfValue(term.value);
      case 'var':
        return scope.get(term.name) ?? ANY;
      case 'array':
        return arrayType(term.items.map((item) => this.term(scope, item)));
      case 'set':
        return { kind: 'set', member: unionOf(term.items.map((item) => this.term(scope, item))) };
      case 'object':
        return this.object(scope, term);
      case 'comprehension':
        return this.comprehension(scope, term);
      case 'ref':
        return this.ref(scope, term);
      default:
        return ANY;
    }
  }

  private object(scope: Scope, term: Extract<Term, { kind: 'object' }>): Type {
    const entries = term.entries.map(([key, value]) => ({
      key,
      type: this.term(scope, key),
      value: this.term(scope, value),
    }));
    const properties = entries.flatMap(({ key, value }) => (key.kind === 'scalar' ? [{ key: key.value, value }] : []));
    const dynamic = entries.filter(({ key }) => key.kind !== 'scalar');
    if (dynamic.length === 0) return objectType(properties);
    const rest = { key: unionOf(dynamic.map(({ type }) => type)), value: unionOf(dynamic.map(({ value }) => value)) };
    return { kind: 'object', properties, rest };
  }

  private comprehension(scope: Scope, term: Comprehension): Type {
    const inner = new Scope(scope);
    this.body(inner, term.body);
    const value = this.term(inner, term.value);
    if (term.of === 'array') return { kind: 'array', items: [], rest: value };
    if (term.of === 'set' || term.key === undefined) return { kind: 'set', member: value };
    return { kind: 'object', properties: [], rest: { key: this.term(inner, term.key), value } };
  }

  private ref(scope: Scope, ref: Ref): Type {
    const { type, rest } = this.start(scope, ref);
    let current = type;
    for (const part of rest) {
      const keys = keysType(current);
      const next = keys === undefined ? undefined : this.step(scope, part, current, keys);
      if (next === undefined) {
        this.refuse(`undefined ref: ${this.written(ref)}`, ref.location);
        for (const each of rest) this.bind(scope, each, ANY);
        return ANY;
      }
      current = next;
    }
    return current;
  }

  private step(scope: Scope, part: Term, type: Type, keys: Type): Type | undefined {
    if (part.kind === 'scalar') return memberType(type, part.value);
    return this.bind(scope, part, keys) ? valuesType(type) : undefined;
  }

  /** Where a ref's type is first known, and the path from there. */
  private start(scope: Scope, ref: Ref): { type: Type; rest: readonly Term[] } {
    const { head, path } = ref;
    if (head.kind !== 'var') return { type: this.term(scope, head), rest: path };
    if (head.name !== 'data') return { type: scope.get(head.name) ?? ANY, rest: path };
    let node = findNode(this.c.tree, ['data']);
    for (const [i, part] of path.entries()) {
      const key = part.kind === 'scalar' ? primitiveKey(part.value) : undefined;
      node = key === undefined ? undefined : node?.children.get(key);
      if (node === undefined) break;
      if (node.document !== undefined && node.document.kind !== 'function') {
        return { type: this.documents.get(node.document) ?? ANY, rest: path.slice(i + 1) };
      }
    }
    return { type: ANY, rest: path };
  }

  private written(ref: Ref): string {
    if (ref.head.kind !== 'var' || writtenName(this.c, ref.head.name).startsWith('#')) return ref.location.text;
    return writtenName(this.c, ref.head.name) + ref.path.map((part) => this.writtenPart(part)).join('');
  }

  private writtenPart(part: Term): string {
    if (part.kind === 'var') return `[${writtenName(this.c, part.name)}]`;
    if (part.kind !== 'scalar') return `[${part.location.text}]`;
    if (typeof part.value === 'string' && /^[A-Za-z_]\w*$/.test(part.value)) return `.${part.value}`;
    return `[${JSON.stringify(part.value)}]`;
  }

  private refuse(message: string, location: Expr['location'], details: readonly string[] = []): void {
    if (!this.silent) this.c.diagnostics.push({ code: 'rego_type_error', message, location, details });
  }
}

function argTypes(head: Rule['head'], scope: Scope, checker: Checker): Type[] {
  return (head.args ?? []).map((arg) => checker.term(scope, arg));
}

/** A function with several definitions takes what any of them takes. */
function functionUnion(types: readonly Type[]): Type {
  const functions = types.filter((type) => type.kind === 'function');
  const [first] = functions;
  if (first === undefined) return ANY;
  const args = first.args.map((_, i) => unionOf(functions.map(({ args: each }) => each[i] ?? ANY)));
  return { kind: 'function', args, result: unionOf(functions.map(({ result }) => result)) };
}

function alternatives(type: Type, kind: 'array' | 'object'): readonly Type[] {
  const members = type.kind === 'union' ? type.of : [type];
  return members.filter((each) => each.kind === kind || each.kind === 'any');
}
