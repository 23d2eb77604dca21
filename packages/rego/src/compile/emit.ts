/**
 * The intermediate form to JavaScript. INVARIANT: generated source consists of keywords, numbers and names made here;
 * whatever an author wrote (names, keys, strings, numbers, paths) reaches it only as an index into a pool.
 */
import type { Builtin } from '../builtins/builtin.ts';
import type { Location } from '../syntax/location.ts';
import type { Value } from '../value/value.ts';
import type { Compilation } from './context.ts';
import type {
  Branch,
  Callee,
  Comparison,
  Label,
  Modifier,
  Operand,
  QueryRoutine,
  Routine,
  Source,
  Stmt,
} from './ir.ts';
import type { TreeNode, VirtualDocument } from './rule-tree.ts';

/** Generated source, and the pools that its numbers point into. */
export interface Program {
  /** The body of a function of `K, B, S, N, T, D, R`: constants, builtins, sites, nodes, tables, documents, runtime. */
  readonly source: string;
  readonly constants: readonly Value[];
  readonly builtins: readonly Builtin[];
  readonly sites: readonly Location[];
  readonly nodes: readonly TreeNode[];
  /** Numbers of rule groups by the text that they demand. */
  readonly tables: readonly ReadonlyMap<string, number>[];
}

/** Functions that generated code takes from the runtime. */
const RUNTIME =
  'dot,baseDot,viewDot,resolve,view,elements,viewElements,isCollection,equal,compare,compareToClock,setBuilder,pairs,tree,' +
  'makeSet,makeObject,isShape,settle,call,lookUp,mocked,derive,NONE';

const SIGNS = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const;
const READERS = { value: 'dot', base: 'baseDot', view: 'viewDot' } as const;

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

/** How a solution leaves a rule. */
type Leaf = (stmt: Extract<Stmt, { op: 'produce' }>) => string;

export function emitDocuments(c: Compilation, routines: readonly Routine[]): Program {
  const e = new Emitter(c);
  const functions = routines.map((routine) => e.document(routine));
  return e.finish([...functions, `return [${routines.map(({ document }) => `f${document.id}`).join(',')}];`]);
}

export function emitQuery(c: Compilation, routine: QueryRoutine): Program {
  const e = new Emitter(c);
  return e.finish([e.query(routine)]);
}

class Emitter {
  private readonly c: Compilation;
  private readonly constants = new Pool<Value>();
  private readonly builtins = new Pool<Builtin>();
  private readonly sites = new Pool<Location>();
  private readonly nodes = new Pool<TreeNode>();
  private readonly tables = new Pool<ReadonlyMap<string, number>>();
  private readonly own = new Set<number>();
  private blocks = 0;

  constructor(c: Compilation) {
    this.c = c;
  }

  finish(body: readonly string[]): Program {
    const constants = this.constants.items.map((_, i) => `k${i}=K[${i}]`);
    const builtins = this.builtins.items.map((_, i) => `b${i}=B[${i}]`);
    const header = [`const {${RUNTIME}}=R;`, ...[...constants, ...builtins].map((each) => `const ${each};`)];
    return {
      source: ['"use strict";', ...header, ...body].join('\n'),
      constants: this.constants.items,
      builtins: this.builtins.items,
      sites: this.sites.items,
      nodes: this.nodes.items,
      tables: this.tables.items,
    };
  }

  document(routine: Routine): string {
    const { document, params } = routine;
    this.own.add(document.id);
    const declared = this.locals(routine.locals, new Set(params));
    const args = ['v0', ...params.map((param) => `v${param}`)].join(',');
    const parts = [`function f${document.id}(${args}){`];
    if (document.kind !== 'function') {
      parts.push(`const m=v0.memo[${document.id}];if(m!==undefined)return m===NONE?undefined:m;`);
    }
    parts.push(`const q=v0.query;if(--q.fuel<0)q.exhausted();${declared}`);
    parts.push(
      document.kind === 'set'
        ? this.setBody(routine)
        : document.kind === 'object'
          ? this.objectBody(routine)
          : this.valueBody(routine),
    );
    if (document.kind !== 'function') parts.push(`v0.memo[${document.id}]=r===undefined?NONE:r;`);
    parts.push('return r;}');
    return parts.join('\n');
  }

