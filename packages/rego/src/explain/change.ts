/**
 * The smallest change of the input that flips a decision: best-first over edits that the failed literals suggest. Every
 * step is evaluated, and no part of what is found can be left out.
 */
import type { Location } from '../syntax/location.ts';
import { toJson } from '../value/json.ts';
import { isObject, objectGet } from '../value/object.ts';
import type { Value } from '../value/value.ts';
import { type Edit, edited, inputName, isWithin, valueAt } from './input-path.ts';
import { distinct, otherThan } from './repairs.ts';
import type { DocumentTrace, LiteralTrace, RuleTrace, Trace } from './trace.ts';

/** A change after which the decision is another one. */
export interface Change {
  readonly edits: readonly Edit[];
  readonly input: Value;
  /** The answer to the changed input. */
  readonly value: Value | undefined;
}

export interface Attempt {
  readonly value: Value | undefined;
  readonly trace: Trace;
}

export interface SearchLimits {
  readonly evaluations: number;
  readonly edits: number;
}

interface State extends Attempt {
  readonly input: Value | undefined;
  readonly edits: readonly Edit[];
  readonly cost: number;
  readonly remaining: Remaining;
  /** What the rule lacks that is closest to an allow. */
  readonly closest: readonly number[];
}

/** What each rule that does not hold still lacks: literals, steps of the first, then the same for the document asked there. */
type Remaining = ReadonlyMap<Location, readonly number[]>;

type Order = (a: State, b: State) => number;

/** @param evaluate answers undefined when the evaluation fails */
export function findChange(
  input: Value | undefined,
  start: Attempt,
  evaluate: (input: Value) => Attempt | undefined,
  limits: SearchLimits,
): Change | undefined {
  const { value } = start;
  if (!isAllow(value) && !isDenial(value)) return undefined;
  const search = new Search(input, start, evaluate, limits);
  return search.run(byEdits) ?? search.run(byProgress);
}

/** Few edits first: finds the smallest change where it is near. */
function byEdits(a: State, b: State): number {
  return a.edits.length + a.cost - b.edits.length - b.cost;
}

/** Straight on towards an allow, where much is missing. */
function byProgress(a: State, b: State): number {
  if (isLess(a.closest, b.closest)) return -1;
  return isLess(b.closest, a.closest) ? 1 : a.edits.length - b.edits.length;
}

class Search {
  private readonly input: Value | undefined;
  private readonly start: State;
  private readonly evaluate: (input: Value) => Attempt | undefined;
  private readonly limits: SearchLimits;
  private readonly wanted: boolean;

  constructor(
    input: Value | undefined,
    start: Attempt,
    evaluate: (input: Value) => Attempt | undefined,
    limits: SearchLimits,
  ) {
    this.input = input;
    this.start = stateOf(start, input, []);
    this.evaluate = evaluate;
    this.limits = limits;
    this.wanted = !isAllow(start.value);
  }

  run(order: Order): Change | undefined {
    const queue: State[] = [this.start];
    const seen = new Set<string>([text(this.input)]);
    let left = this.limits.evaluations;
    for (let state = queue.shift(); state !== undefined; state = queue.shift()) {
      for (const edit of this.candidates(state)) {
        const next = edited(state.input, edit);
        if (next === undefined || seen.has(text(next))) continue;
        seen.add(text(next));
        left -= 1;
        if (left < 0) return undefined;
        const attempt = this.evaluate(next);
        if (attempt === undefined) continue;
        const reached = stateOf(attempt, next, merged(state.edits, edit, next));
        if (isAllow(attempt.value) === this.wanted) return this.shrunk(reached.edits, next, attempt.value);
        if (!this.wanted || isProgress(state.remaining, reached.remaining)) queue.push(reached);
      }
      queue.sort(order);
    }
    return undefined;
  }

  private candidates({ edits, trace, input }: State): readonly Edit[] {
    if (edits.length >= this.limits.edits) return [];
    return this.wanted ? repairsIn(trace, input) : breaksIn(trace, input);
  }

  /** Without the edits that are not needed. */
  private shrunk(edits: readonly Edit[], input: Value, value: Value | undefined): Change {
    for (const left of edits.length > 1 ? edits : []) {
      const others = edits.filter((each) => each !== left);
      const next = others.reduce<Value | undefined>((changed, edit) => edited(changed, edit) ?? changed, this.input);
      const attempt = next === undefined ? undefined : this.evaluate(next);
      if (next !== undefined && attempt !== undefined && isAllow(attempt.value) === this.wanted) {
        return this.shrunk(others, next, attempt.value);
      }
    }
    return { edits, input, value };
  }
}

function stateOf(attempt: Attempt, input: Value | undefined, edits: readonly Edit[]): State {
  const remaining = remainingIn(attempt.trace);
  const closest = attempt.trace.documents.flatMap(closestRule);
  return { ...attempt, input, edits, cost: costOf(attempt), remaining, closest };
}

/** `true`, or an object whose `allow` is. */
function isAllow(value: Value | undefined): boolean {
  return value === true || (value !== undefined && isObject(value) && objectGet(value, 'allow') === true);
}

function isDenial(value: Value | undefined): boolean {
  return value === undefined || value === false || (isObject(value) && objectGet(value, 'allow') === false);
}

function text(input: Value | undefined): string {
  return input === undefined ? '' : toJson(input);
}

