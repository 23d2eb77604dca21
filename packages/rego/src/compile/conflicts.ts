/** Rules that contradict each other whatever they evaluate to: kinds, arities, defaults, rules below rules. */
import { formatPath } from '../syntax/format-path.ts';
import { compareLocations, type Location } from '../syntax/location.ts';
import type { PrimitiveKey } from '../value/key.ts';
import { type Compilation, report } from './context.ts';
import type { TreeNode, TreeRule } from './rule-tree.ts';
import { writtenRule } from './typing/written-ref.ts';

export function checkConflicts(c: Compilation, node: TreeNode): void {
  if (node.rules.length > 0) checkNode(c, node);
  for (const child of node.children.values()) checkConflicts(c, child);
}

/** A package and a rule cannot have the same name. */
export function checkPackages(c: Compilation): void {
  const packages = new Map(c.modules.map(({ package: { path } }) => [formatPath(['data', ...path]), path] as const));
  for (const { package: own, rules } of c.modules) {
    for (const { head, location } of rules) {
      if (head.ref.path.some((part) => part.kind !== 'scalar')) continue;
      const name = writtenRule(c, own.path, head.ref);
      const path = packages.get(name);
      if (path === undefined) continue;
      const rule = name.slice(formatPath(['data', ...own.path]).length + 1);
      const message = `package ${formatPath(path)} conflicts with rule ${rule} defined at ${place(location)}`;
      report(c, 'rego_type_error', message, own.location);
    }
  }
}

function checkNode(c: Compilation, node: TreeNode): void {
  const rules = node.rules.toSorted((a, b) => compareLocations(a.rule.location, b.rule.location));
  const [first] = rules;
  const last = rules.at(-1);
  if (first === undefined || last === undefined) return;
  const { location } = first.rule;
  const name = writtenTreeRule(c, last);
  const below = rules.some(({ rest }) => rest.length === 0) ? rulesBelow(node) : [];
  if (below.length > 0) {
    const lines = below.map((each) => `  rule ${writtenTreeRule(c, each)} at ${place(each.rule.location)}`);
    return report(c, 'rego_type_error', [`rule ${name} conflicts with:`, ...lines].join('\n'), location);
  }
  if (kinds(rules) > 1) return report(c, 'rego_type_error', `conflicting rules ${name} found`, location);
  checkDefaults(c, rules, name);
}

function writtenTreeRule(c: Compilation, { rule, path }: TreeRule): string {
  const { ref } = rule.head;
  const scalars = ref.path.findIndex((part) => part.kind !== 'scalar');
  const own = 1 + (scalars === -1 ? ref.path.length : scalars);
  return writtenRule(c, path.slice(1, path.length - own).map(String), ref);
}

/** Of rules within each other only the outermost. */
function rulesBelow(node: TreeNode): TreeRule[] {
  const outermost = (child: TreeNode): TreeRule[] =>
    child.rules.length > 0 ? child.rules.slice(0, 1) : [...child.children.values()].flatMap(outermost);
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

function checkDefaults(c: Compilation, rules: readonly TreeRule[], name: string): void {
  const defaults = rules.filter(({ rule }) => rule.isDefault).map(({ rule }) => rule);
  const [first, second] = defaults;
  if (first === undefined || second === undefined) return;
  const places = defaults.map(({ location }) => place(location)).join(', ');
  const module = c.modules.find((each) => each.rules.includes(first));
  const location = module?.package.location ?? first.location;
  report(c, 'rego_type_error', `multiple default rules ${name} found at ${places}`, location);
}

function place({ file, row }: Location): string {
  return `${file}:${row}`;
}