  query(routine: QueryRoutine): string {
    const declared = this.locals(routine.locals, new Set());
    const body = this.block(routine.body, undefined, () => '');
    return `return function(v0,answers){const q=v0.query;${declared}\n${body}};`;
  }

  private locals(count: number, params: ReadonlySet<number>): string {
    const names: string[] = [];
    for (let i = 1; i < count; i += 1) if (!params.has(i)) names.push(`v${i}`);
    return names.length === 0 ? '' : `let ${names.join(',')};`;
  }

  private setBody(routine: Routine): string {
    const leaf: Leaf = ({ value }) => `s.add(${this.operand(value)});`;
    const bodies = this.indexed(routine, (branches) =>
      branches.map((branch) => this.block(branch.body, undefined, leaf)).join('\n'),
    );
    return ['const s=setBuilder();', bodies, 'const r=s.done();'].join('\n');
  }

  /** All rules, those that the index knows in a `switch` over what it finds. */
  private indexed({ rules, index }: Routine, emitRule: (branches: readonly Branch[]) => string): string {
    if (index === undefined) return rules.map(emitRule).join('\n');
    const numbers = new Map([...index.groups.keys()].map((text, i) => [text, i] as const));
    const { root, path } = index.place;
    const source = root === 'input' ? 'v0.input' : `v${root}`;
    const cases = [...index.groups.values()].map((group, i) => `case ${i}:${group.map(emitRule).join('\n')}break;`);
    return [
      `switch(lookUp(T[${this.tables.index(numbers)}],${source},${this.constant(path)})){`,
      ...cases,
      '}',
      ...index.rest.map(emitRule),
    ].join('\n');
  }

  private objectBody({ rules }: Routine): string {
    const parts = ['const o=tree();'];
    const ordered = [...rules].toSorted((a, b) => Number(isDefault(a)) - Number(isDefault(b)));
    for (const branches of ordered)
      parts.push(this.chain(branches, (branch) => this.insertion(branch, isDefault(branches))));
    parts.push('const r=o.done();');
    return parts.join('\n');

    function isDefault([first]: readonly Branch[]): boolean {
      return first?.isDefault === true;
    }
  }

  private insertion(branch: Branch, isDefault: boolean): Leaf {
    const site = this.sites.index(branch.location);
    return ({ path, value, member }) => {
      const method = member ? 'member' : isDefault ? 'fallback' : 'insert';
      return `o.${method}([${path.map((key) => this.operand(key)).join(',')}],${this.operand(value)},S[${site}]);`;
    };
  }

  private valueBody(routine: Routine): string {
    const { rules, fallback, document } = routine;
    const parts = ['let r;'];
    const early = this.isUniform(rules);
    const done = this.label();
    parts.push(`${done}:{`);
    parts.push(this.indexed(routine, (branches) => this.valueRule(document, branches, early ? done : undefined)));
    parts.push('}');
    if (fallback !== undefined) {
      const leaf: Leaf = ({ value }) => `r=${this.operand(value)};${this.decided(document, fallback)}`;
      parts.push('if(r===undefined){', this.block(fallback.body, undefined, leaf), '}');
    }
    return parts.join('\n');
  }

  /** All rules yield the same constant, so the first solution settles it. */
  private isUniform(rules: Routine['rules']): boolean {
    const branches = rules.flat();
    const [first] = branches;
    if (first?.constant === undefined || typeof first.constant === 'object') return false;
    return branches.every(({ constant }) => constant === first.constant);
  }

