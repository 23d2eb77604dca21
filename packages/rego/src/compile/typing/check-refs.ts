/** Refs that lead nowhere: into scalars, to members that an object cannot have, to functions. */

import { regoText } from '../../builtins/text.ts';
import { ANY, STRING, type Type } from '../../builtins/type.ts';
import type { Expr, Ref, Term } from '../../syntax/ast.ts';
import type { Diagnostic } from '../../syntax/diagnostic.ts';
import { visitTerm } from '../../syntax/walk.ts';
import { compare } from '../../value/compare.ts';
import { primitiveKey } from '../../value/key.ts';
import type { Value } from '../../value/value.ts';
import { isEmpty, keysType, memberType, valuesType } from './algebra.ts';
import { extentOf, type TypeNode } from './document-types.ts';
import { formatType } from './format-type.ts';
import { overlaps } from './overlap.ts';
import { documentTrees, type Scope, typeOfRef, typeOfTerm, typeOfVar } from './scope.ts';
import { unifyType } from './unify-types.ts';
import { writtenRef, writtenTerm } from './written-ref.ts';

/** Checks the refs of a literal; variables in their brackets get the types of the keys. */
export function checkRefs(scope: Scope, expr: Expr, findings: Diagnostic[]): void {
  switch (expr.kind) {
    case 'term':
      return checkTermRefs(scope, expr.term, findings);
    case 'call':
      for (const arg of expr.args) checkTermRefs(scope, arg, findings);
      return;
    case 'every':
      checkTermRefs(scope, expr.domain, findings);
      for (const each of expr.body) checkRefs(scope, each, findings);
      return;
    case 'not':
      for (const each of expr.body) checkRefs(scope, each, findings);
      return;
    case 'logic':
      for (const each of [...expr.left, ...expr.right]) checkRefs(scope, each, findings);
      return;
    default:
  }
}

export function checkTermRefs(scope: Scope, within: Term, findings: Diagnostic[]): void {
  visitTerm(within, {
    term(each) {
      if (each.kind === 'comprehension') return false;
      if (each.kind !== 'ref') return true;
      const finding = checkRef(scope, each);
      if (finding !== undefined) findings.push(finding);
      return finding === undefined;
    },
  });
}

function checkRef(scope: Scope, ref: Ref): Diagnostic | undefined {
  const { head } = ref;
  const type = typeOfRef(scope, ref);
  if (type.kind === 'function') return unsupported(scope, ref, ref.path.length, type);
  if (head.kind !== 'var') return undefined;
  if (head.name === 'data' || head.name === 'input') return checkDocument(scope, ref, head.name);
  const known = typeOfVar(scope, head.name);
  if (known.kind !== 'unknown') return checkMembers(scope, ref, 0, known);
  scope.vars.set(head.name, ANY);
  return checkMembers(scope, ref, 0, ANY);
}

/** A ref along the trees of documents until it meets a type, or leaves them all for base documents. */
function checkDocument(scope: Scope, ref: Ref, root: 'data' | 'input'): Diagnostic | undefined {
  for (const tree of documentTrees(scope)) {
    const node = tree.children.get(root);
    const answer = node === undefined ? 'outside' : checkBelow(scope, ref, node);
    if (answer !== 'outside') return answer;
  }
  return checkMembers(scope, ref, 0, ANY);
}

function checkBelow(scope: Scope, ref: Ref, start: TypeNode): Diagnostic | undefined | 'outside' {
  let node = start;
  if (node.type !== undefined) return checkMembers(scope, ref, 0, node.type);
  for (const [i, part] of ref.path.entries()) {
    const oneOf = [...node.children.keys()];
    const isComputed = part.kind === 'var' || part.kind === 'ref' || part.kind === 'comprehension';
    // No rule's name is anything else.
    if (i < 2 && !isComputed && !isString(part)) {
      return invalid(scope, ref, i, { have: typeOfTerm(scope, part), want: STRING, oneOf });
    }
    if (isComputed) {
      const finding = checkKey(scope, ref, i, { part, keys: keysType(extentOf(node)), oneOf });
      if (finding !== undefined) return finding;
    }
    const key = part.kind === 'scalar' ? primitiveKey(part.value) : undefined;
    const child = key === undefined ? undefined : node.children.get(key);
    if (child === undefined) return 'outside';
    if (child.type !== undefined) return checkMembers(scope, ref, i + 1, child.type);
    node = child;
  }
  return undefined;
}

function isString(part: Term): boolean {
  return part.kind === 'scalar' && typeof part.value === 'string';
}

