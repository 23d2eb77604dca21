/** Follows the intermediate form with places instead of values, and notes which places a value is taken from. */
import type { Compilation } from '../compile/context.ts';
import type { Block, Local, Modifier, Operand, Source, Stmt } from '../compile/ir.ts';
import { innerBlocks, stmtOperands } from '../compile/ir-uses.ts';
import { lowerDocument, lowerQuery } from '../compile/lower.ts';
import type { CheckedQuery } from '../compile/query.ts';
import type { TreeNode, VirtualDocument } from '../compile/rule-tree.ts';
import { compositeKey, primitiveKey } from '../value/key.ts';
import type { Value } from '../value/value.ts';
import type { DocumentPath, Reads } from './dependencies.ts';

/** What is known of a value before evaluation. */
type Abstract =
  | { readonly kind: 'input' | 'data'; readonly path: DocumentPath }
  | { readonly kind: 'const'; readonly value: Value }
  | { readonly kind: 'unknown' };

const UNKNOWN: Abstract = { kind: 'unknown' };

/** A function called with more different constants than this is followed once, for any argument. */
const MAX_VARIANTS = 64;

export function walkQuery(c: Compilation, query: CheckedQuery): Reads {
  const walk = new Walk(c);
  const names = query.variables.map(({ name }) => name);
  const { body } = lowerQuery(c, query.body, names, { marked: true });
  walk.block(body, new Map());
  return walk.reads;
}

class Walk {
  readonly reads: Reads = { input: [], data: [], nondeterministic: new Set() };
  private readonly c: Compilation;
  private readonly seen = new Set<string>();
  private readonly variants = new Map<number, number>();

  constructor(c: Compilation) {
    this.c = c;
  }

  document(document: VirtualDocument, args: readonly Abstract[]): void {
    const variant = `${document.id}(${args.map(identity).join()})`;
    if (this.seen.has(variant)) return;
    const variants = this.variants.get(document.id) ?? 0;
    if (variants >= MAX_VARIANTS && args.some(({ kind }) => kind !== 'unknown')) {
      for (const arg of args) this.read(arg);
      this.document(
        document,
        args.map(() => UNKNOWN),
      );
      return;
    }
    this.seen.add(variant);
    this.variants.set(document.id, variants + 1);
    const { params, rules, fallback } = lowerDocument(this.c, document, { marked: true });
    const known = new Map<Local, Abstract>(params.map((param, i) => [param, args[i] ?? UNKNOWN]));
    for (const branch of rules.flat()) this.block(branch.body, new Map(known));
    if (fallback !== undefined) this.block(fallback.body, new Map(known));
  }

  block(block: Block, known: Map<Local, Abstract>): void {
    const extended = onlyExtended(block);
    const visit = (stmts: Block): void => {
      for (const stmt of stmts) {
        this.statement(stmt, known, extended);
        for (const inner of innerBlocks(stmt)) visit(inner);
      }
    };
    visit(block);
  }

  private statement(stmt: Stmt, known: Map<Local, Abstract>, extended: ReadonlySet<Local>): void {
    if (stmt.op === 'let') {
      const value = this.source(stmt.value, known);
      known.set(stmt.target, value);
      // That a value is there at all already decides, unless the next step of its path decides that too.
      if (!extended.has(stmt.target) && !isRoot(value)) this.read(value);
      return;
    }
    if (stmt.op === 'with') for (const modifier of stmt.modifiers) this.replacement(modifier);
    for (const operand of stmtOperands(stmt)) this.read(valueOf(operand, known));
  }

  private source(source: Source, known: ReadonlyMap<Local, Abstract>): Abstract {
    switch (source.kind) {
      case 'input':
      case 'data':
        return { kind: source.kind, path: [] };
      case 'dot':
        return this.dot(valueOf(source.source, known), valueOf(source.key, known));
      case 'document':
        this.document(source.document, []);
        return UNKNOWN;
      case 'view':
        this.below(source.node);
        return UNKNOWN;
      case 'call':
        return this.call(source, known);
      case 'array':
        return this.array(source.items.map((item) => valueOf(item, known)));
      default:
        for (const operand of stmtOperands({ op: 'let', target: 0, value: source })) this.read(valueOf(operand, known));
        return UNKNOWN;
    }
  }

