/**
 * The syntax tree. Nodes are plain objects and mutable: the compile passes rewrite a tree in place, and every tree
 * is parsed for one compilation only.
 */
import type { Value } from '../value/value.ts';
import { formatPath } from './format-path.ts';
import type { Location } from './location.ts';

export interface Scalar {
  readonly kind: 'scalar';
  readonly value: Value;
  readonly location: Location;
}

export interface Var {
  readonly kind: 'var';
  readonly name: string;
  readonly location: Location;
}

/** `head[path[0]][path[1]]…`; dots are string scalars in the path. */
export interface Ref {
  readonly kind: 'ref';
  head: Term;
  path: Term[];
  readonly location: Location;
}

export interface ArrayTerm {
  readonly kind: 'array';
  items: Term[];
  readonly location: Location;
}

export interface SetTerm {
  readonly kind: 'set';
  items: Term[];
  readonly location: Location;
}

export interface ObjectTerm {
  readonly kind: 'object';
  entries: [Term, Term][];
  readonly location: Location;
}

export interface Call {
  readonly kind: 'call';
  operator: Ref;
  args: Term[];
  readonly location: Location;
}

export interface Comprehension {
  readonly kind: 'comprehension';
  readonly of: 'array' | 'set' | 'object';
  /** The key of an object comprehension, otherwise absent. */
  key: Term | undefined;
  value: Term;
  body: Expr[];
  /** Written by the parser for an expression in a template string. */
  readonly template?: boolean;
  readonly location: Location;
}

export type Term = Scalar | Var | Ref | ArrayTerm | SetTerm | ObjectTerm | Call | Comprehension;

export interface With {
  target: Ref;
  value: Term;
  /** Filled by a pass when a function is replaced: by another function, or by the value. */
  mock?: { readonly target: string; readonly replacement: string | undefined };
  readonly location: Location;
}

interface ExprBase {
  negated: boolean;
  with: With[];
  readonly location: Location;
  /** Written by a pass, not by the author. */
  readonly generated?: boolean;
}

export interface TermExpr extends ExprBase {
  readonly kind: 'term';
  term: Term;
}

export interface CallExpr extends ExprBase {
  readonly kind: 'call';
  operator: Ref;
  args: Term[];
  /** Written as `:=`. */
  readonly assigned?: boolean;
  /** Stands in a query and not in a rule. */
  inQuery?: boolean;
}

/** `some x, y`. */
export interface SomeExpr extends ExprBase {
  readonly kind: 'some';
  vars: Var[];
}

/** `some x in xs`, `some k, v in xs`. */
export interface SomeInExpr extends ExprBase {
  readonly kind: 'some-in';
  key: Term | undefined;
  value: Term;
  domain: Term;
}

export interface EveryExpr extends ExprBase {
  readonly kind: 'every';
  key: Var | undefined;
  value: Var;
  domain: Term;
  body: Expr[];
}

/** `not { … }`, and every `not` once `future.keywords.not` is imported: the whole literal stays inside. */
export interface NotExpr extends ExprBase {
  readonly kind: 'not';
  body: Expr[];
  /** Without braces: the body has no variables of its own. */
  readonly implicit: boolean;
}

/** `a or b`, `a and b` between literals or braced bodies. */
export interface LogicExpr extends ExprBase {
  readonly kind: 'logic';
  readonly op: 'and' | 'or';
  left: Expr[];
  right: Expr[];
  /** Sides without braces: they have no variables of their own. */
  readonly implicitLeft: boolean;
  readonly implicitRight: boolean;
}

export type Expr = TermExpr | CallExpr | SomeExpr | SomeInExpr | EveryExpr | NotExpr | LogicExpr;

export interface Head {
  /** The rule's name: a var and the path below it. */
  ref: Ref;
  args: Term[] | undefined;
  /** Set for `contains`: the member. */
  key: Term | undefined;
  /** Absent for `contains`. */
  value: Term | undefined;
  readonly assigned: boolean;
  readonly location: Location;
}

export interface Rule {
  head: Head;
  body: Expr[];
  readonly isDefault: boolean;
  else: Rule | undefined;
  readonly location: Location;
}

export interface Import {
  readonly path: Ref;
  readonly alias: string | undefined;
  readonly location: Location;
}

export interface Comment {
  readonly text: string;
  readonly location: Location;
}

export interface Module {
  readonly file: string;
  readonly package: { readonly path: readonly string[]; readonly location: Location };
  readonly imports: readonly Import[];
  readonly rules: Rule[];
  readonly comments: readonly Comment[];
  /** Whether the strict v1 rules apply: v1 files, and v0 files that import rego.v1. */
  readonly v1: boolean;
  /** With what the names of called functions begin: passes about one builtin leave files alone that do not call it. */
  readonly called: ReadonlySet<string>;
}

/** A name that a reader wrote as `_`, or that a pass made up: never shown in a message. */
export function isGeneratedName(name: string): boolean {
  return name.startsWith('#') || name.startsWith('$');
}

export function isWildcard(name: string): boolean {
  return name.startsWith('$');
}

/** A part of a path that is text; anything else is no name. */
export function keyName(part: Term): string {
  return part.kind === 'scalar' && typeof part.value === 'string' ? part.value : '';
}

/** The name of a call's operator: `plus`, `io.jwt.decode`, `data.order.f`, `data["my package"].f`. */
export function operatorName({ head, path }: Ref): string | undefined {
  if (head.kind !== 'var') return undefined;
  const names = path.map((part) => (part.kind === 'scalar' ? part.value : undefined));
  return names.every((name) => typeof name === 'string') ? formatPath([head.name, ...names]) : undefined;
}

/** What a message calls a scalar: `null`, `number`, `string`, `boolean`. */
export function scalarName(value: Value): string {
  return value === null ? 'null' : typeof value === 'object' ? 'number' : typeof value;
}

export function varTerm(name: string, location: Location): Var {
  return { kind: 'var', name, location };
}

export function scalarTerm(value: Value, location: Location): Scalar {
  return { kind: 'scalar', value, location };
}

export function refTerm(head: Term, path: Term[], location: Location): Ref {
  return { kind: 'ref', head, path, location };
}

/** The operator of a builtin, as a ref: `internal.member_2` becomes `internal` and `member_2`. */
export function builtinRef(name: string, location: Location): Ref {
  const [first = '', ...rest] = name.split('.');
  return refTerm(
    varTerm(first, location),
    rest.map((part) => scalarTerm(part, location)),
    location,
  );
}

/** `left = right` as a pass writes it. */
export function equation(left: Term, right: Term, location: Location): CallExpr {
  return {
    kind: 'call',
    operator: builtinRef('eq', location),
    args: [left, right],
    negated: false,
    with: [],
    location,
    generated: true,
  };
}
