/** Who in this file calls a function, and with what. */
import type { Scope, SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { type FunctionNode, isClass, type Node, parentOf } from './syntax.ts';

/** Every argument that calls in this file hand over at a position; methods other than constructors have none that can be told. */
export function argumentsFor(code: SourceCode, owner: FunctionNode, index: number): readonly Node[] {
  return callsOf(code, owner).flatMap(({ arguments: given }) => {
    const before = given.slice(0, index + 1);
    const argument = before[index];
    return argument === undefined || before.some(({ type }) => type === 'SpreadElement') ? [] : [argument];
  });
}

function callsOf(code: SourceCode, owner: FunctionNode): readonly (ESTree.CallExpression | ESTree.NewExpression)[] {
  const parent = parentOf(owner);
  if (parent?.type === 'MethodDefinition') {
    const body = parentOf(parent);
    const made = body === undefined ? undefined : parentOf(body);
    return parent.kind === 'constructor' && made !== undefined && isClass(made) ? uses(code, made) : [];
  }
  if (owner.type === 'FunctionDeclaration') return uses(code, owner);
  return parent?.type === 'VariableDeclarator' ? uses(code, parent) : [];
}

function uses(code: SourceCode, declaration: Node): readonly (ESTree.CallExpression | ESTree.NewExpression)[] {
  const variables: readonly Scope.Variable[] = code.scopeManager.getDeclaredVariables(declaration);
  return variables.flatMap(({ references }) =>
    references.flatMap(({ identifier }) => {
      const call = parentOf(identifier as Node);
      const called = call?.type === 'CallExpression' || call?.type === 'NewExpression';
      return called && call.callee === identifier ? [call] : [];
    }),
  );
}