  private dot(source: Abstract, key: Abstract): Abstract {
    const step = key.kind === 'const' ? primitiveKey(key.value) : undefined;
    if (step !== undefined && (source.kind === 'input' || source.kind === 'data')) {
      return { ...source, path: [...source.path, step] };
    }
    this.read(source);
    this.read(key);
    return UNKNOWN;
  }

  private array(items: readonly Abstract[]): Abstract {
    const values = items.flatMap((item) => (item.kind === 'const' ? [item.value] : []));
    if (values.length === items.length) return { kind: 'const', value: values };
    for (const item of items) this.read(item);
    return UNKNOWN;
  }

  private call({ callee, args }: Extract<Source, { kind: 'call' }>, known: ReadonlyMap<Local, Abstract>): Abstract {
    const values = args.map((arg) => valueOf(arg, known));
    const name = callee.kind === 'builtin' ? callee.name : callee.document.name;
    if (callee.kind === 'function' && !this.c.mockable.has(name)) {
      this.document(callee.document, values);
      return UNKNOWN;
    }
    if (callee.kind === 'function') this.document(callee.document, values);
    else if (this.c.builtins.get(name)?.nondeterministic === true) this.reads.nondeterministic.add(name);
    const place = name === 'object.get' && !this.c.mockable.has(name) ? placeIn(values) : undefined;
    if (place === undefined) for (const value of values) this.read(value);
    else this.read(place);
    return UNKNOWN;
  }

  /** A replaced function may be called wherever the original is. */
  private replacement(modifier: Modifier): void {
    if (modifier.kind !== 'function') return;
    const { replacement } = modifier;
    if (replacement.kind === 'function') this.document(replacement.document, []);
    if (replacement.kind === 'builtin' && this.c.builtins.get(replacement.name)?.nondeterministic === true) {
      this.reads.nondeterministic.add(replacement.name);
    }
  }

  /** Everything at and below a place where rules and base documents meet. */
  private below(node: TreeNode): void {
    this.reads.data.push(node.path.slice(1));
    const visit = ({ document, children }: TreeNode): void => {
      if (document !== undefined && document.kind !== 'function') this.document(document, []);
      for (const child of children.values()) visit(child);
    };
    visit(node);
  }

  private read(value: Abstract): void {
    if (value.kind === 'input' || value.kind === 'data') this.reads[value.kind].push(value.path);
  }
}

/** Different for different values: a set is not the array of its members. */
function identity(value: Abstract): string {
  if (value.kind === 'const') return compositeKey(value.value);
  return value.kind === 'unknown' ? '?' : `${value.kind}${JSON.stringify(value.path)}`;
}

function valueOf(operand: Operand, known: ReadonlyMap<Local, Abstract>): Abstract {
  return operand.kind === 'const' ? operand : (known.get(operand.local) ?? UNKNOWN);
}

function isRoot(value: Abstract): boolean {
  return (value.kind === 'input' || value.kind === 'data') && value.path.length === 0;
}

/** What `object.get(input, ["a", "b"], …)` reads; only of the root, whose being there decides nothing. */
function placeIn([source, key]: readonly Abstract[]): Abstract | undefined {
  if (source?.kind !== 'input' || source.path.length > 0 || key?.kind !== 'const') return undefined;
  const steps = Array.isArray(key.value) ? (key.value as readonly Value[]) : [key.value];
  const path = steps.map(primitiveKey).filter((step) => step !== undefined);
  return path.length === steps.length ? { kind: 'input', path } : undefined;
}

/** Locals of which nothing but a further step with a constant key is taken. */
function onlyExtended(block: Block): ReadonlySet<Local> {
  const steps = new Set<Local>();
  const others = new Set<Local>();
  const visit = (stmts: Block): void => {
    for (const stmt of stmts) {
      const step =
        stmt.op === 'let' && stmt.value.kind === 'dot' && stmt.value.key.kind === 'const' ? stmt.value : undefined;
      for (const operand of stmtOperands(stmt)) {
        if (operand.kind === 'local') (step?.source === operand ? steps : others).add(operand.local);
      }
      for (const inner of innerBlocks(stmt)) visit(inner);
    }
  };
  visit(block);
  return steps.difference(others);
}
