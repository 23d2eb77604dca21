/** Listens to an evaluation on the closure backend and writes down what it does. */
import type { Branch, Local, Operand, Routine, Stmt } from '../compile/ir.ts';
import { elements, isCollection } from '../evaluate/access.ts';
import { FAIL, type Frame, type Step } from '../evaluate/closures/frame.ts';
import type { Instruments } from '../evaluate/closures/instruments.ts';
import type { Context, DocumentFunction } from '../evaluate/context.ts';
import { formatPath } from '../syntax/format-path.ts';
import { primitiveKey } from '../value/key.ts';
import type { Value } from '../value/value.ts';
import type { InputPath } from './input-path.ts';
import { type Definition, type Literal, mapRoutine, type RoutineMap, type StatementInfo } from './literal-map.ts';
import { repairs } from './repairs.ts';
import type { DocumentTrace, LiteralTrace, RuleTrace, SeenValue, Trace } from './trace.ts';

/** More than people read, and little enough to keep. */
const MAX_DOCUMENTS = 2_000;
const MAX_SAMPLES = 3;
const MAX_REPAIRS = 24;

/** One call of a document. */
interface Activation {
  readonly map: RoutineMap;
  readonly trace: DocumentTrace;
  readonly argOrigins: readonly (InputPath | undefined)[];
  rule: RuleTrace | undefined;
  current: LiteralTrace | undefined;
  readonly literals: Map<Literal, LiteralTrace>;
  /** Where the values that functions returned come from. */
  readonly returned: Map<Local, InputPath | undefined>;
  origin: InputPath | undefined;
}

/** One evaluation. */
interface Run {
  readonly input: Value | undefined;
  readonly roots: DocumentTrace[];
  readonly stack: Activation[];
  readonly origins: Map<number, InputPath | undefined>;
  pending: readonly (InputPath | undefined)[];
  last: InputPath | undefined;
  documents: number;
}

export class Tracer implements Instruments {
  private readonly statements = new Map<Stmt, StatementInfo>();
  private readonly maps = new Map<Routine, RoutineMap>();
  private run: Run = newRun(undefined);

  /** Before its closures are made. */
  learn(routine: Routine): void {
    this.maps.set(routine, mapRoutine(routine, this.statements));
  }

  begin(input: Value | undefined): void {
    this.run = newRun(input);
  }

  end(): Trace {
    const { roots, documents } = this.run;
    return { documents: roots, truncated: documents > MAX_DOCUMENTS };
  }

  document(routine: Routine, evaluate: DocumentFunction): DocumentFunction {
    const map = this.maps.get(routine);
    if (map === undefined) throw new Error('a traced routine is learned first');
    const { id, kind, path } = routine.document;
    const name = formatPath(path);
    const isFunction = kind === 'function';
    return (context, ...args) => {
      const { run } = this;
      const known = !isFunction && context.memo[id] !== undefined;
      const trace: DocumentTrace = { name, args: isFunction ? args : undefined, known, value: undefined, rules: [] };
      this.attach(trace);
      const own = context.input === run.input;
      if (known) {
        trace.value = evaluate(context);
        run.last = own ? run.origins.get(id) : undefined;
        return trace.value;
      }
      const activation = newActivation(map, trace, isFunction ? run.pending : []);
      run.stack.push(activation);
      try {
        trace.value = evaluate(context, ...args);
      } finally {
        run.stack.pop();
      }
      run.last = own ? activation.origin : undefined;
      if (!isFunction && own) run.origins.set(id, activation.origin);
      return trace.value;
    };
  }

  branch(branch: Branch, body: Step): Step {
    return (frame) => {
      const activation = this.run.stack.at(-1);
      if (activation === undefined) return body(frame);
      const { location, isDefault } = branch;
      const size = activation.map.sizes.get(branch) ?? 0;
      const isElse = activation.map.elses.has(branch);
      const rule: RuleTrace = { location, isDefault, isElse, held: false, literals: [], size };
      activation.trace.rules.push(rule);
      activation.rule = rule;
      activation.literals.clear();
      activation.current = undefined;
      return body(frame);
    };
  }

