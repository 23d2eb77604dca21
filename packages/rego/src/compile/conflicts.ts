/** Pass: rules that contradict each other whatever they evaluate to: kinds, arities, defaults, rules below rules. */

import type { Diagnostic } from '../syntax/diagnostic.ts';
import { formatPath } from '../syntax/format-path.ts';
import { compareLocations, type Location } from '../syntax/location.ts';
import type { PrimitiveKey } from '../value/key.ts';
import type { Compilation } from './context.ts';
import type { TreeNode, TreeRule } from './rule-tree.ts';
import { writtenRule } from './typing/written-ref.ts';

export function checkConflicts(c: Compilation): void {
  c.diagnostics.push(...c.tree.conflicts);
}

export function* ruleConflicts(c: Compilation, node: TreeNode): Generator<Diagnostic> {
  const conflict = node.rules.length > 0 ? conflictAt(c, node) : undefined;
  if (conflict !== undefined) yield conflict;
  for (const child of node.children.values()) yield* ruleConflicts(c, child);
}

/** A package and a rule cannot have the same name. */
export function* packageConflicts(c: Compilation): Generator<Diagnostic> {
  const packages = new Map(c.modules.map(({ package: { path } }) => [formatPath(['data', ...path]), path] as const));
  for (const { package: own, rules } of c.modules) {
    for (const { head, location } of rules) {
      if (head.ref.path.some((part) => part.kind !== 'scalar')) continue;
      const name = writtenRule(c, own.path, head.ref);
      const path = packages.get(name);
      if (path === undefined) continue;
      const rule = name.slice(formatPath(['data', ...own.path]).length + 1);
      const message = `package ${formatPath(path)} conflicts with rule ${rule} defined at ${place(location)}`;
      yield conflict(message, own.location);
    }
  }
}

function conflict(message: string, location: Location): Diagnostic {
  return { code: 'rego_type_error', message, location };
}

function conflictAt(c: Compilation, node: TreeNode): Diagnostic | undefined {
  const rules = node.rules.toSorted((a, b) => compareLocations(a.rule.location, b.rule.location));
  const [first] = rules;
  const last = rules.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const { location } = first.rule;
  const name = writtenTreeRule(c, last);
  const isGround = rules.some(({ rest }) => rest.length === 0);
  // A function is no member of a document, so none can stand where a variable in a head leads.
  const below = isGround ? rulesBelow(node) : rulesBelow(node, ({ rule }) => rule.head.args !== undefined);
  if (below.length > 0) {
    const lines = below.map((each) => `  rule ${writtenTreeRule(c, each)} at ${place(each.rule.location)}`);
    return conflict([`rule ${name} conflicts with:`, ...lines].join('\n'), location);
  }
  return kinds(rules) > 1 ? conflict(`conflicting rules ${name} found`, location) : repeatedDefault(c, rules, name);
}

function writtenTreeRule(c: Compilation, { rule, path }: TreeRule): string {
  const { ref } = rule.head;
  const scalars = ref.path.findIndex((part) => part.kind !== 'scalar');
  const own = 1 + (scalars === -1 ? ref.path.length : scalars);
  return writtenRule(c, path.slice(1, path.length - own).map(String), ref);
}

/** Of rules within each other only the outermost. */
function rulesBelow(node: TreeNode, counts: (placed: TreeRule) => boolean = () => true): TreeRule[] {
  const outermost = (child: TreeNode): TreeRule[] => {
    const own = child.rules.filter(counts);
    return own.length > 0 ? own.slice(0, 1) : [...child.children.values()].flatMap(outermost);
  };
  return [...node.children.values()].flatMap(outermost).toSorted((a, b) => comparePaths(a.path, b.path));
}

function comparePaths(a: readonly PrimitiveKey[], b: readonly PrimitiveKey[]): number {
  const [x, y] = [formatPath(a), formatPath(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Sets, single values, functions of each arity, and objects with computed keys do not mix. */
function kinds(rules: readonly TreeRule[]): number {
  return new Set(
    rules.map(({ rule: { head }, rest }) => {
      if (head.args !== undefined) return head.args.length;
      if (head.key !== undefined) return 'set';
      return rest.length > 0 ? 'object' : 'value';
    }),
  ).size;
}

function repeatedDefault(c: Compilation, rules: readonly TreeRule[], name: string): Diagnostic | undefined {
  const defaults = rules.filter(({ rule }) => rule.isDefault).map(({ rule }) => rule);
  const [first, second] = defaults;
  if (first === undefined || second === undefined) return undefined;
  const places = defaults.map(({ location }) => place(location)).join(', ');
  const module = c.modules.find((each) => each.rules.includes(first));
  const location = module?.package.location ?? first.location;
  return conflict(`multiple default rules ${name} found at ${places}`, location);
}

function place({ file, row }: Location): string {
  return `${file}:${row}`;
}
