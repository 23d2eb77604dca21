/** Pass: no rule may need itself, directly or through others. */
import { type Ref, type Rule } from '../syntax/ast.ts';
import { formatPath } from '../syntax/format-path.ts';
import { compareLocations } from '../syntax/location.ts';
import { chain, visitRule } from '../syntax/walk.ts';
import { primitiveKey } from '../value/key.ts';
import { type Compilation, report } from './context.ts';
import type { RuleTree, TreeNode, TreeRule, VirtualDocument } from './rule-tree.ts';

export type Dependencies = ReadonlyMap<VirtualDocument, ReadonlySet<VirtualDocument>>;

export function checkRecursion(c: Compilation): void {
  if (!isRecursive(c.tree)) return;
  const graph = ruleGraph(c.tree);
  for (const [rule, { name }] of graph) {
    const names = wayBack(graph, rule)?.map((each) => graph.get(each)?.name ?? '');
    if (names === undefined) continue;
    report(c, 'rego_recursion_error', `rule ${name} is recursive: ${[...names, name].join(' -> ')}`, rule.location);
  }
}

interface RuleNode {
  readonly name: string;
  readonly reads: readonly Rule[];
}

/** Which rules each rule may read; a rule and its `else` are rules of their own. */
function ruleGraph(tree: RuleTree): ReadonlyMap<Rule, RuleNode> {
  const graph = new Map<Rule, RuleNode>();
  const rulesOf = ({ rules, defaultRule }: VirtualDocument): readonly TreeRule[] =>
    defaultRule === undefined || rules.includes(defaultRule) ? rules : [...rules, defaultRule];
  for (const document of tree.documents) {
    for (const placed of rulesOf(document)) {
      for (const rule of chain(placed.rule)) {
        const needed = new Set<VirtualDocument>();
        collect(tree, rule, needed);
        const reads = [...needed].flatMap(rulesOf).flatMap((each) => chain(each.rule));
        graph.set(rule, { name: ruleName(placed), reads });
      }
    }
  }
  return graph;
}

function ruleName({ path, rest }: TreeRule): string {
  const parts = rest.map((part) =>
    part.kind === 'scalar' ? formatPath(['', primitiveKey(part.value) ?? '']) : `[${part.location.text}]`,
  );
  return formatPath(path) + parts.join('');
}

/** The rules on a way from a rule to itself, without the return. */
function wayBack(graph: ReadonlyMap<Rule, RuleNode>, start: Rule): readonly Rule[] | undefined {
  const seen = new Set<Rule>();
  const visit = (rule: Rule): readonly Rule[] | undefined => {
    for (const next of graph.get(rule)?.reads ?? []) {
      if (next === start) return [rule];
      if (seen.has(next)) continue;
      seen.add(next);
      const way = visit(next);
      if (way !== undefined) return [rule, ...way];
    }
    return undefined;
  };
  return visit(start);
}

function isRecursive(tree: RuleTree): boolean {
  const graph = dependencies(tree);
  const done = new Set<VirtualDocument>();
  return tree.documents.some((document) => hasCycle(graph, document, done));
}

/** Rules, each `else` on its own, such that each stands behind those that it reads; otherwise in reading order. */
export function ruleOrder(tree: RuleTree): TreeRule[] {
  const ordered = new Set<TreeRule>();
  const placedIn = new Map(tree.documents.map((document) => [document, inReadingOrder(allRules(document))] as const));
  const done = new Set<VirtualDocument>();
  const visit = (placed: TreeRule): void => {
    if (ordered.has(placed)) return;
    const needed = new Set<VirtualDocument>();
    collect(tree, placed.rule, needed);
    const open = [...needed].filter((document) => !done.has(document));
    for (const next of inReadingOrder(open.flatMap((document) => placedIn.get(document) ?? []))) visit(next);
    for (const document of open) done.add(document);
    ordered.add(placed);
  };
  for (const placed of inReadingOrder([...placedIn.values()].flat())) visit(placed);
  return [...ordered];
}

function inReadingOrder(rules: readonly TreeRule[]): TreeRule[] {
  return rules.toSorted((a, b) => compareLocations(a.rule.location, b.rule.location));
}

/** The rules of a document, with its default, and each `else` as a rule of its own. */
function allRules({ rules, defaultRule }: VirtualDocument): TreeRule[] {
  const all = defaultRule === undefined || rules.includes(defaultRule) ? rules : [...rules, defaultRule];
  return all.flatMap((placed) =>
    chain(placed.rule).map((rule) => (rule === placed.rule ? placed : { ...placed, rule })),
  );
}

/** The rules of some documents and all that read them, through others or not. */
export function dependentRules(graph: Dependencies, documents: readonly VirtualDocument[]): TreeRule[] {
  const found = new Set(documents);
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const [document, needed] of graph) {
      if (!found.has(document) && [...needed].some((each) => found.has(each))) found.add(document);
    }
  }
  return [...found].flatMap(allRules);
}

/** Which documents each document may read. */
export function dependencies(tree: RuleTree): Dependencies {
  return new Map(
    tree.documents.map((document) => {
      const needed = new Set<VirtualDocument>();
      for (const { rule } of document.rules) for (const each of chain(rule)) collect(tree, each, needed);
      if (document.defaultRule !== undefined) collect(tree, document.defaultRule.rule, needed);
      return [document, needed] as const;
    }),
  );
}

function collect(tree: RuleTree, rule: Rule, needed: Set<VirtualDocument>): void {
  visitRule(rule, {
    expr(expr) {
      for (const { mock } of expr.with) {
        const replacement = tree.functions.get(mock?.replacement ?? '');
        if (replacement !== undefined) needed.add(replacement);
      }
      return undefined;
    },
    term(term) {
      if (term.kind === 'ref') for (const each of reachable(tree, term)) needed.add(each);
      return undefined;
    },
  });
}

/** Documents that a ref may evaluate: the one on its path, or all below where the path ends or turns dynamic. */
export function reachable(tree: RuleTree, ref: Ref): VirtualDocument[] {
  if (ref.head.kind !== 'var' || ref.head.name !== 'data') return [];
  const data = tree.root.children.get('data');
  let nodes: TreeNode[] = data === undefined ? [] : [data];
  const found: VirtualDocument[] = [];
  for (const part of ref.path) {
    const next: TreeNode[] = [];
    for (const node of nodes) {
      if (node.document !== undefined) found.push(node.document);
      if (part.kind !== 'scalar') next.push(...node.children.values());
      else {
        const key = primitiveKey(part.value);
        const child = key === undefined ? undefined : node.children.get(key);
        if (child !== undefined) next.push(child);
      }
    }
    nodes = next;
  }
  return [...found, ...nodes.flatMap(below)];
}

export function below(node: TreeNode): VirtualDocument[] {
  const own = node.document === undefined ? [] : [node.document];
  return [...own, ...[...node.children.values()].flatMap(below)];
}

function hasCycle(graph: Dependencies, start: VirtualDocument, done: Set<VirtualDocument>): boolean {
  const onTrail = new Set<VirtualDocument>();
  const visit = (document: VirtualDocument): boolean => {
    if (onTrail.has(document)) return true;
    if (done.has(document)) return false;
    onTrail.add(document);
    for (const next of graph.get(document) ?? []) if (visit(next)) return true;
    onTrail.delete(document);
    done.add(document);
    return false;
  };
  return visit(start);
}
