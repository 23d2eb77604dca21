/** Marks in the intermediate form: where each literal begins, when a head is reached, and the author's variables there. */
import type { Expr } from '../syntax/ast.ts';
import { isGeneratedName } from '../syntax/ast.ts';
import type { Location } from '../syntax/location.ts';
import type { Builder } from './builder.ts';
import { writtenName } from './context.ts';
import type { Operand } from './ir.ts';

/** A head is reached when its body holds. */
export function markHead(b: Builder, location: Location): void {
  b.emit({ op: 'mark', location, generated: false, variables: authorVariables(b) });
}

/** What a head demands of its arguments belongs to the head, without having reached it. */
export function markArguments(b: Builder, head: Location): void {
  b.emit({ op: 'mark', location: head, generated: true, variables: new Map() });
}

export function markLiteral(b: Builder, expr: Expr, lower: () => void): void {
  const variables = new Map<string, Operand>();
  b.emit({ op: 'mark', location: expr.location, generated: expr.generated === true, variables });
  lower();
  for (const [name, operand] of authorVariables(b)) variables.set(name, operand);
}

function authorVariables(b: Builder): Map<string, Operand> {
  const variables = new Map<string, Operand>();
  for (const [name, operand] of b.vars) {
    const written = writtenName(b.c, name);
    if (!isGeneratedName(written) && written !== '_') variables.set(written, operand);
  }
  return variables;
}
