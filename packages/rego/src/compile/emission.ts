/**
 * The pools of generated source. INVARIANT: generated source consists of keywords, numbers and names made here; whatever
 * an author wrote (names, keys, strings, numbers, paths) reaches it only as an index into a pool.
 */
import type { Builtin } from '../builtins/builtin.ts';
import type { Location } from '../syntax/location.ts';
import type { Value } from '../value/value.ts';
import type { Compilation } from './context.ts';
import type { Operand } from './ir.ts';
import type { TreeNode } from './rule-tree.ts';

/** Generated source, and the pools that its numbers point into. */
export interface Program {
  /** The body of a function of `K, B, S, N, T, D, R`: constants, builtins, sites, nodes, tables, documents, runtime. */
  readonly source: string;
  readonly constants: readonly Value[];
  readonly builtins: readonly Builtin[];
  readonly sites: readonly Location[];
  readonly nodes: readonly TreeNode[];
  /** Numbers of rule groups by the text that they demand, and what constant objects have under each name. */
  readonly tables: readonly ReadonlyMap<string, Value>[];
}

/** Functions that generated code takes from the runtime. */
const RUNTIME =
  'O,getPrototypeOf,dot,objectDot,baseDot,viewDot,resolve,view,elements,viewElements,isCollection,equal,compare,compareToClock,setBuilder,pairs,tree,' +
  'makeSet,makeObject,isShape,settle,call,lookUp,mocked,derive,NONE';

/** A pool of things that source text may not contain. */
class Pool<T> {
  readonly items: T[] = [];
  private readonly indices = new Map<T, number>();

  index(item: T): number {
    let index = this.indices.get(item);
    if (index === undefined) {
      index = this.items.length;
      this.items.push(item);
      this.indices.set(item, index);
    }
    return index;
  }
}

/** What an emission collects: pools, labels, and the names of operands. */
export class Emission {
  readonly c: Compilation;
  readonly constants = new Pool<Value>();
  readonly builtins = new Pool<Builtin>();
  readonly sites = new Pool<Location>();
  readonly nodes = new Pool<TreeNode>();
  readonly tables = new Pool<ReadonlyMap<string, Value>>();
  /** How another document is called: by its generated name, or through the table of all documents. */
  readonly ownDocuments: boolean;
  private readonly declarations: string[] = [];
  private blocks = 0;

  constructor(c: Compilation, ownDocuments: boolean) {
    this.c = c;
    this.ownDocuments = ownDocuments;
  }

  /** A number that no other block of this program has. */
  unique(): number {
    this.blocks += 1;
    return this.blocks;
  }

  operand(operand: Operand): string {
    return operand.kind === 'local' ? `v${operand.local}` : this.constant(operand.value);
  }

  operands(list: readonly Operand[]): string {
    return list.map((each) => this.operand(each)).join(',');
  }

  constant(value: Value): string {
    if (value === true || value === false || value === null) return String(value);
    return `k${this.constants.index(typeof value === 'string' ? internalized(value) : value)}`;
  }

  /** The names of a builtin and of its function. */
  builtin(name: string): { readonly builtin: string; readonly evaluate: string; readonly isValue: boolean } {
    const builtin = this.c.builtins.get(name);
    if (builtin === undefined) throw new Error(`builtin ${name} vanished`);
    const index = this.builtins.index(builtin);
    return { builtin: `b${index}`, evaluate: `c${index}`, isValue: builtin.result !== undefined };
  }

  site(location: Location): string {
    return `S[${this.sites.index(location)}]`;
  }

  /** A function beside those of the documents. @returns its name */
  outlined(args: string, body: string): string {
    const name = `h${this.unique()}`;
    this.declarations.push(`function ${name}(${args}){${body}}`);
    return name;
  }

  /** @returns the name of an array of them */
  outlinedList(names: readonly string[]): string {
    const name = `H${this.unique()}`;
    this.declarations.push(`const ${name}=[${names.join(',')}];`);
    return name;
  }

  finish(body: readonly string[]): Program {
    const constants = this.constants.items.map((_, i) => `k${i}=K[${i}]`);
    const builtins = this.builtins.items.map((_, i) => `b${i}=B[${i}],c${i}=b${i}.evaluate`);
    const header = [`const {${RUNTIME}}=R;`, ...[...constants, ...builtins].map((each) => `const ${each};`)];
    return {
      source: ['"use strict";', ...header, ...this.declarations, ...body].join('\n'),
      constants: this.constants.items,
      builtins: this.builtins.items,
      sites: this.sites.items,
      nodes: this.nodes.items,
      tables: this.tables.items,
    };
  }
}

/**
 * The same text as the engine keeps property names. A piece of a source file is a slice of it, and a slice is looked up
 * in the table of names again at every read of a member.
 */
function internalized(text: string): string {
  return Object.keys({ [text]: 0 })[0] ?? text;
}
