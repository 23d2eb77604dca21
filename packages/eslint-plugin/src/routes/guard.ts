/** Which expressions are rules of a route: those of `@sidegate/sdk`, however they are named, listed or combined. */
import type { SourceCode } from 'eslint';
import { originOf } from '../analysis/origin.ts';
import { functionOf, resolve } from '../analysis/resolve.ts';
import { below, memberName, type Node, unwrap } from '../analysis/syntax.ts';
import { knownTexts } from '../analysis/text.ts';

export interface Guard {
  readonly name: string;
  /** Whether only services get past it. */
  readonly forServices: boolean;
}

export const GUARDS: readonly string[] = [
  'requireServiceAuth',
  'serviceOnly',
  'requireRoles',
  'requireOwner',
  'publicRoute',
];
const ALL_GUARDS = /^@sidegate\/sdk\/\w+\.\w+Guards\(\)$/;
const SERVICE_GUARDS: ReadonlySet<string> = new Set(['requireServiceAuth', 'serviceOnly']);
const SERVICE_ROLES: ReadonlySet<string> = new Set(['system', 'service']);

/** The rules in a handler, a list of handlers, or a combination of them. `extra`: names of the project's own. */
export function guardsIn(code: SourceCode, expression: Node, extra: readonly string[]): readonly Guard[] {
  if ((expression.type as string) === 'SpreadElement')
    return guardsIn(code, (expression as unknown as { readonly argument: Node }).argument, extra);
  const node = resolve(code, expression);
  if (node.type === 'ConditionalExpression')
    return [node.consequent, node.alternate].flatMap((each) => guardsIn(code, each, extra));
  if (node.type === 'ArrayExpression')
    return node.elements.flatMap((each) =>
      each === null ? [] : guardsIn(code, each.type === 'SpreadElement' ? each.argument : each, extra),
    );
  const name = calledName(node.type === 'CallExpression' ? unwrap(node.callee) : node);
  if (name !== undefined && extra.includes(name)) return [{ name, forServices: false }];
  if (node.type !== 'CallExpression') return [];
  const inFile = functionOf(code, node.callee);
  // A function of this file is what its body says, whatever it is called.
  if (inFile !== undefined) return [...below(code, inFile.body)].flatMap((each) => ownGuard(code, each));
  // `rule(guards)`: which of them it is, another place says.
  if (node.arguments.some((each) => ALL_GUARDS.test(originOf(code, each) ?? '')))
    return [{ name: 'one of them', forServices: true }];
  const own = ownGuard(code, node);
  return own.length > 0 ? own : node.arguments.flatMap((each) => guardsIn(code, each as Node, extra));
}

function ownGuard(code: SourceCode, node: Node): readonly Guard[] {
  if (node.type !== 'CallExpression' || functionOf(code, node.callee) !== undefined) return [];
  const called = calledName(unwrap(node.callee)) ?? '';
  // Decorators are written in Pascal case.
  const name = `${called.charAt(0).toLowerCase()}${called.slice(1)}`;
  if (!GUARDS.includes(name)) return [];
  const roles = name === 'requireRoles' ? node.arguments.flatMap((each) => knownTexts(code, each as Node)) : [];
  const ofServices = roles.length > 0 && roles.every((role) => SERVICE_ROLES.has(role));
  return [{ name, forServices: SERVICE_GUARDS.has(name) || ofServices }];
}

function calledName(callee: Node): string | undefined {
  if (callee.type === 'Identifier') return callee.name;
  return callee.type === 'MemberExpression' ? memberName(callee) : undefined;
}
