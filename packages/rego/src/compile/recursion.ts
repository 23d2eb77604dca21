/** Pass: no rule may need itself, directly or through others. */
import { type Ref, type Rule } from '../syntax/ast.ts';
import { formatPath } from '../syntax/format-path.ts';
import { chain, visitRule } from '../syntax/walk.ts';
import { primitiveKey } from '../value/key.ts';
import { type Compilation, report } from './context.ts';
import { type RuleTree, type TreeNode, type VirtualDocument } from './rule-tree.ts';

export type Dependencies = ReadonlyMap<VirtualDocument, ReadonlySet<VirtualDocument>>;

export function checkRecursion(c: Compilation): void {
  const graph = dependencies(c.tree);
  const done = new Set<VirtualDocument>();
  for (const document of c.tree.documents) {
    const cycle = findCycle(graph, document, done);
    if (cycle === undefined) continue;
    const names = cycle.map(({ path }) => formatPath(path));
    for (const member of new Set(cycle)) {
      const start = cycle.indexOf(member);
      const turn = [...names.slice(start, -1), ...names.slice(0, start), names[start]];
      const message = `rule ${formatPath(member.path)} is recursive: ${turn.join(' -> ')}`;
      report(c, 'rego_recursion_error', message, member.location);
      done.add(member);
    }
  }
}

/** Documents such that each stands behind those that it reads. */
export function documentOrder(tree: RuleTree): VirtualDocument[] {
  const graph = dependencies(tree);
  const ordered = new Set<VirtualDocument>();
  const visit = (document: VirtualDocument): void => {
    if (ordered.has(document)) return;
    for (const next of graph.get(document) ?? []) visit(next);
    ordered.add(document);
  };
  for (const document of tree.documents) visit(document);
  return [...ordered];
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
  // The target of a `with` replaces a document; it does not read it.
  const targets = new Set<Ref>();
  const add = (ref: Ref): void => {
    for (const each of reachable(tree, ref)) needed.add(each);
  };
  visitRule(rule, {
    expr(expr) {
      for (const { target, mock } of expr.with) {
        targets.add(target);
        const replacement = tree.functions.get(mock?.replacement ?? '');
        if (replacement !== undefined) needed.add(replacement);
      }
      return undefined;
    },
    term(term) {
      if (term.kind === 'ref' && !targets.has(term)) add(term);
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

function findCycle(
  graph: Dependencies,
  start: VirtualDocument,
  done: Set<VirtualDocument>,
): readonly VirtualDocument[] | undefined {
  const trail: VirtualDocument[] = [];
  const onTrail = new Set<VirtualDocument>();
  const visit = (document: VirtualDocument): readonly VirtualDocument[] | undefined => {
    if (onTrail.has(document)) return [...trail.slice(trail.indexOf(document)), document];
    if (done.has(document)) return undefined;
    trail.push(document);
    onTrail.add(document);
    for (const next of graph.get(document) ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    trail.pop();
    onTrail.delete(document);
    done.add(document);
    return undefined;
  };
  return visit(start);
}
