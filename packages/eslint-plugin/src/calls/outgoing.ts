/** Which calls send an HTTP request, and the clients that they are sent through. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { originOf } from '../analysis/origin.ts';
import { resolve } from '../analysis/resolve.ts';
import { type Member, shapeOf } from '../analysis/shape.ts';
import { memberName, type Node, unwrap } from '../analysis/syntax.ts';
import { joined, type Text, textsOf } from '../analysis/text.ts';

export type Call = ESTree.CallExpression | ESTree.NewExpression;

/** A client that was made for one base URL, with options for all of its requests. */
export interface Client {
  readonly node: Call;
  readonly origin: string;
  readonly urls: readonly Text[];
  readonly options: readonly Node[];
}

export interface OutgoingCall {
  readonly node: ESTree.CallExpression;
  readonly urls: readonly Text[];
  readonly options: readonly Node[];
  /** Through which it is sent, where this file made it. */
  readonly client: Client | undefined;
}

/** Origin of a client → where its options and its base URL stand. */
const CLIENTS: Readonly<Record<string, { readonly url?: number; readonly options: number }>> = {
  'axios.create()': { options: 0 },
  'got.extend()': { options: 0 },
  'ky.create()': { options: 0 },
  'ky.extend()': { options: 0 },
  'openapi-fetch()': { options: 0 },
  'undici.Client()': { url: 0, options: 1 },
  'undici.Pool()': { url: 0, options: 1 },
  'undici.BalancedPool()': { url: 0, options: 1 },
  'http2.connect()': { url: 0, options: 1 },
  '@sidegate/sdk/client.serviceClient()': { options: 0 },
};

const VERBS =
  '(?:get|post|put|patch|delete|head|options|request|stream|pipeline|GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)';
const FUNCTION = new RegExp(
  String.raw`^(?:fetch|window\.fetch|undici\.(?:fetch|request|stream|pipeline)|node-fetch|cross-fetch|isomorphic-fetch|node-fetch-native|ofetch|ofetch\.ofetch|https?\.(?:request|get)|(?:axios|got|ky|superagent|needle)(?:\.${VERBS})?|(?:@nestjs/axios:HttpService|axios:AxiosInstance)(?:\.axiosRef)?(?:\.${VERBS})?)$`,
);
/** Their second argument is the body. */
const BODY_SECOND = /^(?:axios|@nestjs\/axios:HttpService|axios:AxiosInstance).*\.(?:post|put|patch)$/;

export function clientOf(code: SourceCode, node: Call): Client | undefined {
  const origin = originOf(code, node);
  const signature = origin === undefined ? undefined : CLIENTS[origin];
  if (origin === undefined || signature === undefined) return undefined;
  const options = [node.arguments[signature.options]].flatMap((each) => (each === undefined ? [] : [each as Node]));
  const url = signature.url === undefined ? undefined : node.arguments[signature.url];
  const urls = url === undefined ? options.flatMap((each) => urlsOfOptions(code, each)) : textsOf(code, url);
  return { node, origin, urls, options };
}

export function outgoingCall(code: SourceCode, node: ESTree.CallExpression): OutgoingCall | undefined {
  const callee = unwrap(node.callee);
  const client = clientCalled(code, callee);
  if (client !== undefined) return clientCall(code, node, client);
  const origin = originOf(code, callee);
  if (origin === undefined || !FUNCTION.test(origin)) return undefined;
  return functionCall(code, node, BODY_SECOND.test(origin) ? 2 : 1);
}

/** The client that `client.get`, `this.client.post` or `client` itself names. */
function clientCalled(code: SourceCode, callee: Node): Client | undefined {
  const method = callee.type === 'MemberExpression' ? memberName(callee) : undefined;
  const named = method !== undefined && new RegExp(`^(?:${VERBS}|fetch)$`).test(method);
  const made = resolve(code, callee.type === 'MemberExpression' && named ? callee.object : callee);
  return made.type === 'CallExpression' || made.type === 'NewExpression' ? clientOf(code, made) : undefined;
}

function clientCall(code: SourceCode, node: ESTree.CallExpression, client: Client): OutgoingCall {
  const method = node.callee.type === 'MemberExpression' ? memberName(node.callee) : undefined;
  const withBody = client.origin.startsWith('axios') && ['post', 'put', 'patch'].includes(method ?? '');
  const { urls, options } = functionCall(code, node, withBody ? 2 : 1);
  const absolute = urls.filter((url) => isAbsolute(url));
  const below = client.urls.flatMap((base) => (urls.length === 0 ? [base] : urls.map((url) => joined(base, url))));
  return { node, client, options, urls: absolute.length > 0 ? absolute : below };
}

function functionCall(code: SourceCode, node: ESTree.CallExpression, second: number): OutgoingCall {
  const given = node.arguments.map((argument) => argument as Node);
  const [first] = given;
  if (first === undefined) return { node, urls: [], options: [], client: undefined };
  const made = resolve(code, first);
  if (made.type === 'NewExpression' && originOf(code, made) === 'Request()') {
    const [url, init] = made.arguments.map((argument) => argument as Node);
    const options = [init, given[second]].filter((each) => each !== undefined);
    return { node, urls: url === undefined ? [] : textsOf(code, url), options, client: undefined };
  }
  const byOptions = made.type === 'ObjectExpression';
  const options = [byOptions ? first : undefined, given[second]].filter((each) => each !== undefined);
  const urls = byOptions ? urlsOfOptions(code, first) : textsOf(code, first);
  return { node, urls, options: options.filter((each) => !/Function|Arrow/.test(each.type)), client: undefined };
}

/** `{ baseURL, url }` of axios, `{ hostname, port, path }` of Node, `{ prefixUrl }`, `{ target }`. */
function urlsOfOptions(code: SourceCode, options: Node): readonly Text[] {
  const { members } = shapeOf(code, options);
  const texts = (member: Member | undefined): readonly Text[] =>
    member === undefined ? [] : textsOf(code, member.value);
  const first = (...names: readonly string[]) =>
    names.map((name) => members.get(name)).find((each) => each !== undefined);
  const host = first('hostname', 'host');
  const path = texts(first('url', 'uri', 'path'));
  const base =
    host === undefined
      ? texts(first('baseURL', 'baseUrl', 'prefixUrl', 'prefix', 'origin', 'target'))
      : texts(host).map((each) => joined(['http://'], each));
  if (base.length === 0) return path;
  if (path.length === 0) return base;
  const absolute = path.filter((each) => isAbsolute(each));
  return absolute.length > 0 ? absolute : base.flatMap((start) => path.map((end) => joined(start, end)));
}

function isAbsolute([first]: Text): boolean {
  return typeof first === 'string' && /^(?:https?:)?\/\//.test(first);
}
