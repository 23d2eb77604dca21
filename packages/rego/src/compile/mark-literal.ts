/** Marks in the intermediate form: where each literal begins and which of the author's variables it knows. */
import type { Expr } from '../syntax/ast.ts';
import { isGeneratedName } from '../syntax/ast.ts';
import { writtenName } from './context.ts';
import type { Operand } from './ir.ts';
import type { Builder } from './lower-body.ts';

export function markLiteral(b: Builder, expr: Expr, lower: () => void): void {
  const variables = new Map<string, Operand>();
  b.emit({ op: 'mark', location: expr.location, generated: expr.generated === true, variables });
  lower();
  for (const [name, operand] of b.vars) {
    const written = writtenName(b.c, name);
    if (!isGeneratedName(written) && written !== '_') variables.set(written, operand);
  }
}
