/** Which variables a literal binds when others are bound. */
import { type CallExpr, type Expr, operatorName, type Term } from '../syntax/ast.ts';
import { visitTerm } from '../syntax/walk.ts';
import type { Compilation } from './context.ts';
import { functionArity } from './functions.ts';
import { unifiedVars } from './unify.ts';
import { allVarsIn, isRefSafe, type Names, patternVars, varsIn } from './variables.ts';

export function outputVars(c: Compilation, expr: Expr, safe: Names): Set<string> {
  if (expr.negated) return new Set();
  for (const { target, value } of expr.with) {
    if (![...target.path, value].every((term) => varsIn(term).isSubsetOf(safe))) return new Set();
  }
  switch (expr.kind) {
    case 'term':
      return refOutputs([expr.term], safe);
    case 'every':
      return refOutputs([expr.domain], safe);
    case 'call':
      return operatorName(expr.operator) === 'eq' ? equationOutputs(expr, safe) : callOutputs(c, expr, safe);
    default:
      return new Set();
  }
}

/** Variables that several literals bind one after the other, beyond `safe`. */
export function bodyOutputs(c: Compilation, body: readonly Expr[], safe: Names): Set<string> {
  const known = new Set(safe);
  for (const expr of body) for (const name of outputVars(c, expr, known)) known.add(name);
  return known.difference(safe);
}

/** What `:=` assigns to gives nothing to the other side. */
export function equationOutputs({ args, assigned }: CallExpr, safe: Names): Set<string> {
  const [left, right] = args;
  if (left === undefined || right === undefined || args.length > 2) return new Set();
  const known = new Set([...safe, ...refOutputs(args, safe)]);
  if (assigned === true) for (const name of allVarsIn(left)) known.delete(name);
  for (const name of unifiedVars(left, right, known)) known.add(name);
  return known.difference(safe);
}

function callOutputs(c: Compilation, { operator, args }: CallExpr, safe: Names): Set<string> {
  const name = operatorName(operator);
  const outputs = refOutputs(args, safe);
  const arity = c.builtins.get(name ?? '')?.variadic === undefined ? functionArity(c, name) : args.length;
  if (arity === undefined) return new Set();
  if (arity >= args.length) return outputs;
  const inputs = args.slice(0, arity);
  const needed = new Set(inputs.flatMap((arg) => [...patternVars(arg)]));
  if (!needed.difference(outputs).isSubsetOf(safe)) return new Set();
  // A result does not bind what the call needs for it, in a set or in the key of an object.
  const open = new Set(inputs.flatMap((arg) => [...varsIn(arg)])).difference(outputs).difference(safe);
  const results = new Set(args.slice(arity).flatMap((arg) => [...patternVars(arg)]));
  return outputs.union(results.difference(open));
}

/** Variables in the brackets of refs whose head is known: iterating binds them. */
function refOutputs(terms: readonly Term[], safe: Names): Set<string> {
  const outputs = new Set<string>();
  for (const term of terms) {
    visitTerm(term, {
      term(each) {
        if (each.kind === 'comprehension') return false;
        if (each.kind !== 'ref') return true;
        if (!isRefSafe(each, safe)) return false;
        for (const part of each.path) for (const name of bracketVars(part)) outputs.add(name);
        return true;
      },
    });
  }
  return outputs;
}

/** Heads of refs are no outputs, however deep in the brackets they stand. */
function bracketVars(part: Term): Set<string> {
  const heads = new Set<Term>();
  const names = new Set<string>();
  visitTerm(part, {
    term(each) {
      if (each.kind === 'ref') heads.add(each.head);
      if (each.kind === 'var' && !heads.has(each)) names.add(each.name);
      return true;
    },
  });
  return names;
}
