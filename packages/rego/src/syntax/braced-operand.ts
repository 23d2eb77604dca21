/** What is refused beside `and` and `or` and behind `not`, with the ways to say it. */
import { type Expr, operatorName, type Term } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { syntaxError } from './diagnostic.ts';
import type { Location } from './location.ts';

type Operator = 'and' | 'or';

/** `{a | b}` is a comprehension everywhere else. Parsing may go on. */
export function refuseUnion(p: Cursor, open: Location, [first]: readonly Expr[], prefix: '' | 'not '): boolean {
  if (first?.kind !== 'call' || operatorName(first.operator) !== 'or') return false;
  const { text: union, offset } = first.location;
  if (first.operator.location.text !== '|' || union.startsWith('(')) return false;
  const { text } = p.span(open);
  const at = offset - open.offset;
  const grouped = `${text.slice(0, at)}(${union})${text.slice(at + union.length)}`;
  const hint = `write \`${prefix}(${text})\` for the comprehension, or \`${prefix}${grouped}\` for the set union`;
  const what =
    'ambiguous `{ ... | ... }` operand: read as a body holding a set-union expression, not as a comprehension';
  p.errors.push(syntaxError(`${what} (hint: ${hint})`, open));
  return true;
}

/** Behind `not`. */
export function refuseValue(p: Cursor, location: Location, value: Term): never {
  const { text } = location;
  return p.fail(
    `\`{...}\` in an operand position must contain expression(s), got: ${leftmostKind(value)}`,
    location,
    `write \`not (${text})\` to negate the value, or \`not {${text}}\` for a body holding it`,
  );
}

export function refuseOperand(p: Cursor, value: Location, operator: Operator): never {
  return p.fail(
    `operand of \`${operator}\` cannot begin with \`{\` unless the braces hold a body`,
    value,
    `wrap the operand to keep the value: \`(${value.text}) ${operator} ...\``,
  );
}

export function refuseBody(p: Cursor, open: Location, braces: string, prefix: '' | 'not '): never {
  const hint = `drop the parens to keep the body: \`${prefix}${braces}\``;
  return p.fail('`(...)` in an operand position cannot contain a body', open, hint);
}

export function refuseWith(p: Cursor, operator: Operator, at: Location): never {
  const hint = `Wrap the operand in \`(...)\` or \`{...}\` to scope, or move \`with\` after the \`${operator}\` expression to apply it to the whole expression`;
  return p.fail(`\`with\` modifier is not allowed on operand of \`${operator}\``, at, hint);
}

/** An operand that only prints always holds. Parsing goes on. */
export function refuseVoid(p: Cursor, body: readonly Expr[], operator: Operator): void {
  const isVoid = body.every((each) => each.kind === 'call' && !each.negated && operatorName(each.operator) === 'print');
  const [first] = body;
  if (!isVoid || first === undefined) return;
  const hint =
    '`print` produces no value and always succeeds, so the operand can never fail; move it out of the operand, or add an expression that can fail';
  const message = `operand of \`${operator}\` cannot consist only of calls to \`print\` (hint: ${hint})`;
  p.errors.push(syntaxError(message, first.location));
}

/** OPA's name for what the braces hold. */
function leftmostKind(value: Term): string {
  if (value.kind === 'comprehension') return `${value.of}comprehension`;
  const left = value.kind === 'call' && isInfix(value.operator.location.text) ? value.args[0] : undefined;
  return left === undefined ? value.kind : leftmostKind(left);
}

function isInfix(operator: string): boolean {
  return operator === 'in' || !/^\w/.test(operator);
}