  private valueRule(document: VirtualDocument, branches: readonly Branch[], early: string | undefined): string {
    const [only] = branches;
    if (early !== undefined) {
      return this.alternatives(
        branches,
        (branch) =>
          ({ value }) =>
            `r=${this.operand(value)};${this.decided(document, branch)}break ${early};`,
      );
    }
    if (branches.length === 1 && only !== undefined)
      return this.block(only.body, undefined, this.settling('r', document, only));
    const t = `t${this.blocks}`;
    const [first] = branches;
    const site = first === undefined ? 0 : this.sites.index(first.location);
    const merge = `if(${t}!==undefined)r=r===undefined?${t}:settle(r,${t},S[${site}],${Number(document.kind === 'function')});`;
    return [`let ${t};`, this.chain(branches, (branch) => this.settling(t, document, branch), t), merge].join('\n');
  }

  private settling(name: string, document: VirtualDocument, branch: Branch): Leaf {
    const site = this.sites.index(branch.location);
    return ({ value }) => {
      const x = this.operand(value);
      const isFunction = Number(document.kind === 'function');
      return `${name}=${name}===undefined?${x}:settle(${name},${x},S[${site}],${isFunction});${this.decided(document, branch)}`;
    };
  }

  /** Notes which rule gave the document its value. */
  private decided(document: VirtualDocument, branch: Branch): string {
    return document.kind === 'function' ? '' : `q.decided[${document.id}]=S[${this.sites.index(branch.location)}];`;
  }

  /** Branches whose solutions leave the rule: a later one is reached only when those before it had none. */
  private alternatives(branches: readonly Branch[], leaf: (branch: Branch) => Leaf): string {
    return branches.map((branch) => this.block(branch.body, undefined, leaf(branch))).join('\n');
  }

  /** Branches of an `else` chain, each run only while there is no solution. */
  private chain(branches: readonly Branch[], leaf: (branch: Branch) => Leaf, value?: string): string {
    const [first, ...rest] = branches;
    if (first === undefined) return '';
    if (rest.length === 0) return this.block(first.body, undefined, leaf(first));
    if (value !== undefined) {
      const blocks = rest.map(
        (branch) => `if(${value}===undefined)${this.block(branch.body, undefined, leaf(branch))}`,
      );
      return [this.block(first.body, undefined, leaf(first)), ...blocks].join('\n');
    }
    const found = `g${this.blocks}`;
    const marking =
      (branch: Branch): Leaf =>
      (stmt) =>
        `${leaf(branch)(stmt)}${found}=true;`;
    const blocks = branches.map((branch) => `if(!${found})${this.block(branch.body, undefined, marking(branch))}`);
    return [`let ${found}=false;`, ...blocks].join('\n');
  }

  private label(): string {
    this.blocks += 1;
    return `L${this.blocks}`;
  }

  private block(stmts: readonly Stmt[], name: string | undefined, leaf: Leaf): string {
    const label = name ?? this.label();
    return `${label}:{${stmts.map((stmt) => this.stmt(stmt, label, leaf)).join('\n')}}`;
  }

