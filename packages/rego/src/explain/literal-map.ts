/** Which literal each statement of the intermediate form belongs to, and what the locals of a routine stand for. */
import type { Block, Branch, Local, Operand, Routine, Source, Stmt } from '../compile/ir.ts';
import { stmtOperands } from '../compile/ir-uses.ts';
import { formatPath } from '../syntax/format-path.ts';
import type { Location } from '../syntax/location.ts';

/** A literal of a body, or of a body inside another literal. */
export interface Literal {
  readonly location: Location;
  readonly parent: Literal | undefined;
  /** The rule's head, which is reached when its body holds. */
  readonly isHead: boolean;
  /** What is worth showing when the literal is looked at, in the order of evaluation. */
  readonly shown: Shown[];
}

export interface Shown {
  readonly name: string;
  readonly local: Local;
  /** Locals that this one is taken or calculated from: not shown when this one is. */
  readonly from: readonly Local[];
  /** The statement that gives it a value; absent for variables that had one before. */
  readonly by: Stmt | undefined;
}

/** Where a local's value comes from. */
export type Definition =
  | Source
  | { readonly kind: 'element'; readonly source: Operand; readonly key: Local }
  | { readonly kind: 'key' }
  | { readonly kind: 'argument'; readonly index: number };

export interface StatementInfo {
  readonly routine: RoutineMap;
  /** Grows in the order of evaluation. */
  readonly index: number;
  readonly literal: Literal | undefined;
  /** Reaching the statement shows that this literal holds. */
  readonly shows: Literal | undefined;
  /** Inside a negation or a comprehension a failure is no failure of the literal. */
  readonly quiet: boolean;
}

export interface RoutineMap {
  readonly routine: Routine;
  readonly definitions: ReadonlyMap<Local, Definition>;
  /** Compared with these constants, or tested by these builtins, further on. */
  readonly wanted: ReadonlyMap<Local, readonly Stmt[]>;
  /** How many literals each branch has. */
  readonly sizes: ReadonlyMap<Branch, number>;
  /** Branches that are tried when those before them did not hold. */
  readonly elses: ReadonlySet<Branch>;
}

export function mapRoutine(routine: Routine, statements: Map<Stmt, StatementInfo>): RoutineMap {
  const definitions = new Map<Local, Definition>(
    routine.params.map((param, index) => [param, { kind: 'argument', index }]),
  );
  const wanted = new Map<Local, Stmt[]>();
  const sizes = new Map<Branch, number>();
  const elses = new Set(routine.rules.flatMap((chain) => chain.slice(1)));
  const map: RoutineMap = { routine, definitions, wanted, sizes, elses };
  const branches = [...routine.rules.flat(), ...(routine.fallback === undefined ? [] : [routine.fallback])];
  for (const branch of branches) {
    const walk = new BranchWalk(map, { definitions, wanted, statements }, branch.body);
    walk.run(branch.body);
    sizes.set(branch, walk.size);
  }
  return map;
}

interface Tables {
  readonly definitions: Map<Local, Definition>;
  readonly wanted: Map<Local, Stmt[]>;
  readonly statements: Map<Stmt, StatementInfo>;
}

interface Level {
  literal: Literal | undefined;
  /** The last of the author's literals on this level. */
  last: Literal | undefined;
  readonly parent: Literal | undefined;
  readonly quiet: boolean;
}

class BranchWalk {
  size = 0;
  private readonly map: RoutineMap;
  private readonly tables: Tables;
  private readonly literals = new Map<Stmt, Literal>();
  private readonly names = new Map<Local, string>();

  constructor(map: RoutineMap, tables: Tables, body: Block) {
    this.map = map;
    this.tables = tables;
    this.collect(body, undefined);
  }

  run(body: Block): void {
    this.block(body, { literal: undefined, last: undefined, parent: undefined, quiet: false });
  }

  /** The author's literals first: those that passes made belong to the literal around them. */
  private collect(block: Block, parent: Literal | undefined): void {
    let current = parent;
    for (const stmt of block) {
      if (stmt.op === 'mark' && !stmt.generated) {
        const isHead = parent === undefined && isHeadMark(block, stmt);
        current = { location: stmt.location, parent, isHead, shown: [] };
        this.literals.set(stmt, current);
        for (const [name, operand] of stmt.variables) if (operand.kind === 'local') this.names.set(operand.local, name);
      }
      // What follows a scan stands inside it and is still the same level.
      if (stmt.op === 'scan') this.collect(stmt.body, parent);
      else for (const inner of blocksIn(stmt)) this.collect(inner, current);
    }
  }

  private block(block: Block, level: Level): void {
    for (const stmt of block) this.statement(stmt, level);
  }

