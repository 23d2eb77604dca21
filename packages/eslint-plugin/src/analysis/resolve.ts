/** From an expression to the one that made its value, as far as this file shows it. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { type Binding, bindingOf } from './bindings.ts';
import { fieldValues } from './fields.ts';
import { classOfThis, isFunction, memberName, type Node, nameOf, unwrap } from './syntax.ts';

/** Programs that define things by each other in a circle end here. */
const MAXIMUM_STEPS = 24;

/** Itself where it cannot be followed: a parameter, a reassigned variable, what another module made. */
export function resolve(code: SourceCode, expression: Node, steps = MAXIMUM_STEPS): Node {
  const node = unwrap(expression);
  const next = steps > 0 ? step(code, node, steps - 1) : undefined;
  return next === undefined ? node : resolve(code, next, steps - 1);
}

function step(code: SourceCode, node: Node, steps: number): Node | undefined {
  if (node.type === 'AwaitExpression') return node.argument;
  if (node.type === 'Identifier') {
    const binding = bindingOf(code, node);
    return binding?.kind === 'value' ? taken(code, binding, steps) : undefined;
  }
  if (node.type === 'CallExpression' && isFreeze(node)) return node.arguments[0];
  if (node.type !== 'MemberExpression') return undefined;
  const name = memberName(node);
  if (name === undefined) return undefined;
  if (unwrap(node.object).type === 'ThisExpression') {
    const owner = classOfThis(node.object);
    const values = owner === undefined ? [] : fieldValues(code, owner, name);
    return values.length === 1 ? values[0] : undefined;
  }
  return memberOf(code, resolve(code, node.object, steps), name);
}

/** The value of a name that a pattern took out of another. */
function taken(code: SourceCode, binding: Binding & { kind: 'value' }, steps: number): Node | undefined {
  let value: Node | undefined = binding.value;
  for (const name of binding.path) {
    value = value === undefined ? undefined : memberOf(code, resolve(code, value, steps), name);
  }
  return value;
}

/** A member of a literal that is written out; nothing where a later spread could have replaced it. */
function memberOf(code: SourceCode, owner: Node, name: string): Node | undefined {
  if (owner.type === 'ArrayExpression') {
    const before = owner.elements.slice(0, Number(name) + 1);
    return before.some((element) => element?.type === 'SpreadElement')
      ? undefined
      : (before[Number(name)] ?? undefined);
  }
  if (owner.type !== 'ObjectExpression') return undefined;
  for (const property of owner.properties.toReversed()) {
    if (property.type === 'SpreadElement') {
      const spread = resolve(code, property.argument);
      const found = memberOf(code, spread, name);
      if (found !== undefined || spread.type !== 'ObjectExpression') return found;
    } else if (nameOf(property.key, property.computed) === name) return property.value;
  }
  return undefined;
}

function isFreeze({ callee }: ESTree.CallExpression): boolean {
  const node = unwrap(callee);
  if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier') return false;
  return node.object.name === 'Object' && memberName(node) === 'freeze';
}

/** What a function of this file answers, where one expression says so. */
export function answerOf(code: SourceCode, call: Node): Node | undefined {
  if (call.type !== 'CallExpression') return undefined;
  const called = functionOf(code, call.callee);
  if (called === undefined) return undefined;
  if (called.body.type !== 'BlockStatement') return called.body;
  const [only, ...others] = called.body.body.filter((statement) => statement.type === 'ReturnStatement');
  return others.length === 0 ? (only?.argument ?? undefined) : undefined;
}

/** The function of this file that an expression names: a declaration, a constant, a method of `this`. */
export function functionOf(code: SourceCode, callee: Node) {
  const node = resolve(code, callee);
  if (isFunction(node)) return node;
  if (node.type === 'Identifier') {
    const binding = bindingOf(code, node);
    return binding?.kind === 'declaration' && isFunction(binding.node) ? binding.node : undefined;
  }
  if (node.type !== 'MemberExpression' || unwrap(node.object).type !== 'ThisExpression') return undefined;
  const name = memberName(node);
  for (const member of classOfThis(node.object)?.body.body ?? []) {
    const method = member.type === 'MethodDefinition' && nameOf(member.key, member.computed) === name;
    if (method) return member.value;
  }
  return undefined;
}
