/** Objects that rules and comprehensions fill entry by entry; a key may get only one value. */
import type { Location } from '../syntax/location.ts';
import { equal } from '../value/compare.ts';
import { compositeKey, primitiveKey } from '../value/key.ts';
import { type Entry, objectFromEntries } from '../value/object.ts';
import { RegoSet, type SetBuilder } from '../value/set.ts';
import type { Value } from '../value/value.ts';
import { EvaluationError } from './evaluation-error.ts';

/** An inner level, a set of members, or a value. */
type Part = ObjectTree | { readonly members: SetBuilder } | { readonly value: Value };

function conflict(site: Location): never {
  throw new EvaluationError('eval_conflict_error', 'object keys must be unique', site);
}

/** The document of rules with variables in their heads: `p[x].y := 1`, `p[x] contains y`. */
export class ObjectTree {
  private readonly parts = new Map<unknown, { readonly key: Value; readonly part: Part }>();

  insert(path: readonly Value[], value: Value, site: Location): void {
    const [last, parent] = this.descend(path, site);
    const known = parent.parts.get(identity(last));
    if (known === undefined) parent.parts.set(identity(last), { key: last, part: { value } });
    else if (!('value' in known.part) || !equal(known.part.value, value)) conflict(site);
  }

  member(path: readonly Value[], value: Value, site: Location): void {
    const [last, parent] = this.descend(path, site);
    let known = parent.parts.get(identity(last));
    if (known === undefined) {
      known = { key: last, part: { members: RegoSet.builder() } };
      parent.parts.set(identity(last), known);
    }
    if (!('members' in known.part)) conflict(site);
    known.part.members.add(value);
  }

  done(): Value {
    const entries: Entry[] = [];
    for (const { key, part } of this.parts.values()) {
      if (part instanceof ObjectTree) entries.push([key, part.done()]);
      else entries.push([key, 'members' in part ? part.members.done() : part.value]);
    }
    return objectFromEntries(entries);
  }

  private descend([key, ...rest]: readonly Value[], site: Location): [last: Value, parent: ObjectTree] {
    if (key === undefined) throw new Error('a rule with variables in its head has a path');
    if (rest.length === 0) return [key, this];
    let known = this.parts.get(identity(key));
    if (known === undefined) {
      known = { key, part: new ObjectTree() };
      this.parts.set(identity(key), known);
    }
    if (!(known.part instanceof ObjectTree)) conflict(site);
    return known.part.descend(rest, site);
  }
}

/** The entries of an object comprehension. */
export class Pairs {
  private readonly entries = new Map<unknown, Entry>();
  private readonly site: Location;

  constructor(site: Location) {
    this.site = site;
  }

  put(key: Value, value: Value): void {
    const known = this.entries.get(identity(key));
    if (known === undefined) this.entries.set(identity(key), [key, value]);
    else if (!equal(known[1], value)) conflict(this.site);
  }

  done(): Value {
    return objectFromEntries([...this.entries.values()]);
  }
}

/** Equal values, and no others, have the same identity. */
function identity(key: Value): unknown {
  const primitive = primitiveKey(key);
  return primitive === undefined
    ? `#${compositeKey(key)}`
    : typeof primitive === 'string'
      ? `"${primitive}`
      : primitive;
}
