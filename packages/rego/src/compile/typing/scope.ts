/** What is known while a body is checked: the types of variables, documents and functions, and how terms get theirs. */
import { ANY, type FunctionType, type Type } from '../../builtins/type.ts';
import type { Comprehension, Expr, ObjectTerm, Ref, Term } from '../../syntax/ast.ts';
import type { Diagnostic } from '../../syntax/diagnostic.ts';
import { visitTerm } from '../../syntax/walk.ts';
import { primitiveKey } from '../../value/key.ts';
import { objectFromEntries } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import type { Compilation } from '../context.ts';
import type { Dependencies } from '../recursion.ts';
import {
  either,
  isEmpty,
  memberType,
  normalized,
  objectType,
  typeOfKey,
  UNKNOWN,
  unionOf,
  valuesType,
} from './algebra.ts';
import { extentOf, newTypeNode, type TypeNode } from './document-types.ts';

interface CheckedComprehension {
  readonly type: Type;
  readonly findings: readonly Diagnostic[];
}

/** What all scopes of one compilation share. */
export interface TypeWorld {
  readonly c: Compilation;
  /** The documents of all rules, from `data` on. */
  readonly root: TypeNode;
  /** Which documents a `with` makes uncertain, by its target. */
  readonly uncertain: Map<string, TypeNode | undefined>;
  /** Which documents read which; filled by the first `with`. */
  reads: Dependencies | undefined;
  /** Builtins that were asked for. */
  readonly functions: Map<string, FunctionType>;
  readonly comprehensions: Map<Comprehension, CheckedComprehension>;
  /** What stands before the brackets of `[1, 2][x]`, by the variable that a pass put in its place. */
  readonly literals: Map<string, Term>;
  /** Checks a body in a scope of its own, and answers with that scope. */
  readonly checkBody: (scope: Scope, body: readonly Expr[]) => { scope: Scope; findings: readonly Diagnostic[] };
}

export interface Scope {
  readonly world: TypeWorld;
  readonly vars: Map<string, Type>;
  /** What a `with` says of documents, from `data` and `input` on. */
  readonly documents: TypeNode | undefined;
  readonly outer: Scope | undefined;
}

export function newWorld(c: Compilation, checkBody: TypeWorld['checkBody']): TypeWorld {
  return {
    c,
    root: newTypeNode(),
    uncertain: new Map(),
    reads: undefined,
    functions: new Map(),
    comprehensions: new Map(),
    literals: new Map(),
    checkBody,
  };
}

export function innerScope(world: TypeWorld, outer?: Scope): Scope {
  return { world, vars: new Map(), documents: undefined, outer };
}

/** The trees of documents from the innermost `with` out to the rules. */
export function* documentTrees(scope: Scope): Generator<TypeNode> {
  for (let each: Scope | undefined = scope; each !== undefined; each = each.outer) {
    if (each.documents !== undefined) yield each.documents;
  }
  yield scope.world.root;
}

export function typeOfVar(scope: Scope, name: string): Type {
  for (let each: Scope | undefined = scope; each !== undefined; each = each.outer) {
    const type = each.vars.get(name);
    if (type !== undefined) return type;
  }
  return name === 'input' || name === 'data' ? ANY : UNKNOWN;
}

export function builtinType(world: TypeWorld, name: string): FunctionType | undefined {
  const known = world.functions.get(name);
  if (known !== undefined) return known;
  const builtin = world.c.builtins.get(name);
  if (builtin === undefined) return undefined;
  const type: FunctionType = {
    kind: 'function',
    args: builtin.args.map(normalized),
    result: builtin.result && normalized(builtin.result),
    variadic: builtin.variadic && normalized(builtin.variadic),
  };
  world.functions.set(name, type);
  return type;
}

export function typeOfTerm(scope: Scope, term: Term): Type {
  switch (term.kind) {
    case 'scalar':
      return typeOfKey(term.value);
    case 'var':
      return typeOfVar(scope, term.name);
    case 'array':
      return { kind: 'array', items: term.items.map((item) => typeOfPart(scope, item)) };
    case 'set': {
      if (term.items.length === 0) return { kind: 'set' };
      const member = unionOf(term.items.map((item) => typeOfPart(scope, item)));
      return { kind: 'set', member: member.kind === 'unknown' ? ANY : member };
    }
    case 'object':
      return typeOfObject(scope, term);
    case 'comprehension':
      return checkComprehension(scope, term).type;
    case 'ref':
      return typeOfRef(scope, term);
    default:
      return UNKNOWN;
  }
}

