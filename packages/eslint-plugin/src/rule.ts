/** The form of every rule of the plugin: ESLint's, with one type for its messages. */
import type { Rule } from 'eslint';

export type RuleContext = Rule.RuleContext;

export interface RuleText {
  readonly description: string;
  readonly messages: Readonly<Record<string, string>>;
  /** JSON Schema of the one options object; none: the rule has no options. */
  readonly options?: object;
  readonly suggests?: boolean;
  readonly fixes?: boolean;
}

export function defineRule(
  { description, messages, options, suggests = false, fixes = false }: RuleText,
  create: (context: RuleContext) => Rule.RuleListener,
): Rule.RuleModule {
  return {
    meta: {
      type: 'problem',
      docs: { description, recommended: true },
      messages: { ...messages },
      schema: options === undefined ? [] : [{ type: 'object', additionalProperties: false, ...options }],
      hasSuggestions: suggests,
      ...(fixes ? { fixable: 'code' } : {}),
    },
    create,
  };
}

/** A list of strings in an options object. */
export const NAMES = { type: 'array', items: { type: 'string', minLength: 1 }, uniqueItems: true, maxItems: 200 };

export function optionsOf<Options extends object>(context: RuleContext): Partial<Options> {
  return (context.options[0] ?? {}) as Partial<Options>;
}
