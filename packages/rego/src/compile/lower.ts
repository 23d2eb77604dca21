/** Pass: documents and queries to the intermediate form. */
import { type Expr, isWildcard, type Rule, type Term } from '../syntax/ast.ts';
import { chain } from '../syntax/walk.ts';
import type { Value } from '../value/value.ts';
import { Builder } from './builder.ts';
import type { Compilation } from './context.ts';
import type { Branch, Local, Operand, QueryRoutine, Routine } from './ir.ts';
import { lowerBody } from './lower-body.ts';
import { lowerTerm } from './lower-term.ts';
import { matchOperand } from './lower-unify.ts';
import { markArguments, markHead } from './mark-literal.ts';
import type { TreeRule, VirtualDocument } from './rule-tree.ts';

export interface LowerOptions {
  /** For builds that watch an evaluation: every literal is marked. */
  readonly marked?: boolean;
}

export function lowerDocument(
  c: Compilation,
  document: VirtualDocument,
  { marked = false }: LowerOptions = {},
): Routine {
  const b = new Builder(c, marked);
  const params: Local[] = [];
  for (let i = 0; i < document.arity; i += 1) params.push(b.local());
  const rules = document.rules.map((each) =>
    chain(each.rule).map((rule) => lowerBranch(b, document, { ...each, rule }, params)),
  );
  const { defaultRule } = document;
  const fallback = defaultRule === undefined ? undefined : lowerBranch(b, document, defaultRule, params);
  const uniform = isUniform(rules);
  const { localCount: locals, labelCount: labels } = b;
  return { document, params, rules, index: undefined, fallback, uniform, locals, labels };
}

function lowerBranch(
  b: Builder,
  document: VirtualDocument,
  { rule, rest, path }: TreeRule,
  params: readonly Local[],
): Branch {
  b.vars = new Map();
  const body = b.closure(() => {
    if (b.marked && rule.head.args !== undefined) markArguments(b, rule.head.location);
    for (const [i, arg] of (rule.head.args ?? []).entries()) {
      const param = params[i];
      if (param !== undefined) matchArgument(b, arg, { kind: 'local', local: param });
    }
    lowerBody(b, rule.isDefault ? [] : rule.body, () => produce(b, document, { rule, rest, path }));
  });
  return {
    body,
    location: rule.location,
    constant: constantValue(rule),
    isDefault: rule.isDefault,
  };
}

function matchArgument(b: Builder, arg: Term, value: Operand): void {
  if (arg.kind === 'var' && isWildcard(arg.name)) return;
  matchOperand(b, arg, value);
}

function produce(b: Builder, document: VirtualDocument, { rule, rest, path }: TreeRule): void {
  const { head } = rule;
  const keys: Operand[] = path.slice(document.path.length).map((value) => ({ kind: 'const', value }));
  for (const part of rest) keys.push(lowerTerm(b, part));
  const term = head.key ?? head.value;
  if (term === undefined) throw new Error('a head has a key or a value');
  if (b.marked) markHead(b, head.location);
  b.emit({ op: 'produce', path: keys, value: lowerTerm(b, term), member: head.key !== undefined });
}

function isUniform(rules: Routine['rules']): boolean {
  const [first, ...others] = rules.flat();
  if (first?.constant === undefined || typeof first.constant === 'object') return false;
  return others.every(({ constant }) => constant === first.constant);
}

function constantValue({ head }: Rule): Value | undefined {
  return head.key === undefined && head.value?.kind === 'scalar' ? head.value.value : undefined;
}

/** Lowers a query; its answers bind the named variables. */
export function lowerQuery(
  c: Compilation,
  body: readonly Expr[],
  names: readonly string[],
  { marked = false }: LowerOptions = {},
): QueryRoutine {
  const b = new Builder(c, marked);
  const block = b.closure(() => {
    lowerBody(b, body, () => {
      const values = names.map((name) => b.vars.get(name) ?? { kind: 'const' as const, value: null });
      b.emit({ op: 'answer', values });
    });
  });
  return { body: block, names, locals: b.localCount, labels: b.labelCount };
}