/** Inside a collection or a call a ref that leads nowhere, reported as such, is like any value. */
export function typeOfPart(scope: Scope, term: Term): Type {
  const type = typeOfTerm(scope, term);
  return term.kind === 'ref' && type.kind === 'unknown' ? ANY : type;
}

function typeOfObject(scope: Scope, { entries }: ObjectTerm): Type {
  const properties = new Map<string, { key: Value; value: Type }>();
  let rest: { key: Type; value: Type } | undefined;
  for (const [key, value] of entries) {
    const constant = constantOf(key);
    const type = typeOfPart(scope, value);
    // As in OPA, the last of several computed keys speaks for all of them.
    if (constant === undefined) rest = { key: typeOfTerm(scope, key), value: type };
    else properties.set(JSON.stringify(constant), { key: constant, value: type });
  }
  return objectType([...properties.values()], rest);
}

export function checkComprehension(scope: Scope, term: Comprehension): CheckedComprehension {
  const { comprehensions, checkBody } = scope.world;
  const known = comprehensions.get(term);
  if (known !== undefined) return known;
  const { scope: inner, findings } = checkBody(scope, term.body);
  const type = findings.length > 0 ? UNKNOWN : typeOfComprehension(inner, term);
  const checked = { type, findings };
  comprehensions.set(term, checked);
  return checked;
}

function typeOfComprehension(inner: Scope, { of, key, value }: Comprehension): Type {
  const type = typeOfTerm(inner, value);
  // As in OPA, a collection of what nothing is known of looks like an empty one.
  const known = type.kind === 'unknown' ? undefined : type;
  if (of === 'array') return { kind: 'array', items: [], rest: known };
  if (of === 'set' || key === undefined) return { kind: 'set', member: known };
  return { kind: 'object', properties: [], rest: { key: typeOfTerm(inner, key), value: type } };
}

export function typeOfRef(scope: Scope, ref: Ref): Type {
  const { head, path } = ref;
  if (head.kind !== 'var') return select(typeOfTerm(scope, head), path);
  if (head.name !== 'data' && head.name !== 'input') return select(typeOfVar(scope, head.name), path);
  for (const tree of documentTrees(scope)) {
    const node = tree.children.get(head.name);
    const type = node === undefined ? undefined : typeBelow(node, path);
    if (type !== undefined) return type;
  }
  // Base documents can hold anything where no rule stands.
  return ANY;
}

/** The type of a path through documents; undefined where it leaves them. */
function typeBelow(start: TypeNode, path: readonly Term[]): Type | undefined {
  let node = start;
  for (const [i, part] of path.entries()) {
    const key = part.kind === 'scalar' ? primitiveKey(part.value) : undefined;
    const child = key === undefined ? undefined : node.children.get(key);
    if (child === undefined) {
      return node.type === undefined && key !== undefined ? undefined : select(extentOf(node), path.slice(i));
    }
    node = child;
  }
  return extentOf(node);
}

function select(type: Type, path: readonly Term[]): Type {
  let current = type;
  for (const part of path) {
    if (current.kind === 'unknown') return current;
    if (part.kind === 'scalar') current = memberType(current, part);
    // Nothing is in there, so that anything can be said of what is.
    else if (isEmpty(current)) return ANY;
    else current = valuesType(current);
  }
  return current;
}

/** The value of a term without variables. */
export function constantOf(term: Term): Value | undefined {
  if (term.kind === 'scalar') return term.value;
  // JSON has no sets, and neither have the keys of OPA's types.
  if (term.kind === 'array' || term.kind === 'set') {
    const items = term.items.map(constantOf);
    return items.every((item) => item !== undefined) ? items : undefined;
  }
  if (term.kind !== 'object') return undefined;
  const entries: [Value, Value][] = [];
  for (const [key, value] of term.entries) {
    const constants = [constantOf(key), constantOf(value)] as const;
    const [name, member] = constants;
    if (name === undefined || member === undefined) return undefined;
    entries.push([name, member]);
  }
  return objectFromEntries(entries);
}

/** A variable's type, once more: a pattern that can match in several ways gives it several. */
export function widenVar(scope: Scope, name: string, type: Type): void {
  scope.vars.set(name, either(typeOfVar(scope, name), type));
}

/** Variables that nothing is known of can be anything. */
export function assumeAny(scope: Scope, arg: Term): void {
  visitTerm(arg, {
    term(term) {
      if (term.kind === 'var' && typeOfVar(scope, term.name).kind === 'unknown') scope.vars.set(term.name, ANY);
      return undefined;
    },
  });
}
