/** What v1 demands of a rule that v0 does without: `if`, `contains`, a value or a body, and a name that is no keyword. */
import type { Rule } from './ast.ts';
import type { Cursor } from './cursor.ts';

/** How a rule was written. */
export interface Written {
  readonly hasIf: boolean;
  readonly hasContains: boolean;
  readonly generatedBody: boolean;
  readonly generatedValue: boolean;
}

export function checkV1(p: Cursor, { head, isDefault, location }: Rule, written: Written): void {
  if (!p.strictV1) return;
  const what = (head.args ?? []).length === 0 ? 'rule' : 'function';
  const name = head.ref.head.kind === 'var' ? head.ref.head.name : '';
  if (head.ref.path.length === 0 && p.isReserved(name))
    p.later(`${name} keyword cannot be used for rule name`, location);
  if (written.generatedBody && written.generatedValue) {
    p.later(`${what} must have value assignment and/or body declaration`, location);
  }
  if (!written.generatedBody && !written.hasIf && !isDefault) {
    p.later(`\`if\` keyword is required before ${what} body`, location);
  }
  if (head.key !== undefined && !written.hasContains) {
    p.later('`contains` keyword is required for partial set rules', location);
  }
}
