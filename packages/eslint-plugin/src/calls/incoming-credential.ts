/** Is a value the credential of whoever called this service? Followed from the request through constants, texts and functions. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { argumentsFor } from '../analysis/arguments.ts';
import { bindingOf } from '../analysis/bindings.ts';
import { originOf } from '../analysis/origin.ts';
import { answerOf, resolve } from '../analysis/resolve.ts';
import { memberName, type Node, parameterName, unwrap } from '../analysis/syntax.ts';

const MAXIMUM_STEPS = 12;
const FIELD = /^(?:authorization|cookie|proxy-authorization|x-(?:user|access|auth|forwarded-access)-token)$/i;
const READERS: ReadonlySet<string> = new Set(['get', 'header', 'getHeader']);
const REQUEST = /^(?:req|request|raw|ctx|context|c|event|incoming|message)$/i;
const TEXT_METHODS: ReadonlySet<string> = new Set([
  'replace',
  'replaceAll',
  'slice',
  'substring',
  'substr',
  'split',
  'trim',
  'at',
  'toString',
  'concat',
  'pop',
  'exec',
  'match',
]);
const TOKEN_MEMBER = /^(?:token|jwt|rawToken|bearer|accessToken|access_token|idToken|id_token)$/;
const USER_TOKEN_NAME =
  /^(?:authorization|auth(?:orization)?Header|bearerHeader|(?:user|caller|incoming|forwarded|customer)(?:Access|Id)?(?:Token|Jwt|Authorization|Bearer))$/i;
const EXTRACTOR = /^(?:extract|get|read|parse|strip|take)?\w*(?:token|bearer|authorization)\w*$/i;
const EXCHANGE = /exchange|mint|issue|sign|own|service|obtain|fetch|request|verify|hash/i;

export function isIncomingCredential(code: SourceCode, expression: Node, steps = MAXIMUM_STEPS): boolean {
  if (steps === 0) return false;
  const follow = (each: Node): boolean => isIncomingCredential(code, each, steps - 1);
  const node = resolve(code, expression);
  switch (node.type) {
    case 'TemplateLiteral':
      return node.expressions.some(follow);
    case 'BinaryExpression':
      return node.operator === '+' && (follow(node.left) || follow(node.right));
    case 'LogicalExpression':
      return follow(node.left) || follow(node.right);
    case 'ConditionalExpression':
      return follow(node.consequent) || follow(node.alternate);
    case 'ArrayExpression':
      return node.elements.some((each) => each !== null && each.type !== 'SpreadElement' && follow(each));
    case 'MemberExpression':
      return isMemberOfRequest(code, node) || (node.computed && !isHeaders(code, node) && follow(node.object));
    case 'CallExpression':
      return isReadOfField(code, node) || passesOn(code, node, follow);
    case 'Identifier':
      return isNamed(code, node, follow);
    default:
      return false;
  }
}

/** The header fields of the request that is being answered. */
export function isIncomingHeaders(code: SourceCode, expression: Node): boolean {
  return isHeaders(code, resolve(code, expression));
}

function isHeaders(code: SourceCode, node: Node): boolean {
  if (node.type === 'MemberExpression')
    return /^(?:headers|rawHeaders)$/.test(memberName(node) ?? '') && isRequest(code, node.object);
  if (node.type === 'CallExpression') return originOf(code, node) === 'next/headers.headers()';
  if (node.type !== 'Identifier') return false;
  const binding = bindingOf(code, node);
  if (binding?.kind !== 'value') return false;
  return binding.path.at(-1) === 'headers' && isRequest(code, binding.value);
}

/** A parameter that is called like one, what is below it, or what the instance was given. */
function isRequest(code: SourceCode, expression: Node): boolean {
  const node = unwrap(expression);
  if (node.type === 'MemberExpression')
    return (
      REQUEST.test(memberName(node) ?? '') &&
      (isRequest(code, node.object) || unwrap(node.object).type === 'ThisExpression')
    );
  if (node.type !== 'Identifier') return false;
  const binding = bindingOf(code, node);
  if (binding?.kind === 'value')
    return binding.path.length === 0 ? isRequest(code, binding.value) : REQUEST.test(binding.path.at(-1) ?? '');
  return binding?.kind === 'parameter' && REQUEST.test(parameterName(binding.parameter)?.name ?? '');
}

function isMemberOfRequest(code: SourceCode, node: ESTree.MemberExpression): boolean {
  const name = memberName(node) ?? '';
  if (FIELD.test(name) && isHeaders(code, resolve(code, node.object))) return true;
  if (!TOKEN_MEMBER.test(name)) return false;
  let owner = unwrap(node.object);
  while (
    owner.type === 'MemberExpression' &&
    /^(?:user|auth|session|state|cookies|locals)$/.test(memberName(owner) ?? '')
  )
    owner = unwrap(owner.object);
  return isRequest(code, owner);
}

/** `req.get('authorization')`, `c.req.header('authorization')`, `headers().get('authorization')`. */
function isReadOfField(code: SourceCode, node: ESTree.CallExpression): boolean {
  const callee = unwrap(node.callee);
  const [name] = node.arguments;
  if (callee.type !== 'MemberExpression' || !READERS.has(memberName(callee) ?? '') || name === undefined) return false;
  const field = resolve(code, name);
  if (field.type !== 'Literal' || !FIELD.test(String(field.value))) return false;
  return isRequest(code, callee.object) || isHeaders(code, resolve(code, callee.object));
}

/** A method of a text, a function of this file that answers with it, a function of another that by its name takes it out. */
function passesOn(code: SourceCode, node: ESTree.CallExpression, follow: (each: Node) => boolean): boolean {
  const callee = unwrap(node.callee);
  if (callee.type === 'MemberExpression' && TEXT_METHODS.has(memberName(callee) ?? '') && follow(callee.object))
    return true;
  const answer = answerOf(code, node);
  if (answer !== undefined) return follow(answer);
  const name =
    callee.type === 'Identifier' ? callee.name : callee.type === 'MemberExpression' ? (memberName(callee) ?? '') : '';
  if (name !== 'String' && (!EXTRACTOR.test(name) || EXCHANGE.test(name))) return false;
  return node.arguments.some((each) => each.type !== 'SpreadElement' && (follow(each) || isRequest(code, each)));
}

function isNamed(code: SourceCode, node: ESTree.Identifier, follow: (each: Node) => boolean): boolean {
  const binding = bindingOf(code, node);
  if (binding?.kind === 'value') {
    const [last, before] = [binding.path.at(-1), binding.path.at(-2)];
    if (last === undefined) return false;
    if (FIELD.test(last) && (before === 'headers' || isHeaders(code, resolve(code, binding.value)))) return true;
    return /^\d+$/.test(last) && follow(binding.value);
  }
  if (binding?.kind !== 'parameter') return false;
  const declared = parameterName(binding.parameter);
  if (USER_TOKEN_NAME.test(declared?.name ?? '') || isHeadersDecorator(binding.parameter)) return true;
  return argumentsFor(code, binding.owner, binding.index).some(follow);
}

/** Nest's `@Headers('authorization')`. */
function isHeadersDecorator(parameter: Node): boolean {
  const { decorators = [] } = parameter as { readonly decorators?: readonly { readonly expression: Node }[] };
  return decorators.some(({ expression }) => {
    if (expression.type !== 'CallExpression' || expression.callee.type !== 'Identifier') return false;
    const [field] = expression.arguments;
    return expression.callee.name === 'Headers' && field?.type === 'Literal' && FIELD.test(String(field.value));
  });
}
