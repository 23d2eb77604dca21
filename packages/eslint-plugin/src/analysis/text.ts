/** What text an expression can be: pieces that are known, and the expressions whose text only the running program knows. */
import type { SourceCode } from 'eslint';
import type * as ESTree from 'estree';
import { argumentsFor } from './arguments.ts';
import { bindingOf } from './bindings.ts';
import { answerOf, functionOf, resolve } from './resolve.ts';
import { memberName, type Node, parameterDefault } from './syntax.ts';

/** A hole stands as the expression itself. */
export type Text = readonly (string | Node)[];

/** More ways than these to put a text together are not looked at. */
const MAXIMUM_TEXTS = 16;
const MAXIMUM_STEPS = 12;
/** Callers of callers are followed, their callers are not. */
const STEPS_OF_A_CALL = 4;

/**
 * Every text that the branches of an expression can make.
 *
 * @param within the call whose answer the expression is: its arguments are what the parameters stand for
 */
export function textsOf(
  code: SourceCode,
  expression: Node,
  steps = MAXIMUM_STEPS,
  within?: ESTree.CallExpression,
): readonly Text[] {
  const node = resolve(code, expression);
  if (steps === 0) return [[node]];
  const texts = (each: Node): readonly Text[] => textsOf(code, each, steps - 1, within);
  switch (node.type) {
    case 'Literal':
      return [[String(node.value)]];
    case 'TemplateLiteral': {
      const pieces = node.quasis.flatMap((quasi, index) => {
        const hole = node.expressions[index];
        const known: readonly Text[] = [[quasi.value.cooked ?? '']];
        return hole === undefined ? [known] : [known, texts(hole)];
      });
      return pieces.reduce(product, [[]]);
    }
    case 'BinaryExpression':
      return node.operator === '+' ? product(texts(node.left), texts(node.right)) : [[node]];
    case 'LogicalExpression':
      return bounded([...texts(node.left), ...texts(node.right)]);
    case 'ConditionalExpression':
      return bounded([...texts(node.consequent), ...texts(node.alternate)]);
    case 'NewExpression':
      return isUrl(node) ? urlTexts(node, texts) : [[node]];
    case 'CallExpression':
      return converted(node, texts) ?? answered(code, node, steps - 1) ?? [[node]];
    case 'MemberExpression':
      return memberName(node) === 'href' && isUrl(resolve(code, node.object)) ? texts(node.object) : [[node]];
    case 'Identifier':
      return passed(code, node, within, (each) => textsOf(code, each, Math.max(0, steps - STEPS_OF_A_CALL)));
    default:
      return [[node]];
  }
}

/** The texts that are known as a whole, of whichever branch. */
export function knownTexts(code: SourceCode, expression: Node): readonly string[] {
  return textsOf(code, expression)
    .filter((text) => text.every((piece) => typeof piece === 'string'))
    .map((text) => text.join(''));
}

/** A parameter's texts: its default, and what the callers in this file hand over. */
function passed(
  code: SourceCode,
  node: ESTree.Identifier,
  within: ESTree.CallExpression | undefined,
  texts: (each: Node) => readonly Text[],
): readonly Text[] {
  const binding = bindingOf(code, node);
  if (binding?.kind === 'value' && binding.fallback !== undefined) return [[node], ...texts(binding.fallback)];
  if (binding?.kind !== 'parameter') return [[node]];
  const fallback = parameterDefault(binding.parameter);
  if (within !== undefined && functionOf(code, within.callee) === binding.owner) {
    const given = within.arguments[binding.index] ?? fallback;
    return given === undefined ? [[node]] : texts(given);
  }
  const values = [...(fallback === undefined ? [] : [fallback]), ...argumentsFor(code, binding.owner, binding.index)];
  return bounded([[node], ...values.slice(0, MAXIMUM_TEXTS).flatMap(texts)]);
}

/** What a function of this file makes of it. */
function answered(code: SourceCode, call: ESTree.CallExpression, steps: number): readonly Text[] | undefined {
  const answer = answerOf(code, call);
  return answer === undefined ? undefined : textsOf(code, answer, steps, call);
}

function converted(node: ESTree.CallExpression, texts: (each: Node) => readonly Text[]): readonly Text[] | undefined {
  const [first] = node.arguments;
  const callee = node.callee as Node;
  if (callee.type === 'Identifier' && callee.name === 'String' && first !== undefined) return texts(first);
  if (callee.type !== 'MemberExpression') return undefined;
  return ['toString', 'trim', 'toJSON'].includes(memberName(callee) ?? '') ? texts(callee.object) : undefined;
}

/** `new URL(path, base)`: the path behind the base, which is near enough to see the host. */
function urlTexts(node: ESTree.NewExpression, texts: (each: Node) => readonly Text[]): readonly Text[] {
  const [path, base] = node.arguments;
  if (path === undefined) return [[node]];
  return base === undefined ? texts(path) : product(texts(base), texts(path));
}

function isUrl(node: Node): node is ESTree.NewExpression {
  return node.type === 'NewExpression' && node.callee.type === 'Identifier' && node.callee.name === 'URL';
}

function product(starts: readonly Text[], ends: readonly Text[]): readonly Text[] {
  return bounded(starts.flatMap((start) => ends.map((end) => joined(start, end))));
}

/** Known pieces beside each other are one. */
export function joined(start: Text, end: Text): Text {
  const [last, first] = [start.at(-1), end[0]];
  if (typeof last !== 'string' || typeof first !== 'string') return [...start, ...end];
  return [...start.slice(0, -1), last + first, ...end.slice(1)];
}

function bounded(texts: readonly Text[]): readonly Text[] {
  return texts.slice(0, MAXIMUM_TEXTS);
}
