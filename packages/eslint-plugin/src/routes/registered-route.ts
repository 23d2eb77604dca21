/** The routes that calls register, with everything that runs before their handlers. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { variableOf } from '../analysis/bindings.ts';
import { resolve } from '../analysis/resolve.ts';
import { memberOfShape, shapeOf } from '../analysis/shape.ts';
import { memberName, type Node, parentOf, unwrap } from '../analysis/syntax.ts';
import { knownTexts, textsOf } from '../analysis/text.ts';
import { type Framework, frameworkOf, rootOf } from './router.ts';

export interface RegisteredRoute {
  readonly framework: Framework | 'nestjs';
  /** In upper case; ALL for every one. */
  readonly methods: readonly string[];
  /** Unknown parts as `…`. */
  readonly path: string;
  /** What may be a rule: handlers, hooks, what its router runs before it. */
  readonly before: readonly Node[];
}

const VERBS: ReadonlySet<string> = new Set([
  'get',
  'post',
  'put',
  'patch',
  'delete',
  'del',
  'head',
  'all',
  'on',
  'route',
]);
const HOOKS = ['onrequest', 'preparsing', 'prevalidation', 'prehandler'];
const MOUNTS: ReadonlySet<string> = new Set(['use', 'route', 'register', 'mount']);

export function registeredRoute(code: SourceCode, node: ESTree.CallExpression): RegisteredRoute | undefined {
  const callee = unwrap(node.callee);
  const verb = callee.type === 'MemberExpression' ? memberName(callee) : undefined;
  if (callee.type !== 'MemberExpression' || verb === undefined || !VERBS.has(verb)) return undefined;
  const framework = frameworkOf(code, callee.object);
  if (framework === undefined) return undefined;
  const given = node.arguments as readonly Node[];
  const route =
    framework === 'fastify' ? fastifyRoute(code, verb, given) : listedRoute(code, verb, given, callee.object);
  if (route === undefined) return undefined;
  return { framework, ...route, before: [...route.before, ...runBefore(code, node, callee.object)] };
}

type Parts = Omit<RegisteredRoute, 'framework'>;

/** `router.get(path, ...handlers)`, `app.on(methods, path, ...handlers)`, `router.route(path).get(...handlers)`. */
function listedRoute(code: SourceCode, verb: string, given: readonly Node[], receiver: Node): Parts | undefined {
  if (verb === 'route') return undefined;
  const chained = chainedPath(code, receiver);
  if (chained !== undefined) {
    // `route(path).all(guard)` is a guard of what follows it, not a route.
    return verb === 'all' ? undefined : { methods: [verbOf(verb)], path: chained, before: given };
  }
  const [first, second, ...rest] = given;
  if (first === undefined || second === undefined) return undefined;
  if (verb !== 'on') {
    // `router.all('*', guard)` runs before the others; koa's first argument may be a name.
    return { methods: [verbOf(verb)], path: pathOf(code, first), before: [second, ...rest] };
  }
  if (rest.length === 0) return undefined;
  const methods = resolve(code, first);
  const listed =
    methods.type === 'ArrayExpression'
      ? methods.elements.flatMap((each) => (each === null ? [] : knownTexts(code, each as Node)))
      : knownTexts(code, first);
  return { methods: listed.map((each) => each.toUpperCase()), path: pathOf(code, second), before: rest };
}

function verbOf(verb: string): string {
  return verb === 'del' ? 'DELETE' : verb.toUpperCase();
}

/** The path of `route(path)` at the beginning of a chain. */
function chainedPath(code: SourceCode, receiver: Node): string | undefined {
  for (let node = resolve(code, receiver); node.type === 'CallExpression'; ) {
    const callee = unwrap(node.callee);
    if (callee.type !== 'MemberExpression') return undefined;
    const [path] = node.arguments as readonly Node[];
    if (memberName(callee) === 'route' && path !== undefined && node.arguments.length === 1) return pathOf(code, path);
    node = resolve(code, callee.object);
  }
  return undefined;
}