  private statement(stmt: Stmt, level: Level): void {
    let shows: Literal | undefined;
    if (stmt.op === 'mark') {
      const own = this.literals.get(stmt);
      if (own !== undefined) {
        shows = level.last;
        level.last = own;
        level.literal = own;
        if (level.parent === undefined && !own.isHead) this.size += 1;
      } else level.literal = this.around(stmt.location) ?? level.literal;
    } else if (endsBody(stmt)) shows = level.last;
    const { literal } = level;
    const { statements } = this.tables;
    statements.set(stmt, { routine: this.map, index: statements.size, literal, shows, quiet: level.quiet });
    this.define(stmt, literal);
    if (stmt.op === 'scan') this.block(stmt.body, level);
    else {
      const quiet = level.quiet || stmt.op === 'collect' || (stmt.op === 'exists' && stmt.negated);
      for (const inner of blocksIn(stmt)) this.block(inner, { literal, last: undefined, parent: literal, quiet });
    }
  }

  private around({ file, offset, text }: Location): Literal | undefined {
    let best: Literal | undefined;
    for (const each of this.literals.values()) {
      const { location } = each;
      const contains =
        location.file === file &&
        location.offset <= offset &&
        offset + text.length <= location.offset + location.text.length;
      if (contains && (best === undefined || location.text.length < best.location.text.length)) best = each;
    }
    return best;
  }

  private define(stmt: Stmt, literal: Literal | undefined): void {
    for (const operand of stmtOperands(stmt)) {
      if (operand.kind !== 'local') continue;
      const before = this.tables.wanted.get(operand.local);
      if (before === undefined) this.tables.wanted.set(operand.local, [stmt]);
      else before.push(stmt);
      const name = this.names.get(operand.local);
      const isVariable = name !== undefined && literal?.shown.every(({ local }) => local !== operand.local) === true;
      if (isVariable) literal?.shown.push({ name, local: operand.local, from: [], by: undefined });
    }
    if (stmt.op === 'scan' || stmt.op === 'every') {
      this.tables.definitions.set(stmt.value, { kind: 'element', source: stmt.source, key: stmt.key });
      this.tables.definitions.set(stmt.key, { kind: 'key' });
    }
    if (stmt.op !== 'let') return;
    this.tables.definitions.set(stmt.target, stmt.value);
    const name = this.nameOf(stmt.value, literal);
    if (name === undefined) return;
    if (!this.names.has(stmt.target)) this.names.set(stmt.target, name);
    const from = this.partsOf(stmt.value);
    literal?.shown.push({ name, local: stmt.target, from, by: stmt });
  }

  private partsOf(source: Source): readonly Local[] {
    const locals = (operands: readonly Operand[]): Local[] =>
      operands.flatMap((operand) => (operand.kind === 'local' ? [operand.local] : []));
    if (source.kind === 'dot') return locals([source.source]);
    if (source.kind !== 'call') return [];
    return locals(source.args).filter((local) => this.tables.definitions.get(local)?.kind === 'call');
  }

  private nameOf(source: Source, literal: Literal | undefined): string | undefined {
    switch (source.kind) {
      case 'input':
        return 'input';
      case 'dot': {
        const from = source.source.kind === 'local' ? this.names.get(source.source.local) : undefined;
        if (from === undefined) return undefined;
        if (source.key.kind === 'local') return `${from}[${this.names.get(source.key.local) ?? '_'}]`;
        const key = source.key.value;
        return typeof key === 'string' || typeof key === 'number' ? from + formatPath(['', key]) : undefined;
      }
      case 'document': {
        const { path } = source.document;
        const own = this.map.routine.document.path;
        const isNear = path.length === own.length && path.slice(0, -1).every((part, i) => part === own[i]);
        return isNear ? String(path.at(-1)) : formatPath(path);
      }
      case 'call': {
        const { text } = source.location;
        return text === '' || text === literal?.location.text || text.length > 60 || text.includes('\n')
          ? undefined
          : text;
      }
      default:
        return undefined;
    }
  }
}

/** The last mark before what the rule produces. */
function isHeadMark(block: Block, mark: Stmt): boolean {
  const after = block.slice(block.indexOf(mark) + 1);
  return after.some(({ op }) => op === 'produce') && !after.some((stmt) => stmt.op === 'mark' && !stmt.generated);
}

function endsBody({ op }: Stmt): boolean {
  return op === 'produce' || op === 'answer' || op === 'leave' || op === 'add';
}

/** Bodies of their own inside a statement. */
function blocksIn(stmt: Stmt): readonly Block[] {
  if (stmt.op === 'either') return stmt.branches;
  return 'body' in stmt ? [stmt.body] : [];
}
