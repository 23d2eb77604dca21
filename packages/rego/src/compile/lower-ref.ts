/** Lowering of refs: into input, base documents, rules, and the places where base and virtual documents meet. */
import type { Ref, Term } from '../syntax/ast.ts';
import { primitiveKey } from '../value/key.ts';
import type { Builder } from './builder.ts';
import type { Operand, Origin } from './ir.ts';
import { lowerTerm } from './lower-term.ts';
import { isReady, matchNothing, matchOperand } from './lower-unify.ts';
import { findNode, type TreeNode } from './rule-tree.ts';

export function lowerRef(b: Builder, ref: Ref): Operand {
  const root = ref.head.kind === 'var' && !b.vars.has(ref.head.name) ? ref.head.name : undefined;
  if (root === 'input') return lowerPath(b, b.define({ kind: 'input', context: b.context }), ref.path, 'value');
  if (root === 'data') return lowerData(b, ref.path);
  if (root !== undefined) {
    matchNothing(b, ref);
    return { kind: 'const', value: null };
  }
  return lowerPath(b, lowerTerm(b, ref.head), ref.path, 'value');
}

function lowerPath(b: Builder, start: Operand, path: readonly Term[], of: Origin): Operand {
  let source = start;
  for (const part of path) {
    if (isReady(b, part)) {
      source = b.define({ kind: 'dot', source, key: lowerTerm(b, part), of });
    } else {
      const { key, value } = b.scan(source, of === 'view');
      matchOperand(b, part, key);
      source = value;
    }
  }
  return of === 'view' ? b.define({ kind: 'resolve', source }) : source;
}

/** Follows the rule tree as far as the path is constant. */
function lowerData(b: Builder, path: readonly Term[]): Operand {
  let node: TreeNode | undefined = findNode(b.c.tree, ['data']);
  for (const [i, part] of path.entries()) {
    if (node === undefined) break;
    const key = part.kind === 'scalar' ? primitiveKey(part.value) : undefined;
    if (key === undefined)
      return lowerPath(b, b.define({ kind: 'view', node, context: b.context }), path.slice(i), 'view');
    const child: TreeNode | undefined = node.children.get(key);
    if (child?.document !== undefined && child.document.kind !== 'function') {
      const value = b.define({ kind: 'document', document: child.document, context: b.context });
      return lowerPath(b, value, path.slice(i + 1), 'value');
    }
    node = child;
  }
  if (node === undefined) return lowerPath(b, b.define({ kind: 'data', context: b.context }), path, 'base');
  return b.define({ kind: 'resolve', source: b.define({ kind: 'view', node, context: b.context }) });
}
