/** What a message calls a token. */
import type { Token } from './lexer.ts';

const TOKEN_NAMES: Readonly<Record<string, string>> = {
  '+': 'plus',
  '-': 'minus',
  '*': 'mul',
  '/': 'div',
  '%': 'rem',
  '&': 'and',
  '|': 'or',
  '=': 'eq',
  '==': 'equal',
  ':=': 'assign',
  '!=': 'neq',
  '>': 'gt',
  '<': 'lt',
  '>=': 'gte',
  '<=': 'lte',
};

export function tokenName({ kind, text, parts }: Token, keywords: ReadonlySet<string>): string {
  if (kind === 'ident') return keywords.has(text) ? `${text} keyword` : 'identifier token';
  if (kind === 'string' || kind === 'number') return `${kind} token`;
  if (kind === 'template') return `${parts?.length === 1 ? 'template-string' : 'template-string-part'} token`;
  if (kind === 'eof' && text === '') return 'eof token';
  return `${TOKEN_NAMES[text] ?? text} token`;
}
