/**
 * Pass: all rules in one tree by path. A *document* is what is evaluated as a unit: the rules of one path, or, once a
 * rule there has variables in its head (`p[x].y := 1`), that rule and everything below.
 */
import type { Rule, Term } from '../syntax/ast.ts';
import { formatPath } from '../syntax/format-path.ts';
import type { Location } from '../syntax/location.ts';
import { type PrimitiveKey, primitiveKey } from '../value/key.ts';
import { type Compilation, report } from './context.ts';

export interface TreeRule {
  readonly rule: Rule;
  /** `data.order.allow`, as far as it is ground. */
  readonly path: readonly PrimitiveKey[];
  /** What of the head's ref follows the ground path: at least one variable, or nothing. */
  readonly rest: readonly Term[];
}

export interface TreeNode {
  readonly path: readonly PrimitiveKey[];
  readonly children: Map<PrimitiveKey, TreeNode>;
  rules: TreeRule[];
  document: VirtualDocument | undefined;
}

export type DocumentKind = 'complete' | 'set' | 'object' | 'function';

export interface VirtualDocument {
  readonly id: number;
  readonly kind: DocumentKind;
  readonly path: readonly PrimitiveKey[];
  /** The path as a function's name. */
  readonly name: string;
  readonly rules: readonly TreeRule[];
  readonly defaultRule: TreeRule | undefined;
  readonly arity: number;
  readonly location: Location;
}

export interface RuleTree {
  readonly root: TreeNode;
  readonly documents: readonly VirtualDocument[];
  /** Functions by their name as {@link operatorName} writes it. */
  readonly functions: ReadonlyMap<string, VirtualDocument>;
}

export function emptyTree(): RuleTree {
  return { root: newNode([]), documents: [], functions: new Map() };
}

export function buildRuleTree(c: Compilation): void {
  const root = newNode([]);
  for (const module of c.modules) {
    const path = ['data', ...module.package.path];
    nodeAt(root, path);
    for (const rule of module.rules) {
      const placed = place(rule, path);
      nodeAt(root, placed.path).rules.push(placed);
    }
  }
  const documents: VirtualDocument[] = [];
  makeDocuments(c, root, documents);
  const functions = documents.filter(({ kind }) => kind === 'function').map((each) => [each.name, each] as const);
  c.tree = { root, documents, functions: new Map(functions) };
}

/** The document of a function, by the dotted path of its name. */
export function findNode(tree: RuleTree, path: readonly PrimitiveKey[]): TreeNode | undefined {
  let node: TreeNode | undefined = tree.root;
  for (const part of path) {
    node = node.children.get(part);
    if (node === undefined) return undefined;
  }
  return node;
}

function newNode(path: readonly PrimitiveKey[]): TreeNode {
  return { path, children: new Map(), rules: [], document: undefined };
}

function nodeAt(root: TreeNode, path: readonly PrimitiveKey[]): TreeNode {
  let node = root;
  for (const part of path) {
    let child = node.children.get(part);
    if (child === undefined) {
      child = newNode([...node.path, part]);
      node.children.set(part, child);
    }
    node = child;
  }
  return node;
}

function place(rule: Rule, packagePath: readonly string[]): TreeRule {
  const path: PrimitiveKey[] = [...packagePath];
  const { ref } = rule.head;
  if (ref.head.kind === 'var') path.push(ref.head.name);
  let i = 0;
  for (; i < ref.path.length; i += 1) {
    const part = ref.path[i];
    const key = part?.kind === 'scalar' ? primitiveKey(part.value) : undefined;
    if (key === undefined) break;
    path.push(key);
  }
  return { rule, path, rest: ref.path.slice(i) };
}

function makeDocuments(c: Compilation, node: TreeNode, documents: VirtualDocument[]): void {
  if (node.rules.length > 0) {
    if (node.rules.some(({ rest }) => rest.length > 0)) absorb(node);
    else if (node.children.size > 0) reportBelow(c, node);
    const document = makeDocument(c, node, documents.length);
    documents.push(document);
    node.document = document;
    if (document.kind === 'object') node.children.clear();
  }
  for (const child of node.children.values()) makeDocuments(c, child, documents);
}

/** Rules below a head with variables belong to the same document. */
function absorb(node: TreeNode): void {
  const collect = (child: TreeNode): TreeRule[] => [...child.rules, ...[...child.children.values()].flatMap(collect)];
  node.rules = [...node.rules, ...[...node.children.values()].flatMap(collect)];
  node.children.clear();
}

function reportBelow(c: Compilation, node: TreeNode): void {
  const [first] = node.rules;
  if (first === undefined || isFunction(first.rule)) return;
  const [below] = [...node.children.values()].flatMap(firstRules);
  if (below === undefined) return;
  const message = `rule ${formatPath(node.path)} conflicts with ${listed([formatPath(below.path)])}`;
  report(c, 'rego_type_error', message, first.rule.location);
}

function firstRules(node: TreeNode): TreeRule[] {
  return [...node.rules, ...[...node.children.values()].flatMap(firstRules)];
}

function listed(paths: readonly string[]): string {
  return `[${paths.join(' ')}]`;
}

function isFunction(rule: Rule): boolean {
  return rule.head.args !== undefined;
}

function makeDocument(c: Compilation, node: TreeNode, id: number): VirtualDocument {
  const { rules } = node;
  const [first] = rules;
  if (first === undefined) throw new Error('a document has rules');
  const defaults = rules.filter(({ rule }) => rule.isDefault);
  const kind = kindOf(c, node, first);
  checkDefaults(c, node, defaults);
  return {
    id,
    kind,
    path: node.path,
    name: formatPath(node.path),
    rules: kind === 'object' ? rules : rules.filter(({ rule }) => !rule.isDefault),
    defaultRule: kind === 'object' ? undefined : defaults[0],
    arity: first.rule.head.args?.length ?? 0,
    location: first.rule.location,
  };
}

function kindOf(c: Compilation, node: TreeNode, first: TreeRule): DocumentKind {
  const { rules } = node;
  const name = formatPath(node.path);
  const functions = rules.filter(({ rule }) => isFunction(rule));
  if (functions.length > 0) {
    const arities = new Set(functions.map(({ rule }) => rule.head.args?.length));
    if (functions.length < rules.length || arities.size > 1) {
      report(c, 'rego_type_error', `conflicting rules ${name} found`, first.rule.location);
    }
    return 'function';
  }
  if (rules.some(({ rest }) => rest.length > 0)) return 'object';
  const sets = rules.filter(({ rule }) => rule.head.key !== undefined);
  if (sets.length > 0 && sets.length < rules.length) {
    report(c, 'rego_type_error', `conflicting rules ${name} found`, first.rule.location);
  }
  return sets.length > 0 ? 'set' : 'complete';
}

function checkDefaults(c: Compilation, node: TreeNode, defaults: readonly TreeRule[]): void {
  const [, second] = defaults;
  if (second !== undefined && node.rules.every(({ rest }) => rest.length === 0)) {
    const lines = defaults.map(({ rule }) => `${rule.location.file}:${rule.location.row}`).join(', ');
    const message = `multiple default rules ${formatPath(node.path)} found at ${lines}`;
    report(c, 'rego_type_error', message, second.rule.location);
  }
}
