/** AUTH-17: secrets come from the environment or a vault when the program runs, never from its source. */
import type * as ESTree from 'estree';
import { originOf } from '../analysis/origin.ts';
import {
  memberName,
  type Node,
  nameOf,
  parameterDefault,
  parameterName,
  parentOf,
  unwrap,
} from '../analysis/syntax.ts';
import { knownTexts, textsOf } from '../analysis/text.ts';
import { defineRule, NAMES, optionsOf } from '../rule.ts';
import { isSecretName, isWrittenSecret, mayBeSecret, secretInText } from '../secrets/secret-text.ts';

interface Options {
  readonly names: readonly string[];
}

/** Functions that take a shared secret or a key, by the position of it. */
const KEY_ARGUMENTS: readonly (readonly [RegExp, number])[] = [
  [/^crypto\.(?:createHmac|createCipheriv|createDecipheriv)$/, 1],
  [/^jsonwebtoken\.(?:sign|verify)$/, 1],
  [/^(?:jose\.SignJWT\(\)|.*\.SignJWT\(\)).*\.sign$/, 0],
  [/^jose\.(?:jwtVerify|compactVerify|jwtDecrypt)$/, 1],
  [/^oauth4webapi\.(?:ClientSecretPost|ClientSecretBasic|ClientSecretJwt)$/, 0],
];
const SETTERS: ReadonlySet<string> = new Set(['set', 'append', 'setHeader', 'header']);

export const noHardcodedClientSecret = defineRule(
  {
    description: 'Refuse client secrets, signing keys and tokens that stand in the source (AUTH-17).',
    messages: {
      secret:
        'AUTH-17: {{name}} is written into the source. Whoever reads the code has it, and it cannot be rotated without a release. Read it from the environment, a file or a vault when the program starts.',
      fromEnvironment: 'Read it from process.env.{{variable}}.',
    },
    options: { properties: { names: NAMES } },
    suggests: true,
  },
  (context) => {
    const { sourceCode: code } = context;
    const extra = new Set((optionsOf<Options>(context).names ?? []).map((name) => name.toLowerCase()));
    const isSecret = (name: string): boolean => isSecretName(name) || extra.has(name.toLowerCase());
    /** A literal is one finding, however many ways lead to it. */
    const reported = new Set<Node>();

    const report = (node: Node, name: string, suggest = true): void => {
      if (reported.has(node)) return;
      reported.add(node);
      const variable = variableName(name);
      const suggestion = {
        messageId: 'fromEnvironment',
        data: { variable },
        fix: (fixer: Parameters<NonNullable<Parameters<typeof context.report>[0]['fix']>>[0]) =>
          fixer.replaceText(node, `process.env.${variable}`),
      };
      context.report({ node, messageId: 'secret', data: { name }, suggest: suggest ? [suggestion] : [] });
    };

    /** The literals that a value can be; `process.env.X ?? 'dev'` has one. */
    const named = (name: string | undefined, value: Node | null | undefined): void => {
      if (name === undefined || value === null || value === undefined || !isSecret(name)) return;
      // What stands in for a variable is left out, not read from another one.
      const standsIn = unwrap(value).type === 'LogicalExpression';
      const written = standsIn ? isWrittenSecret : mayBeSecret;
      for (const literal of literalsIn(value))
        if (written(String(literalText(literal)))) report(literal, name, !standsIn);
    };

    /** A key that is handed over, written here or in a constant of this file. */
    const handedOver = (node: Node, name: string): void => {
      const value = unwrap(node);
      const encoded = encodedText(value);
      if (encoded !== undefined) return handedOver(encoded, name);
      for (const literal of literalsIn(value)) if (isWrittenSecret(String(literalText(literal)))) report(literal, name);
      if (value.type === 'Identifier' && !isSecret(value.name)) {
        const [text] = knownTexts(code, value);
        if (text !== undefined && isWrittenSecret(text)) report(value, name, false);
      }
    };

    const byText = (node: Node, text: string): void => {
      const found = secretInText(text);
      if (found !== undefined) report(node, found, false);
    };

    return {
      Property: (node) => named(nameOf(node.key, node.computed), node.value),
      PropertyDefinition: (node) => named(nameOf(node.key, node.computed), node.value),
      VariableDeclarator: (node) => named(node.id.type === 'Identifier' ? node.id.name : undefined, node.init),
      AssignmentExpression(node) {
        const target = unwrap(node.left);
        if (target.type === 'Identifier') named(target.name, node.right);
        if (target.type === 'MemberExpression') named(memberName(target), node.right);
      },
      AssignmentPattern: (node) => named(parameterName(node)?.name, parameterDefault(node)),
      CallExpression(node) {
        const given = node.arguments.map((argument) => argument as Node);
        const callee = unwrap(node.callee);
        if (callee.type === 'MemberExpression' && SETTERS.has(memberName(callee) ?? '') && given.length === 2)
          for (const name of given[0] === undefined ? [] : knownTexts(code, given[0])) named(name, given[1]);
        const origin = originOf(code, callee) ?? '';
        for (const [pattern, index] of KEY_ARGUMENTS) {
          const key = given[index];
          if (pattern.test(origin) && key !== undefined) handedOver(key, 'a key');
        }
        basicCredentials(node, given);
      },
      Literal(node) {
        if (typeof node.value === 'string') byText(node, node.value);
      },
      TemplateLiteral(node) {
        const [text] = textsOf(code, node);
        if (parentOf(node)?.type === 'TaggedTemplateExpression') return;
        byText(node, (text ?? []).map((piece) => (typeof piece === 'string' ? piece : '\u{0}')).join(''));
      },
    };

    /** `Buffer.from('id:secret').toString('base64')`. */
    function basicCredentials(node: ESTree.CallExpression, [first]: readonly Node[]): void {
      const callee = unwrap(node.callee);
      const encodes =
        (callee.type === 'Identifier' && callee.name === 'btoa') ||
        (callee.type === 'MemberExpression' && memberName(callee) === 'from' && isBase64Encoded(node));
      const value = first === undefined ? undefined : unwrap(first);
      if (!encodes || value === undefined) return;
      for (const text of value.type === 'Literal' || value.type === 'TemplateLiteral' ? knownTexts(code, value) : [])
        if (/^[\w.@-]+:[^\s:]{4,}$/.test(text)) report(value, 'the secret of Basic credentials', false);
    }
  },
);