  private stmt(stmt: Stmt, label: string, leaf: Leaf): string {
    const fail = `break ${label};`;
    switch (stmt.op) {
      case 'let':
        return this.assign(stmt.target, stmt.value, fail);
      case 'compare':
        return `if(!(${this.comparison(stmt.by, stmt.left, stmt.right)}))${fail}`;
      case 'clock':
        return `if(!(compareToClock(q,${this.operand(stmt.operand)},${this.constant(stmt.divisor)})${SIGNS[stmt.by]}0))${fail}`;
      case 'truthy':
        return stmt.operand.kind === 'const' && stmt.operand.value !== false
          ? ''
          : `if(${this.operand(stmt.operand)}===false)${fail}`;
      case 'shape':
        return `if(!isShape(${this.operand(stmt.source)},${Number(stmt.of === 'array')},${stmt.size}))${fail}`;
      case 'scan':
        return this.loop(stmt, this.block(stmt.body, undefined, leaf));
      case 'exists': {
        const flag = `x${stmt.label}`;
        const test = stmt.negated ? flag : `!${flag}`;
        return `let ${flag}=false;${this.block(stmt.body, exitLabel(stmt.label), leaf)}if(${test})${fail}`;
      }
      case 'either': {
        const flag = `x${stmt.label}`;
        const branches = stmt.branches.map(
          (branch) => `if(!${flag})${this.block(branch, exitLabel(stmt.label), leaf)}`,
        );
        return `let ${flag}=false;${branches.join('')}if(!${flag})${fail}`;
      }
      case 'every': {
        const flag = `x${stmt.label}`;
        const all = `y${stmt.label}`;
        const body = `let ${flag}=false;${this.block(stmt.body, exitLabel(stmt.label), leaf)}if(!${flag}){${all}=false;break;}`;
        const source = this.operand(stmt.source);
        return `if(!isCollection(${source}))${fail}let ${all}=true;${this.loop({ ...stmt, view: false }, body)}if(!${all})${fail}`;
      }
      case 'leave':
        return `x${stmt.label}=true;break ${exitLabel(stmt.label)};`;
      case 'collect':
        return this.collect(stmt, leaf);
      case 'add': {
        const value = this.operand(stmt.value);
        if (stmt.key !== undefined) return `w${stmt.collector}.put(${this.operand(stmt.key)},${value});`;
        return `w${stmt.collector}.${stmt.of === 'array' ? 'push' : 'add'}(${value});`;
      }
      case 'with':
        return `v${stmt.target}=derive(v${stmt.context},[${stmt.modifiers.map((each) => this.modifier(each)).join(',')}]);`;
      case 'produce':
        return leaf(stmt);
      default:
        return `if(--q.fuel<0)q.exhausted();answers.push([${stmt.values.map((value) => this.operand(value)).join(',')}]);`;
    }
  }

  private loop(scan: { source: Operand; view: boolean; key: number; value: number }, body: string): string {
    this.blocks += 1;
    const n = this.blocks;
    const source = this.operand(scan.source);
    const list = scan.view
      ? `const a${n}=false,e${n}=viewElements(${source});`
      : `const a${n}=Array.isArray(${source}),e${n}=a${n}?${source}:elements(${source});`;
    const take = `if(a${n}){v${scan.key}=i${n};v${scan.value}=e${n}[i${n}];}else{const p${n}=e${n}[i${n}];v${scan.key}=p${n}[0];v${scan.value}=p${n}[1];}`;
    return `${list}for(let i${n}=0;i${n}<e${n}.length;i${n}++){if(--q.fuel<0)q.exhausted();${take}${body}}`;
  }

  private collect(stmt: Extract<Stmt, { op: 'collect' }>, leaf: Leaf): string {
    const w = `w${stmt.target}`;
    const start =
      stmt.of === 'array' ? '[]' : stmt.of === 'set' ? 'setBuilder()' : `pairs(S[${this.sites.index(stmt.location)}])`;
    const end = stmt.of === 'array' ? w : `${w}.done()`;
    return `const ${w}=${start};${this.block(stmt.body, undefined, leaf)}v${stmt.target}=${end};`;
  }

  private assign(target: number, value: Source, fail: string): string {
    const source = this.source(value);
    const certain = value.kind === 'array' || value.kind === 'set' || value.kind === 'object' || value.kind === 'view';
    return certain ? `v${target}=${source};` : `v${target}=${source};if(v${target}===undefined)${fail}`;
  }