  statement(stmt: Stmt, step: Step): Step {
    const info = this.statements.get(stmt);
    if (info === undefined) return step;
    return (frame) => {
      const activation = this.run.stack.at(-1);
      if (activation === undefined || activation.map !== info.routine) return step(frame);
      if (info.shows !== undefined) this.holds(activation, info.shows, frame);
      const literal = info.literal === undefined ? undefined : literalTrace(activation, info.literal);
      activation.current = literal;
      if (stmt.op === 'mark') return step(frame);
      if (stmt.op === 'produce') this.produces(activation, stmt.value, frame);
      if (stmt.op === 'let') this.prepare(activation, stmt, frame);
      const signal = step(frame);
      activation.current = literal;
      if (stmt.op === 'let' && stmt.value.kind === 'call' && stmt.value.callee.kind === 'function') {
        activation.returned.set(stmt.target, this.run.last);
      }
      const failed = signal === FAIL || (stmt.op === 'scan' && !stmt.view && isEmpty(frame, stmt.source));
      if (failed && literal !== undefined && info.literal !== undefined && !info.quiet) {
        this.fails(activation, stmt, { literal, shown: info.literal }, frame);
      }
      return signal;
    };
  }

  private attach(trace: DocumentTrace): void {
    const { run } = this;
    run.documents += 1;
    if (run.documents > MAX_DOCUMENTS) return;
    const activation = run.stack.at(-1);
    if (activation === undefined) run.roots.push(trace);
    else if (activation.current === undefined) activation.rule?.literals.at(-1)?.documents.push(trace);
    else if (!trace.known || activation.current.documents.every(({ name }) => name !== trace.name)) {
      activation.current.documents.push(trace);
    }
  }

  private prepare(activation: Activation, stmt: Extract<Stmt, { op: 'let' }>, frame: Frame): void {
    this.run.last = undefined;
    if (stmt.value.kind !== 'call') return;
    this.run.pending = stmt.value.args.map((arg) => this.origin(activation, arg, frame));
  }

  private produces(activation: Activation, value: Operand, frame: Frame): void {
    if (activation.rule !== undefined) activation.rule.held = true;
    activation.origin = this.origin(activation, value, frame);
  }

  private holds(activation: Activation, literal: Literal, frame: Frame): void {
    const trace = literalTrace(activation, literal);
    if (trace.held) return;
    trace.held = true;
    trace.misses.push(...trace.samples.splice(0));
    trace.samples.push(this.seen(activation, literal, frame, undefined, trace));
  }

  private fails(
    activation: Activation,
    stmt: Stmt,
    { literal, shown }: { readonly literal: LiteralTrace; readonly shown: Literal },
    frame: Frame,
  ): void {
    literal.failures += 1;
    literal.reached = Math.max(literal.reached, this.statements.get(stmt)?.index ?? 0);
    if (stmt.op === 'exists' && stmt.negated) literal.negated = true;
    const samples = literal.held ? literal.misses : literal.samples;
    if (samples.length < MAX_SAMPLES) samples.push(this.seen(activation, shown, frame, stmt, literal));
    if (literal.held) return;
    if (literal.repairs.length >= MAX_REPAIRS) return;
    const found = repairs(stmt, {
      map: activation.map,
      value: (operand) => (operand.kind === 'const' ? operand.value : (frame[operand.local] as Value | undefined)),
      origin: (operand) => this.origin(activation, operand, frame),
    });
    literal.repairs.push(...found.slice(0, MAX_REPAIRS - literal.repairs.length));
  }

