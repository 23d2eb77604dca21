/** What an object holds: its members as far as this file shows them, and whether there may be more. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { bindingOf, variableOf } from './bindings.ts';
import { answerOf, resolve } from './resolve.ts';
import { memberName, type Node, nameOf, parentOf, unwrap } from './syntax.ts';

export interface Member {
  /** Where it is written. */
  readonly node: Node;
  readonly value: Node;
}

export interface Shape {
  /** Names as written; those of header fields are compared in lower case by who asks. */
  readonly members: ReadonlyMap<string, Member>;
  /** What was spread into it and cannot be seen through, or the whole. */
  readonly unseen: readonly Node[];
}

const MAXIMUM_STEPS = 8;
/** Methods of Headers, Map and URLSearchParams that put a member in. */
const SETTERS: ReadonlySet<string> = new Set(['set', 'append']);

export function shapeOf(code: SourceCode, expression: Node, steps = MAXIMUM_STEPS): Shape {
  const made = madeBy(code, expression, steps);
  const name = unwrap(expression);
  return name.type === 'Identifier' ? withLaterWrites(code, made, name) : made;
}

/** A member by its name, upper and lower case being one. */
export function memberOfShape(shape: Shape, name: string): Member | undefined {
  for (const [key, member] of shape.members) if (key.toLowerCase() === name) return member;
  return undefined;
}

function madeBy(code: SourceCode, expression: Node, steps: number): Shape {
  const node = resolve(code, expression);
  const unseen: Shape = { members: new Map(), unseen: [node] };
  if (steps === 0) return unseen;
  const shape = (each: Node): Shape => shapeOf(code, each, steps - 1);
  switch (node.type) {
    case 'ObjectExpression':
      return node.properties.map((property) => propertyShape(code, property, shape)).reduce(merged, EMPTY);
    case 'ArrayExpression':
      return node.elements.map((element) => entryShape(code, element)).reduce(merged, EMPTY);
    case 'NewExpression':
      return isContainer(node) ? (node.arguments.map(shape)[0] ?? EMPTY) : unseen;
    case 'CallExpression': {
      if (isAssign(node)) return node.arguments.map(shape).reduce(merged, EMPTY);
      const answer = answerOf(code, node);
      return answer === undefined ? unseen : shape(answer);
    }
    case 'LogicalExpression':
      // `options ?? {}`, `condition && { … }`: either side.
      return merged(shape(node.left), shape(node.right));
    case 'ConditionalExpression':
      return merged(shape(node.consequent), shape(node.alternate));
    case 'Literal':
      return EMPTY;
    case 'Identifier':
      return node.name === 'undefined' ? EMPTY : unseen;
    default:
      return unseen;
  }
}

const EMPTY: Shape = { members: new Map(), unseen: [] };

function merged(first: Shape, second: Shape): Shape {
  return {
    members: new Map([...first.members, ...second.members]),
    unseen: [...first.unseen, ...second.unseen],
  };
}

function propertyShape(
  code: SourceCode,
  property: ESTree.Property | ESTree.SpreadElement,
  shape: (each: Node) => Shape,
): Shape {
  if (property.type === 'SpreadElement') {
    const spread = shape(property.argument);
    // `...(condition && { … })`: the condition itself spreads nothing.
    const argument = unwrap(property.argument);
    return argument.type === 'LogicalExpression' && argument.operator === '&&' ? shape(argument.right) : spread;
  }
  const name = nameOf(property.key, property.computed) ?? keyText(code, property);
  if (name === undefined) return { members: new Map(), unseen: [property] };
  return { members: new Map([[name, { node: property, value: property.value }]]), unseen: [] };
}

/** `{ [HEADER]: value }` with a constant. */
function keyText(code: SourceCode, property: ESTree.Property): string | undefined {
  const key = resolve(code, property.key);
  return key.type === 'Literal' ? String(key.value) : undefined;
}

/** `new Headers([['name', value]])`. */
function entryShape(code: SourceCode, element: ESTree.ArrayExpression['elements'][number]): Shape {
  if (element === null) return EMPTY;
  const entry = resolve(code, element);
  const [name, value] = entry.type === 'ArrayExpression' ? entry.elements : [];
  const key = name === null || name === undefined ? undefined : resolve(code, name);
  if (key?.type !== 'Literal' || value === null || value === undefined)
    return { members: new Map(), unseen: [element] };
  return { members: new Map([[String(key.value), { node: element, value }]]), unseen: [] };
}

function isContainer(node: ESTree.NewExpression): boolean {
  const callee = node.callee as Node;
  return callee.type === 'Identifier' && ['Headers', 'Map', 'URLSearchParams'].includes(callee.name);
}

function isAssign({ callee }: ESTree.CallExpression): boolean {
  const node = callee as Node;
  if (node.type !== 'MemberExpression' || node.object.type !== 'Identifier') return false;
  return node.object.name === 'Object' && memberName(node) === 'assign';
}

/** What is put into a constant after it was made: `h.name = …`, `h['name'] = …`, `h.set('name', …)`. Who else gets it may add. */
function withLaterWrites(code: SourceCode, made: Shape, name: ESTree.Identifier): Shape {
  if (bindingOf(code, name)?.kind !== 'value') return made;
  const members = new Map(made.members);
  const unseen = [...made.unseen];
  for (const { identifier } of variableOf(code, name)?.references ?? []) {
    const used = parentOf(identifier as Node);
    if (used?.type === 'CallExpression' && used.arguments.includes(identifier as ESTree.Identifier)) {
      if (mayChange(used)) unseen.push(used);
      continue;
    }
    if (used?.type !== 'MemberExpression' || used.object !== identifier) continue;
    const outer = parentOf(used);
    if (outer?.type === 'AssignmentExpression' && outer.left === used) {
      const key = memberName(used) ?? keyLiteral(code, used.property);
      if (key === undefined) unseen.push(outer);
      else members.set(key, { node: outer, value: outer.right });
    } else if (outer?.type === 'CallExpression' && outer.callee === used && SETTERS.has(memberName(used) ?? '')) {
      const [key, value] = outer.arguments;
      const text = key === undefined ? undefined : keyLiteral(code, key);
      if (text === undefined || value === undefined) unseen.push(outer);
      else members.set(text, { node: outer, value: value });
    }
  }
  return { members, unseen };
}

function keyLiteral(code: SourceCode, key: Node): string | undefined {
  const node = resolve(code, key);
  return node.type === 'Literal' ? String(node.value) : undefined;
}

/** `sign(headers)`, `inject(context, headers)`: who is handed the object to put something in. A client only reads its options. */
function mayChange({ callee }: ESTree.CallExpression): boolean {
  const node = unwrap(callee);
  const name = node.type === 'MemberExpression' ? memberName(node) : node.type === 'Identifier' ? node.name : undefined;
  return name === undefined || /^(?:sign|inject|apply|auth|decorate|add|with|set|attach|append|assign)/i.test(name);
}
