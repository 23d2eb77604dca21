/** The routes of a controller of Nest: methods with a decorator for a verb. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { originOf } from '../analysis/origin.ts';
import { type ClassNode, isClass, type Node, parentOf } from '../analysis/syntax.ts';
import { knownTexts } from '../analysis/text.ts';
import type { RegisteredRoute } from './registered-route.ts';

const VERB = /^@nestjs\/common\.(Get|Post|Put|Patch|Delete|Head|All|Search)$/;

interface Decorator {
  readonly expression: Node;
}

export interface NestRoute extends RegisteredRoute {
  /** The decorator of the verb. */
  readonly at: Node;
}

export function nestRoute(code: SourceCode, method: ESTree.MethodDefinition): NestRoute | undefined {
  const body = parentOf(method);
  const owner = body === undefined ? undefined : parentOf(body);
  if (owner === undefined || !isClass(owner)) return undefined;
  const controller = decorators(owner).find((each) => calledOrigin(code, each) === '@nestjs/common.Controller');
  const verb = decorators(method).find((each) => VERB.test(calledOrigin(code, each) ?? ''));
  if (controller === undefined || verb === undefined) return undefined;
  const [, name = ''] = VERB.exec(calledOrigin(code, verb) ?? '') ?? [];
  const path = [controller, verb].map((each) => pathOf(code, each)).filter((each) => each !== '');
  return {
    framework: 'nestjs',
    methods: [name.toUpperCase()],
    path: `/${path.join('/')}`,
    before: [...decorators(owner), ...decorators(method)].map(({ expression }) => expression),
    at: verb as unknown as Node,
  };
}

function decorators(node: ClassNode | ESTree.MethodDefinition): readonly Decorator[] {
  return (node as { readonly decorators?: readonly Decorator[] }).decorators ?? [];
}

function calledOrigin(code: SourceCode, { expression }: Decorator): string | undefined {
  return originOf(code, expression.type === 'CallExpression' ? expression.callee : expression);
}

function pathOf(code: SourceCode, { expression }: Decorator): string {
  const [path] = expression.type === 'CallExpression' ? (expression.arguments as readonly Node[]) : [];
  return (path === undefined ? undefined : knownTexts(code, path)[0]?.replaceAll(/^\/|\/$/g, '')) ?? '';
}
