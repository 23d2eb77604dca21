/** What a file does with a client that it made. */
import type { Scope, SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { below, classOfThis, isClass, memberName, type Node, nameOf, parentOf, unwrap } from '../analysis/syntax.ts';
import type { Call } from './outgoing.ts';

export interface ClientUses {
  /** Calls of its methods, or of itself. */
  readonly calls: readonly ESTree.CallExpression[];
  /** Something else may give it credentials: an interceptor, its defaults, a function that it is handed to. */
  readonly touched: boolean;
}

const TOUCHING: ReadonlySet<string> = new Set(['interceptors', 'defaults', 'use', 'compose', 'setHeader', 'extend']);

export function usesOf(code: SourceCode, made: Call): ClientUses {
  const calls: ESTree.CallExpression[] = [];
  let touched = false;
  for (const use of mentions(code, made)) {
    const outer = parentOf(use);
    if (outer?.type === 'CallExpression' && outer.callee === use) calls.push(outer);
    else if (outer?.type === 'CallExpression' || outer?.type === 'NewExpression') touched = true;
    else if (outer?.type === 'MemberExpression' && outer.object === use) {
      if (TOUCHING.has(memberName(outer) ?? '')) touched = true;
      const call = parentOf(outer);
      if (call?.type === 'CallExpression' && call.callee === outer) calls.push(call);
    }
  }
  return { calls, touched };
}

/** Every place that names the variable or the field that holds it. */
function mentions(code: SourceCode, made: Call): readonly Node[] {
  const holder = holderOf(made);
  if (holder?.type === 'VariableDeclarator') {
    const variables: readonly Scope.Variable[] = code.scopeManager.getDeclaredVariables(holder);
    return variables.flatMap(({ references }) =>
      references.filter((reference) => reference.isRead()).map(({ identifier }) => wholeOf(identifier as Node)),
    );
  }
  const name = fieldName(holder);
  const owner = holder === undefined ? undefined : isInClass(holder);
  if (name === undefined || owner === undefined) return [];
  return [...below(code, owner.body)].filter((node) => {
    if (node.type !== 'MemberExpression' || memberName(node) !== name) return false;
    return unwrap(node.object).type === 'ThisExpression' && parentOf(node)?.type !== 'AssignmentExpression';
  });
}

function holderOf(made: Node): Node | undefined {
  const holder = parentOf(wholeOf(made));
  return holder?.type === 'AwaitExpression' ? holderOf(holder) : holder;
}

/** With the assertions around it. */
function wholeOf(node: Node): Node {
  let whole = node;
  for (let next = parentOf(whole); next !== undefined && unwrap(next) === unwrap(node); next = parentOf(whole))
    whole = next;
  return whole;
}

function fieldName(holder: Node | undefined): string | undefined {
  if (holder?.type === 'PropertyDefinition') return nameOf(holder.key, holder.computed);
  if (holder?.type !== 'AssignmentExpression' || holder.left.type !== 'MemberExpression') return undefined;
  return unwrap(holder.left.object).type === 'ThisExpression' ? memberName(holder.left) : undefined;
}

function isInClass(holder: Node) {
  const owner = holder.type === 'PropertyDefinition' ? parentOf(parentOf(holder) ?? holder) : classOfThis(holder);
  return owner !== undefined && isClass(owner) ? owner : undefined;
}