/** `app.get(path, { onRequest }, handler)`, `app.route({ method, url, onRequest, handler })`. */
function fastifyRoute(code: SourceCode, verb: string, given: readonly Node[]): Parts | undefined {
  const [first, second] = given;
  if (first === undefined) return undefined;
  const options = verb === 'route' ? first : second;
  if (options === undefined) return undefined;
  const shape = shapeOf(code, options);
  const node = resolve(code, options);
  const isHandler = verb !== 'route' && /Function/.test(node.type);
  const hooks = HOOKS.map((name) => memberOfShape(shape, name)?.value).filter((each) => each !== undefined);
  const unseen = isHandler || node.type === 'Identifier' || node.type === 'MemberExpression' ? [] : shape.unseen;
  const before = [...hooks, ...unseen];
  if (verb !== 'route') return { methods: [verbOf(verb)], path: pathOf(code, first), before };
  const [method, url] = ['method', 'url'].map((name) => memberOfShape(shape, name)?.value);
  if (method === undefined) return undefined;
  const listed = resolve(code, method);
  const methods =
    listed.type === 'ArrayExpression'
      ? listed.elements.flatMap((each) => (each === null ? [] : knownTexts(code, each as Node)))
      : knownTexts(code, method);
  return {
    methods: methods.map((each) => each.toUpperCase()),
    path: url === undefined ? '…' : pathOf(code, url),
    before,
  };
}

function pathOf(code: SourceCode, path: Node): string {
  const node = resolve(code, path);
  if (node.type === 'ArrayExpression')
    return node.elements.map((each) => (each === null ? '' : pathOf(code, each as Node))).join(', ');
  if (node.type === 'Literal' && 'regex' in node) return String(node.raw);
  const [text = []] = textsOf(code, node);
  return text.map((piece) => (typeof piece === 'string' ? piece : '…')).join('');
}

/** What the router runs before: `router.use(guard)` above the route, hooks, the chain, and where the router is mounted. */
function runBefore(code: SourceCode, route: Node, receiver: Node): readonly Node[] {
  const chain = [...callsOfChain(receiver)].flatMap(({ name, given }) =>
    /^(?:use|all|addHook)$/.test(name) ? given : [],
  );
  const root = rootOf(code, receiver);
  if (root?.type !== 'Identifier') return chain;
  const references = variableOf(code, root)?.references ?? [];
  const others = references.flatMap(({ identifier }) => {
    const used = parentOf(identifier as Node);
    if (used?.type === 'MemberExpression' && used.object === identifier) {
      const call = parentOf(used);
      const above = (call?.range?.[1] ?? 0) <= (route.range?.[0] ?? 0);
      const runs = /^(?:use|addHook|all)$/.test(memberName(used) ?? '') && call?.type === 'CallExpression' && above;
      return runs && coversAll(code, call) ? call.arguments : [];
    }
    const mounted =
      used?.type === 'CallExpression' &&
      used.callee.type === 'MemberExpression' &&
      MOUNTS.has(memberName(used.callee) ?? '');
    return mounted ? (used.arguments as readonly Node[]).filter((each) => each !== identifier) : [];
  });
  return [...chain, ...others];
}

/** A guard of some paths is none of the others. */
function coversAll(code: SourceCode, call: ESTree.CallExpression): boolean {
  const [first] = call.arguments as readonly Node[];
  const [path] = first === undefined ? [] : knownTexts(code, first);
  return path === undefined || /^(?:\/|\*|\/\*|onRequest|preHandler|preValidation|preParsing)$/.test(path);
}

function* callsOfChain(receiver: Node): Generator<{ readonly name: string; readonly given: readonly Node[] }> {
  for (let node = unwrap(receiver); node.type === 'CallExpression'; ) {
    const callee = unwrap(node.callee);
    if (callee.type !== 'MemberExpression') return;
    yield { name: memberName(callee) ?? '', given: node.arguments };
    node = unwrap(callee.object);
  }
}
