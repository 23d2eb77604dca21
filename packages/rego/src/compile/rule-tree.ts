/**
 * Pass: all rules in one tree by path. A *document* is what is evaluated as a unit: the rules of one path, or, once a
 * rule there has variables in its head (`p[x].y := 1`), that rule and everything below.
 */
import type { Rule, Term } from '../syntax/ast.ts';
import type { Diagnostic } from '../syntax/diagnostic.ts';
import { formatPath } from '../syntax/format-path.ts';
import type { Location } from '../syntax/location.ts';
import { type PrimitiveKey, primitiveKey } from '../value/key.ts';
import { packageConflicts, ruleConflicts } from './conflicts.ts';
import type { Compilation } from './context.ts';

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
  /** Rules that contradict each other whatever they evaluate to. */
  readonly conflicts: readonly Diagnostic[];
}

export function emptyTree(): RuleTree {
  return { root: newNode([]), documents: [], functions: new Map(), conflicts: [] };
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
  const conflicts = [...packageConflicts(c), ...ruleConflicts(c, root)];
  const documents: VirtualDocument[] = [];
  makeDocuments(root, documents);
  const functions = documents.filter(({ kind }) => kind === 'function').map((each) => [each.name, each] as const);
  c.tree = { root, documents, functions: new Map(functions), conflicts };
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

function makeDocuments(node: TreeNode, documents: VirtualDocument[]): void {
  if (node.rules.length > 0) {
    if (node.rules.some(({ rest }) => rest.length > 0)) absorb(node);
    const document = makeDocument(node, documents.length);
    documents.push(document);
    node.document = document;
    if (document.kind === 'object') node.children.clear();
  }
  for (const child of node.children.values()) makeDocuments(child, documents);
}

/** Rules below a head with variables belong to the same document. */
function absorb(node: TreeNode): void {
  const collect = (child: TreeNode): TreeRule[] => [...child.rules, ...[...child.children.values()].flatMap(collect)];
  node.rules = [...node.rules, ...[...node.children.values()].flatMap(collect)];
  node.children.clear();
}

function makeDocument(node: TreeNode, id: number): VirtualDocument {
  const { rules } = node;
  const [first] = rules;
  if (first === undefined) throw new Error('a document has rules');
  const kind = kindOf(node);
  return {
    id,
    kind,
    path: node.path,
    name: formatPath(node.path),
    rules: rules.filter(({ rule }) => !rule.isDefault),
    // As in OPA, a default below a head with variables never counts.
    defaultRule: kind === 'object' ? undefined : rules.find(({ rule }) => rule.isDefault),
    arity: first.rule.head.args?.length ?? 0,
    location: first.rule.location,
  };
}

function kindOf({ rules }: TreeNode): DocumentKind {
  if (rules.some(({ rule }) => rule.head.args !== undefined)) return 'function';
  if (rules.some(({ rest }) => rest.length > 0)) return 'object';
  return rules.some(({ rule }) => rule.head.key !== undefined) ? 'set' : 'complete';
}