function isBase64Encoded(node: Node): boolean {
  const member = parentOf(node);
  const call = member === undefined ? undefined : parentOf(member);
  if (member?.type !== 'MemberExpression' || memberName(member) !== 'toString' || call?.type !== 'CallExpression')
    return false;
  const [encoding] = call.arguments;
  return encoding?.type === 'Literal' && encoding.value === 'base64';
}

/** `new TextEncoder().encode(text)`, `Buffer.from(text)`, `createSecretKey(Buffer.from(text))`. */
function encodedText(node: Node): Node | undefined {
  if (node.type !== 'CallExpression') return undefined;
  const callee = unwrap(node.callee);
  const name =
    callee.type === 'MemberExpression' ? memberName(callee) : callee.type === 'Identifier' ? callee.name : '';
  return ['encode', 'from', 'createSecretKey'].includes(name ?? '') ? node.arguments[0] : undefined;
}

function literalsIn(value: Node): readonly Node[] {
  const node = unwrap(value);
  if (node.type === 'LogicalExpression') return [...literalsIn(node.left), ...literalsIn(node.right)];
  if (node.type === 'ConditionalExpression') return [...literalsIn(node.consequent), ...literalsIn(node.alternate)];
  return literalText(node) === undefined ? [] : [node];
}

function literalText(node: Node): string | undefined {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined;
  if (node.type !== 'TemplateLiteral' || node.expressions.length > 0) return undefined;
  return node.quasis[0]?.value.cooked ?? undefined;
}

function variableName(name: string): string {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, '$1_$2').replaceAll(/[^A-Za-z\d]+/g, '_');
  return words.replace(/^_+/, '').toUpperCase();
}