  /** What was evaluated so far in this literal, the deepest step of each path only. */
  private seen(
    activation: Activation,
    literal: Literal,
    frame: Frame,
    failed: Stmt | undefined,
    trace: LiteralTrace,
  ): SeenValue[] {
    const end = failed === undefined ? -1 : literal.shown.findIndex(({ by }) => by === failed);
    const reached = literal.shown.filter(
      ({ local }, i) => frame[local] !== undefined || (i === end && failed !== undefined),
    );
    const until = end < 0 ? reached : reached.filter((each) => literal.shown.indexOf(each) <= end);
    const leaves = until.filter(({ local }) => until.every(({ from }) => !from.includes(local)));
    for (const { local } of leaves) {
      const path = this.origin(activation, { kind: 'local', local }, frame);
      if (path !== undefined && path.length > 0) trace.reads.push(path);
    }
    return leaves
      .filter(({ name, local }) => name !== 'input' || frame[local] === undefined)
      .map(({ name, local }) => ({ name, value: frame[local] as Value | undefined }));
  }

  private origin(activation: Activation, operand: Operand, frame: Frame): InputPath | undefined {
    if (operand.kind === 'const') return undefined;
    const definition = activation.map.definitions.get(operand.local);
    return definition === undefined ? undefined : this.originOf(activation, definition, operand.local, frame);
  }

  private originOf(activation: Activation, definition: Definition, local: Local, frame: Frame): InputPath | undefined {
    switch (definition.kind) {
      case 'input':
        return (frame[definition.context] as Context).input === this.run.input ? [] : undefined;
      case 'dot': {
        const { source, key } = definition;
        const step = key.kind === 'const' ? key.value : (frame[key.local] as Value | undefined);
        return extended(this.origin(activation, source, frame), step);
      }
      case 'element':
        return extended(this.origin(activation, definition.source, frame), frame[definition.key] as Value | undefined);
      case 'argument':
        return activation.argOrigins[definition.index];
      case 'document':
        return (frame[definition.context] as Context).input === this.run.input
          ? this.run.origins.get(definition.document.id)
          : undefined;
      case 'call': {
        const { callee, args } = definition;
        if (callee.kind === 'function') return activation.returned.get(local);
        const origins = args.map((arg) => this.origin(activation, arg, frame));
        if (callee.name === 'object.get') return this.placeAsked(origins[0], args[1], frame);
        const known = origins.filter((each) => each !== undefined);
        return known.length === 1 ? known[0] : undefined;
      }
      default:
        return undefined;
    }
  }

  private placeAsked(source: InputPath | undefined, key: Operand | undefined, frame: Frame): InputPath | undefined {
    const value = key?.kind === 'local' ? (frame[key.local] as Value | undefined) : key?.value;
    if (!Array.isArray(value)) return extended(source, value);
    let path = source;
    for (const step of value as readonly Value[]) path = extended(path, step);
    return path;
  }
}

function newRun(input: Value | undefined): Run {
  return { input, roots: [], stack: [], origins: new Map(), pending: [], last: undefined, documents: 0 };
}

function newActivation(
  map: RoutineMap,
  trace: DocumentTrace,
  argOrigins: readonly (InputPath | undefined)[],
): Activation {
  const fresh = { rule: undefined, current: undefined, origin: undefined };
  return { map, trace, argOrigins, literals: new Map(), returned: new Map(), ...fresh };
}

function literalTrace(activation: Activation, literal: Literal): LiteralTrace {
  const known = activation.literals.get(literal);
  if (known !== undefined) return known;
  const { location, isHead, parent } = literal;
  const lists = { samples: [], misses: [], documents: [], inner: [], repairs: [], reads: [] };
  const trace: LiteralTrace = { location, isHead, negated: false, held: false, reached: 0, failures: 0, ...lists };
  activation.literals.set(literal, trace);
  if (parent === undefined) activation.rule?.literals.push(trace);
  else literalTrace(activation, parent).inner.push(trace);
  return trace;
}

function extended(path: InputPath | undefined, step: Value | undefined): InputPath | undefined {
  const key = step === undefined ? undefined : primitiveKey(step);
  return path === undefined || key === undefined ? undefined : [...path, key];
}

function isEmpty(frame: Frame, source: Operand): boolean {
  const value = source.kind === 'const' ? source.value : (frame[source.local] as Value | undefined);
  if (value === undefined || !isCollection(value)) return true;
  return Array.isArray(value) ? value.length === 0 : elements(value).length === 0;
}