/** One list of edits; what lies inside an earlier one becomes part of it. */
function merged(edits: readonly Edit[], edit: Edit, input: Value): Edit[] {
  const around = edits.find((each) => each.kind === 'set' && isWithin(edit.path, each.path));
  if (around !== undefined) {
    const value = valueAt(input, around.path);
    return edits.flatMap((each) => {
      if (each !== around) return [each];
      return value === undefined ? [] : [{ kind: 'set', path: around.path, value } satisfies Edit];
    });
  }
  return [...edits.filter((each) => edit.kind === 'add' || !isWithin(each.path, edit.path)), edit];
}

function remainingIn({ documents }: Trace): Remaining {
  const found = new Map<Location, readonly number[]>();
  const visit = (document: DocumentTrace): void => {
    for (const rule of document.rules) {
      const before = found.get(rule.location);
      const own = lacking(rule);
      if (!rule.isDefault && (before === undefined || isLess(own, before))) found.set(rule.location, own);
      for (const literal of rule.literals) for (const asked of literal.documents) visit(asked);
    }
  };
  for (const document of documents) visit(document);
  return found;
}

function lacking({ held, literals, size }: RuleTrace): readonly number[] {
  if (held) return [0];
  const own = literals.filter(({ isHead }) => !isHead);
  const failed = own.find((literal) => !literal.held);
  const inside = (failed?.documents ?? []).filter(isRefusal).flatMap(({ rules }) => rules.map(lacking));
  const [closest = []] = inside.toSorted((a, b) => (isLess(a, b) ? -1 : 1));
  return [size - own.filter((literal) => literal.held).length, -(failed?.reached ?? 0), ...closest];
}

function closestRule({ rules }: DocumentTrace): readonly number[] {
  const tried = rules.filter(({ isDefault }) => !isDefault);
  const held = tried.filter((rule) => rule.held);
  const asked = held.flatMap(({ literals }) => literals.flatMap(({ documents }) => documents)).filter(isRefusal);
  if (held.length > 0) return asked.flatMap(closestRule);
  const [closest = []] = tried.map(lacking).toSorted((a, b) => (isLess(a, b) ? -1 : 1));
  return closest;
}

function isProgress(before: Remaining, after: Remaining): boolean {
  return [...after].some(([rule, lacks]) => {
    const known = before.get(rule);
    return known === undefined || isLess(lacks, known);
  });
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  for (const [i, number] of a.entries()) {
    const other = b[i] ?? 0;
    if (number !== other) return number < other;
  }
  return false;
}

/** How many literals stand between this answer and an allow, at least. */
function costOf({ value, trace }: Attempt): number {
  if (isAllow(value)) return 0;
  return Math.max(1, ...trace.documents.map((document) => documentCost(document)));
}

function documentCost(document: DocumentTrace): number {
  const tried = document.rules.filter(({ isDefault }) => !isDefault);
  const held = tried.filter((rule) => rule.held);
  if (held.length > 0) {
    // It has a value, though not the wanted one: that comes from something it asked for.
    const asked = held.flatMap(({ literals }) => literals.flatMap(({ documents }) => documents)).filter(isRefusal);
    return 1 + Math.max(0, ...asked.map(documentCost));
  }
  return tried.length === 0 ? 1 : Math.min(...tried.map(ruleCost));
}

function ruleCost({ literals, size }: RuleTrace): number {
  const own = literals.filter(({ isHead }) => !isHead);
  const missing = size - own.filter(({ held }) => held).length;
  const failed = own.find(({ held }) => !held);
  const inside = (failed?.documents ?? []).filter(isRefusal).map(documentCost);
  return Math.max(1, missing - 1 + Math.max(1, ...inside));
}

function isRefusal({ value }: DocumentTrace): boolean {
  return value === undefined || value === false;
}

/** Edits that literals suggest which did not hold, and that undo what negations found to hold. */
function repairsIn({ documents }: Trace, input: Value | undefined): readonly Edit[] {
  const found: Edit[] = [];
  const visit = (literals: readonly LiteralTrace[]): void => {
    for (const literal of literals) {
      if (!literal.held) found.push(...literal.repairs);
      if (!literal.held && literal.negated) found.push(...breaks([literal], input));
      visit(literal.inner);
      for (const document of literal.documents) for (const rule of document.rules) visit(rule.literals);
    }
  };
  for (const document of documents) for (const rule of document.rules) visit(rule.literals);
  return distinct(found);
}

/** Edits of whatever was looked at on the way to an allow. */
function breaksIn({ documents }: Trace, input: Value | undefined): readonly Edit[] {
  const literals = documents.flatMap(({ rules }) => rules.flatMap((rule) => rule.literals));
  return distinct(breaks(literals, input));
}

function breaks(literals: readonly LiteralTrace[], input: Value | undefined): Edit[] {
  const edits: Edit[] = [];
  for (const { reads, documents, inner } of literals) {
    for (const path of reads) {
      const value = valueAt(input, path);
      if (value !== undefined && !Array.isArray(value) && !isObject(value)) {
        edits.push({ kind: 'set', path, value: otherThan(value) });
      }
      edits.push({ kind: 'remove', path });
    }
    edits.push(...breaks(inner, input));
    for (const { rules } of documents) for (const rule of rules) edits.push(...breaks(rule.literals, input));
  }
  return edits;
}

/** `set input.token.exp to 5`, for people. */
export function editText(edit: Edit, input: Value | undefined): string {
  const name = inputName(edit.path);
  const before = valueAt(input, edit.path);
  if (edit.kind === 'remove') return `remove ${name}`;
  if (edit.kind === 'add') return `add ${toJson(edit.value)} to ${name}`;
  return `set ${name} to ${toJson(edit.value)} (it is ${before === undefined ? 'missing' : toJson(before)})`;
}
