/** Pass: what a rule's head must evaluate moves into its body, so that the head holds only values and variables. */
import { equation, operatorName, type Rule, type Term } from '../syntax/ast.ts';
import { visitTerm } from '../syntax/walk.ts';
import { type Compilation, eachRule, localVar, report } from './context.ts';

export function rewriteHeads(c: Compilation): void {
  eachRule(c, (rule) => {
    if (rule.isDefault) return;
    const { head } = rule;
    const hoist = (term: Term): Term => (needsEvaluation(term) ? hoistTerm(c, rule, term) : term);
    head.ref.path = head.ref.path.map((term) =>
      term.kind === 'scalar' || term.kind === 'var' ? term : hoistTerm(c, rule, term),
    );
    for (const arg of head.args ?? []) refuseCalls(c, arg);
    if (head.key !== undefined) head.key = hoist(head.key);
    if (head.value !== undefined) head.value = hoist(head.value);
    head.args = head.args?.map(hoist);
  });
}

function refuseCalls(c: Compilation, arg: Term): void {
  visitTerm(arg, {
    term(each) {
      const { kind, location } = each;
      if (kind === 'call' && operatorName(each.operator) !== 'internal.template_string') {
        report(c, 'rego_compile_error', 'rule arguments cannot contain calls', location);
      }
      return kind !== 'call' && kind !== 'comprehension';
    },
  });
}

/** Whether a term is more than values and variables. */
export function needsEvaluation(term: Term): boolean {
  let found = false;
  visitTerm(term, {
    term({ kind }) {
      if (kind === 'ref' || kind === 'call' || kind === 'comprehension') found = true;
      return !found;
    },
  });
  return found;
}

function hoistTerm(c: Compilation, rule: Rule, term: Term): Term {
  const variable = localVar(c, term.location);
  rule.body.push(equation(variable, term, term.location));
  return variable;
}