interface Key {
  readonly part: Term;
  readonly keys: Type;
  readonly oneOf: readonly Value[];
}

/** A variable or a ref between brackets against the keys that there are. */
function checkKey(scope: Scope, ref: Ref, index: number, { part, keys, oneOf }: Key): Diagnostic | undefined {
  const known = typeOfTerm(scope, part);
  if (known.kind !== 'unknown') {
    return overlaps(known, keys) ? undefined : invalid(scope, ref, index, { have: known, want: keys, oneOf });
  }
  if (part.kind === 'var') scope.vars.set(part.name, keys);
  return undefined;
}

function checkMembers(scope: Scope, ref: Ref, from: number, start: Type): Diagnostic | undefined {
  let type = start;
  for (const [i, part] of ref.path.entries()) {
    if (i < from) continue;
    if (isEmpty(type)) return checkEmpty(scope, ref, i, { part, type });
    const keys = keysType(type);
    if (keys.kind === 'unknown') return unsupported(scope, ref, i, type);
    if (part.kind === 'scalar') {
      const member = memberType(type, part);
      if (member.kind === 'unknown') return invalid(scope, ref, i, { have: part, want: keys, oneOf: knownKeys(type) });
      type = member;
      continue;
    }
    if (part.kind === 'var' || part.kind === 'ref' || part.kind === 'comprehension') {
      const finding = checkKey(scope, ref, i, { part, keys, oneOf: knownKeys(type) });
      if (finding !== undefined) return finding;
    } else if (!unifyType(scope, part, keys)) {
      return invalid(scope, ref, i, { have: typeOfTerm(scope, part), want: keys, oneOf: [] });
    }
    type = valuesType(type);
  }
  return undefined;
}

/** A constant is in no empty collection; whoever goes through one finds nothing, whatever is asked of it. */
function checkEmpty(
  scope: Scope,
  ref: Ref,
  index: number,
  { part, type }: { readonly part: Term; readonly type: Type },
): Diagnostic | undefined {
  const keys = keysType(type);
  if (part.kind === 'scalar') return invalid(scope, ref, index, { have: part, want: keys, oneOf: [], empty: true });
  if (part.kind !== 'var' && part.kind !== 'ref' && part.kind !== 'comprehension') return undefined;
  const known = typeOfTerm(scope, part);
  const want = known.kind === 'unknown' || keys.kind === 'unknown' ? ANY : keys;
  return checkKey(scope, ref, index, { part, keys: want, oneOf: [] });
}

function knownKeys(type: Type): Value[] {
  const objects = type.kind === 'union' ? type.of : [type];
  const keys: Value[] = [];
  for (const each of objects) {
    for (const { key } of each.kind === 'object' ? each.properties : []) {
      if (!keys.some((known) => compare(known, key) === 0)) keys.push(key);
    }
  }
  return keys;
}

interface Mismatch {
  /** The type of the key, or the constant key itself. */
  readonly have: Type | Term;
  readonly want: Type;
  readonly oneOf: readonly Value[];
  /** There are no keys at all. */
  readonly empty?: boolean;
}

function invalid(scope: Scope, ref: Ref, index: number, { have, want, oneOf, empty }: Mismatch): Diagnostic {
  const { c } = scope.world;
  const pad = ' '.repeat(writtenRef(c, ref, index).length + 1);
  const seen = 'location' in have ? `have: ${writtenTerm(c, have)}` : `have (type): ${formatType(have)}`;
  const wanted =
    oneOf.length === 0 && empty !== true
      ? `want (type): ${formatType(want)}`
      : `want (one of): [${oneOf.toSorted(compare).map(regoText).join(' ')}]`;
  const text = writtenRef(c, ref);
  return refusal(`undefined ref: ${text}`, ref, [text, `${pad}^`, `${pad}${seen}`, `${pad}${wanted}`]);
}

/** Nothing can be looked up in `have`, which the first `length` parts lead to. */
function unsupported(scope: Scope, ref: Ref, length: number, have: Type): Diagnostic {
  const { c } = scope.world;
  const text = writtenRef(c, ref);
  const message =
    have.kind === 'function' ? `function ${text} used as reference, not called` : `undefined ref: ${text}`;
  return refusal(message, ref, [text, '^'.repeat(writtenRef(c, ref, length).length), `have: ${formatType(have)}`]);
}

function refusal(message: string, { head }: Ref, details: readonly string[]): Diagnostic {
  return { code: 'rego_type_error', message, location: head.location, details };
}
