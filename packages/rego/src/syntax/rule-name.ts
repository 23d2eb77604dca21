/** Keywords where a rule's name stands, and names where a keyword was meant. */
import type { Cursor } from './cursor.ts';

/** Keywords that are named when they stand for a rule's name; others are just unexpected. */
const NAMED: ReadonlySet<string> = new Set([
  'every',
  'if',
  'in',
  'some',
  'as',
  'package',
  'import',
  'not',
  'and',
  'or',
  'contains',
]);
const ASSIGNMENTS = [':=', '='];
const HEADS = ['if', 'contains'];

/** What, behind a keyword, makes it plain that a rule was to have the keyword's name. */
function followers(keyword: string): readonly string[] {
  switch (keyword) {
    case 'contains':
      return HEADS;
    // A path may be named after a keyword.
    case 'package':
    case 'import':
      return [...ASSIGNMENTS, '('];
    // What stands in parentheses is an operand.
    case 'not':
    case 'and':
    case 'or':
      return [...ASSIGNMENTS, ...HEADS];
    default:
      return [...ASSIGNMENTS, ...HEADS, '('];
  }
}

export function refuseRuleName(p: Cursor): void {
  const { kind, text } = p.peek(1);
  if (!isNamed(p) || !followers(p.token.text).includes(text)) return;
  if (kind !== 'ident' || p.isReserved(text)) refuse(p);
}

/** What stands behind `default` can only be a name. */
export function refuseDefaultName(p: Cursor): void {
  if (isNamed(p)) refuse(p);
}

function isNamed(p: Cursor): boolean {
  const { token } = p;
  return token.kind === 'ident' && NAMED.has(token.text) && p.isReserved(token.text);
}

function refuse(p: Cursor): never {
  return p.fail(`${p.token.text} keyword cannot be used for rule name`);
}

/** In v0 without its import, `p if …` is the statement `p` before one that is named `if`. */
export function headKeywordHint(p: Cursor, names: readonly string[]): string | undefined {
  const name = names.find((each) => HEADS.includes(each) && !p.isReserved(each));
  if (name === undefined) return undefined;
  const example = name === 'if' ? 'p if { ... }' : 'p contains x';
  return `\`import future.keywords.${name}\` for \`${example}\` rules`;
}
