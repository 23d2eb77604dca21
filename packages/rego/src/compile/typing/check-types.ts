/**
 * Pass: what cannot be equal is not compared, what has no members is not looked into, and functions get arguments that
 * they can use. Rules are checked after those that they read, so that refs to rules have types.
 */
import { ANY, type Type } from '../../builtins/type.ts';
import type { Expr, Rule, Term } from '../../syntax/ast.ts';
import type { Diagnostic } from '../../syntax/diagnostic.ts';
import { visitRule } from '../../syntax/walk.ts';
import { type Compilation, eachRule } from '../context.ts';
import { reachable, ruleOrder } from '../recursion.ts';
import type { TreeRule } from '../rule-tree.ts';
import { relaxed } from './algebra.ts';
import { checkBody } from './check-body.ts';
import { insertType, putType } from './document-types.ts';
import { assumeAny, innerScope, newWorld, type Scope, type TypeWorld, typeOfTerm } from './scope.ts';

export function checkTypes(c: Compilation): void {
  const world = newWorld(c, checkBody);
  c.types = world;
  const replaced = replacedRules(c);
  for (const placed of ruleOrder(c.tree)) {
    c.diagnostics.push(...checkRule(world, placed, replaced.has(placed.rule)));
  }
}

/** Rules that some `with` replaces: what is empty in their own type need not be empty then. */
function replacedRules(c: Compilation): ReadonlySet<Rule> {
  const replaced = new Set<Rule>();
  eachRule(c, (rule) =>
    visitRule(rule, {
      expr(expr) {
        for (const { target } of expr.with) {
          for (const { rules, defaultRule } of reachable(c.tree, target)) {
            for (const each of defaultRule === undefined ? rules : [...rules, defaultRule]) replaced.add(each.rule);
          }
        }
        return undefined;
      },
    }),
  );
  return replaced;
}

/** A query is checked against the types of the rules. */
export function checkQueryTypes(c: Compilation, body: readonly Expr[]): void {
  if (c.types === undefined) throw new Error('rules are checked before queries');
  c.diagnostics.push(...checkBody(innerScope(c.types), body).findings);
}

function checkRule(world: TypeWorld, { rule, path, rest }: TreeRule, isReplaced: boolean): readonly Diagnostic[] {
  const { scope, findings } = checkBody(innerScope(world), rule.isDefault ? [] : rule.body);
  if (findings.length > 0) {
    if (rest.length === 0) putType(world.root, path, ANY);
    return findings;
  }
  const type = typeOfRule(scope, rule, rest);
  if (type !== undefined) insertType(world.root, path, isReplaced ? relaxed(type) : type);
  return findings;
}

function typeOfRule(scope: Scope, { head }: Rule, rest: readonly Term[]): Type | undefined {
  if (head.args !== undefined) {
    for (const arg of head.args) assumeAny(scope, arg);
    const args = head.args.map((arg) => typeOfTerm(scope, arg));
    return { kind: 'function', args, result: head.value && typeOfTerm(scope, head.value) };
  }
  if (head.key !== undefined) {
    const member = typeOfTerm(scope, head.key);
    return member.kind === 'unknown' ? undefined : nested(scope, rest, { kind: 'set', member });
  }
  const value = head.value && typeOfTerm(scope, head.value);
  return value === undefined || value.kind === 'unknown' ? undefined : nested(scope, rest, value);
}

/** Each variable of a head's ref is a level of objects with any number of members. */
function nested(scope: Scope, rest: readonly Term[], type: Type): Type | undefined {
  return rest.reduceRight<Type | undefined>((value, part) => {
    const key = typeOfTerm(scope, part);
    return value === undefined || key.kind === 'unknown'
      ? undefined
      : { kind: 'object', properties: [], rest: { key, value } };
  }, type);
}
