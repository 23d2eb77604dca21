/**
 * Pass over the intermediate form: rules of one document that demand different constants at the same place
 * (`input.path == "/a"`, `f("a", x)`) are reached by looking that place up, so their number does not matter.
 */
import type { Block, Branch, Local, Operand } from './ir.ts';

/** Fewer rules than this are tried one after the other. */
const MIN_RULES = 4;

/** Where the constants are compared: below the input, or below a function's argument. */
export interface IndexedPlace {
  readonly root: 'input' | Local;
  readonly path: readonly string[];
}

/** Rules, and how to find those that can apply when there are many. */
export interface Selection {
  readonly rules: Rules;
  readonly index: RuleIndex | undefined;
}

export interface RuleIndex {
  readonly place: IndexedPlace;
  /** Rules by the text that they demand there. */
  readonly groups: ReadonlyMap<string, Selection>;
  /** Rules that demand no constant there. */
  readonly rest: Selection;
}

interface Demand {
  readonly place: IndexedPlace;
  readonly constant: string;
}

type Rules = readonly (readonly Branch[])[];

/** Rules that share one constant are told apart by what else they demand. */
export function select(rules: Rules, params: readonly Local[]): Selection {
  return { rules, index: buildIndex(rules, params) };
}

function buildIndex(rules: Rules, params: readonly Local[]): RuleIndex | undefined {
  if (rules.length < MIN_RULES) return undefined;
  const demands = rules.map((branches) => demandsOf(branches, params));
  const best = bestPlace(demands.flat());
  if (best === undefined) return undefined;
  const groups = new Map<string, Rules[number][]>();
  const rest: Rules[number][] = [];
  for (const [i, rule] of rules.entries()) {
    const demand = demands[i]?.find(({ place }) => placeName(place) === placeName(best));
    if (demand === undefined) rest.push(rule);
    else {
      const group = groups.get(demand.constant);
      if (group === undefined) groups.set(demand.constant, [rule]);
      else group.push(rule);
    }
  }
  const selections = [...groups].map(([constant, group]) => [constant, select(group, params)] as const);
  return { place: best, groups: new Map(selections), rest: select(rest, params) };
}

/** The place where the most different constants are demanded. */
function bestPlace(demands: readonly Demand[]): IndexedPlace | undefined {
  const constants = new Map<string, { readonly place: IndexedPlace; readonly seen: Set<string> }>();
  for (const { place, constant } of demands) {
    const name = placeName(place);
    const known = constants.get(name);
    if (known === undefined) constants.set(name, { place, seen: new Set([constant]) });
    else known.seen.add(constant);
  }
  let best: { readonly place: IndexedPlace; readonly seen: Set<string> } | undefined;
  for (const each of constants.values()) if (best === undefined || each.seen.size > best.seen.size) best = each;
  return best !== undefined && best.seen.size >= MIN_RULES ? best.place : undefined;
}

function placeName({ root, path }: IndexedPlace): string {
  return JSON.stringify([root, ...path]);
}

/** What a rule without `else` demands before anything else can have an effect. */
function demandsOf(branches: readonly Branch[], params: readonly Local[]): Demand[] {
  const [only, second] = branches;
  return only === undefined || second !== undefined ? [] : blockDemands(only.body, params);
}

function blockDemands(body: Block, params: readonly Local[]): Demand[] {
  const places = new Map<Local, IndexedPlace>(params.map((param) => [param, { root: param, path: [] }]));
  const found: Demand[] = [];
  for (const stmt of body) {
    if (stmt.op === 'let' && stmt.value.kind === 'input' && stmt.value.context === 0) {
      places.set(stmt.target, { root: 'input', path: [] });
    } else if (stmt.op === 'let' && stmt.value.kind === 'dot' && stmt.value.of === 'value') {
      const { source, key } = stmt.value;
      const below = source.kind === 'local' ? places.get(source.local) : undefined;
      const name = text(key);
      if (below !== undefined && name !== undefined) {
        places.set(stmt.target, { root: below.root, path: [...below.path, name] });
      }
    } else if (stmt.op === 'compare' && stmt.by === 'equal') {
      const demand = demandOf(stmt.left, stmt.right, places) ?? demandOf(stmt.right, stmt.left, places);
      if (demand !== undefined) found.push(demand);
    }
  }
  return found;
}

function demandOf(read: Operand, constant: Operand, places: ReadonlyMap<Local, IndexedPlace>): Demand | undefined {
  const place = read.kind === 'local' ? places.get(read.local) : undefined;
  const value = text(constant);
  return place === undefined || value === undefined ? undefined : { place, constant: value };
}

function text(operand: Operand): string | undefined {
  return operand.kind === 'const' && typeof operand.value === 'string' ? operand.value : undefined;
}
