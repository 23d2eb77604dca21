/** Pass: builtins that OPA has given up are refused in v1 files, and everywhere under `strict`. */
import { operatorName } from '../syntax/ast.ts';
import { visitRule } from '../syntax/walk.ts';
import { type Compilation, eachRule, report } from './context.ts';

export function checkDeprecated(c: Compilation): void {
  eachRule(c, (rule, module) => {
    if (!c.strict && !module.v1) return;
    visitRule(rule, {
      expr(expr) {
        const name = expr.kind === 'call' ? operatorName(expr.operator) : undefined;
        if (name !== undefined && c.builtins.get(name)?.deprecated === true) {
          const message = `deprecated built-in function calls in expression: ${name}`;
          report(c, 'rego_type_error', message, expr.location);
        }
        return undefined;
      },
    });
  });
}