  private source(value: Source): string {
    const list = (operands: readonly Operand[]): string => operands.map((each) => this.operand(each)).join(',');
    switch (value.kind) {
      case 'input':
        return `v${value.context}.input`;
      case 'data':
        return `v${value.context}.data`;
      case 'dot':
        return `${READERS[value.of]}(${this.operand(value.source)},${this.operand(value.key)})`;
      case 'document':
        return this.invoke(value.document, [`v${value.context}`]);
      case 'view':
        return `view(v${value.context},N[${this.nodes.index(value.node)}])`;
      case 'resolve':
        return `resolve(${this.operand(value.source)})`;
      case 'array':
        return `[${list(value.items)}]`;
      case 'set':
        return `makeSet([${list(value.items)}])`;
      case 'object':
        if (value.entries.every(([key]) => key.kind === 'const' && typeof key.value === 'string')) {
          // Computed keys define own properties, also for `__proto__`.
          return `{${value.entries.map(([key, each]) => `[${this.operand(key)}]:${this.operand(each)}`).join(',')}}`;
        }
        return `makeObject([${value.entries.map(([key, each]) => `[${this.operand(key)},${this.operand(each)}]`).join(',')}])`;
      default:
        return this.call(value.callee, value, list(value.args));
    }
  }

  private call(callee: Callee, { context, location }: { context: number; location: Location }, args: string): string {
    const name = callee.kind === 'builtin' ? callee.name : callee.document.name;
    const direct = this.direct(callee, context, location, args);
    if (!this.c.mockable.has(name)) return direct;
    const k = this.constant(name);
    return `(v${context}.mocks===undefined?${direct}:mocked(v${context},${k},[${args}],S[${this.sites.index(location)}],()=>${direct}))`;
  }

  private direct(callee: Callee, context: number, location: Location, args: string): string {
    if (callee.kind === 'function')
      return this.invoke(callee.document, [`v${context}`, ...(args === '' ? [] : [args])]);
    const builtin = this.c.builtins.get(callee.name);
    if (builtin === undefined) throw new Error(`builtin ${callee.name} vanished`);
    const site = this.sites.index(location);
    return `call(q,b${this.builtins.index(builtin)},S[${site}]${args === '' ? '' : `,${args}`})`;
  }

  private invoke(document: VirtualDocument, args: readonly string[]): string {
    const name = this.own.size > 0 ? `f${document.id}` : `D[${document.id}]`;
    return `${name}(${args.join(',')})`;
  }

  private modifier(modifier: Modifier): string {
    if (modifier.kind !== 'function') {
      const path = modifier.path.map((key) => this.operand(key)).join(',');
      return `{kind:${modifier.kind === 'input' ? 0 : 1},path:[${path}],value:${this.operand(modifier.value)}}`;
    }
    const { target, replacement } = modifier;
    const name = this.constant(target);
    if (replacement.kind === 'const' || replacement.kind === 'local') {
      return `{kind:2,name:${name},value:${this.operand(replacement)}}`;
    }
    if (replacement.kind === 'function') return `{kind:3,name:${name},document:${replacement.document.id}}`;
    const builtin = this.c.builtins.get(replacement.name);
    if (builtin === undefined) throw new Error(`builtin ${replacement.name} vanished`);
    return `{kind:4,name:${name},builtin:b${this.builtins.index(builtin)}}`;
  }

  private comparison(by: Comparison, left: Operand, right: Operand): string {
    const a = this.operand(left);
    const b = this.operand(right);
    if (by === 'equal' || by === 'neq') {
      const same = isSimple(left) || isSimple(right) ? `${a}===${b}` : `(${a}===${b}||equal(${a},${b}))`;
      return by === 'equal' ? same : `!(${same})`;
    }
    const sign = SIGNS[by];
    return `(typeof ${a}==="number"&&typeof ${b}==="number"?${a}${sign}${b}:compare(${a},${b})${sign}0)`;
  }

  private operand(operand: Operand): string {
    return operand.kind === 'local' ? `v${operand.local}` : this.constant(operand.value);
  }

  private constant(value: Value): string {
    return value === true || value === false || value === null ? String(value) : `k${this.constants.index(value)}`;
  }
}

/** Constants that nothing but themselves equals: no number, no collection. */
function isSimple(operand: Operand): boolean {
  return (
    operand.kind === 'const' &&
    (typeof operand.value === 'string' || typeof operand.value === 'boolean' || operand.value === null)
  );
}

function exitLabel(label: Label): string {
  return `X${label}`;
}
