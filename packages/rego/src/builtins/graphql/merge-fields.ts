/** Whether all fields that answer under one name can be merged (October 2021, section 5.3.2). */
import type { Argument, Definition, FieldDefinition, Fragment, Literal, Selection, TypeReference } from './document.ts';
import { namedType, type Schema, typeText } from './schema.ts';

export interface MergeConflict {
  /** The name under which both would answer. */
  readonly name: string;
  readonly reason: string;
  /** The later one. */
  readonly selection: Selection;
}

export interface MergeScope {
  readonly schema: Schema;
  readonly fragments: readonly Fragment[];
  readonly fieldOf: (parent: Definition, name: string) => FieldDefinition | undefined;
  readonly spend: (steps: number) => void;
}

/** Selections and the type that they are made on. */
interface Selected {
  readonly selections: readonly Selection[];
  readonly parent: Definition;
}

/** A field that was found in a selection set or in a fragment of it. */
interface Found {
  readonly selection: Selection;
  readonly name: string;
  readonly parent: Definition;
  readonly type: TypeReference;
}

/** The first conflict of an operation all of whose fields, fragments and types are known. */
export function findMergeConflict(scope: MergeScope, root: Selected): MergeConflict | undefined {
  return new Merging(scope).conflict([root]);
}

const TYPE_NAME: TypeReference = { NamedType: 'String', Elem: undefined, NonNull: true };

class Merging {
  readonly #scope: MergeScope;

  constructor(scope: MergeScope) {
    this.#scope = scope;
  }

  conflict(sets: readonly Selected[]): MergeConflict | undefined {
    return (
      this.#nested(sets, allOfThem, differentMeaning) ??
      // Fields of objects that differ never answer together, but must look alike.
      this.#nested(
        sets,
        (group) => [group],
        (a, b) => this.#differentShape(a, b),
      )
    );
  }

  /** @param partition the fields of one name that may answer together */
  #nested(
    sets: readonly Selected[],
    partition: (group: readonly Found[]) => readonly (readonly Found[])[],
    difference: (a: Found, b: Found) => string | undefined,
  ): MergeConflict | undefined {
    for (const [name, group] of this.#byName(sets)) {
      for (const together of partition(group)) {
        const conflict = this.#group(name, together, difference) ?? this.#below(name, together, partition, difference);
        if (conflict !== undefined) return conflict;
      }
    }
    return undefined;
  }

  #group(
    name: string,
    [first, ...others]: readonly Found[],
    difference: (a: Found, b: Found) => string | undefined,
  ): MergeConflict | undefined {
    for (const other of others) {
      const reason = first === undefined ? undefined : difference(first, other);
      if (reason !== undefined) return { name, reason, selection: other.selection };
    }
    return undefined;
  }

  #below(
    name: string,
    together: readonly Found[],
    ...how: [
      partition: (group: readonly Found[]) => readonly (readonly Found[])[],
      difference: (a: Found, b: Found) => string | undefined,
    ]
  ): MergeConflict | undefined {
    const sets = together.flatMap(({ selection, type }) => {
      const parent = this.#scope.schema.types.get(namedType(type));
      return parent === undefined || selection.SelectionSet.length === 0
        ? []
        : [{ selections: selection.SelectionSet, parent }];
    });
    const inner = sets.length === 0 ? undefined : this.#nested(sets, ...how);
    const last = together.at(-1)?.selection;
    if (inner === undefined || last === undefined || together.length === 1) return inner;
    return { name, reason: `subfields "${inner.name}" conflict because ${inner.reason}`, selection: last };
  }

  #byName(sets: readonly Selected[]): ReadonlyMap<string, readonly Found[]> {
    const groups = new Map<string, Found[]>();
    const entered = new Set<string>();
    const visit = ({ selections, parent }: Selected): void => {
      for (const selection of selections) {
        this.#scope.spend(1);
        const { Alias, Name, TypeCondition = '' } = selection;
        if (Alias !== undefined && Name !== undefined) {
          const type = Name === '__typename' ? TYPE_NAME : this.#scope.fieldOf(parent, Name)?.Type;
          if (type === undefined) continue;
          const group = groups.get(Alias) ?? [];
          group.push({ selection, name: Name, parent, type });
          groups.set(Alias, group);
        } else if (Name === undefined) {
          visit({ selections: selection.SelectionSet, parent: this.#type(TypeCondition, parent) });
        } else if (!entered.has(Name)) {
          entered.add(Name);
          const fragment = this.#scope.fragments.find((each) => each.Name === Name);
          if (fragment === undefined) continue;
          visit({ selections: fragment.SelectionSet, parent: this.#type(fragment.TypeCondition, parent) });
        }
      }
    };
    for (const set of sets) visit(set);
    return groups;
  }

  #type(name: string, otherwise: Definition): Definition {
    return this.#scope.schema.types.get(name) ?? otherwise;
  }

  #differentShape(a: Found, b: Found): string | undefined {
    if (this.#isSameShape(a.type, b.type)) return undefined;
    return `they return conflicting types "${typeText(a.type)}" and "${typeText(b.type)}"`;
  }

  #isSameShape(a: TypeReference, b: TypeReference): boolean {
    if (a.NonNull !== b.NonNull) return false;
    if (a.Elem !== undefined && b.Elem !== undefined) return this.#isSameShape(a.Elem, b.Elem);
    if (a.Elem !== undefined || b.Elem !== undefined) return false;
    return a.NamedType === b.NamedType || (this.#isComposite(a.NamedType) && this.#isComposite(b.NamedType));
  }

  #isComposite(name: string): boolean {
    return ['OBJECT', 'INTERFACE', 'UNION'].includes(this.#scope.schema.types.get(name)?.Kind ?? '');
  }
}

/** For each object type its own fields with those of interfaces and unions, which any object may have. */
function allOfThem(group: readonly Found[]): readonly (readonly Found[])[] {
  const objects = new Set(group.filter(({ parent }) => parent.Kind === 'OBJECT').map(({ parent }) => parent.Name));
  if (objects.size <= 1) return [group];
  return [...objects].map((name) => group.filter(({ parent }) => parent.Kind !== 'OBJECT' || parent.Name === name));
}

function differentMeaning(a: Found, b: Found): string | undefined {
  if (a.name !== b.name) return `"${a.name}" and "${b.name}" are different fields`;
  return isSameList(a.selection.Arguments, b.selection.Arguments) ? undefined : 'they have differing arguments';
}

function isSameList(a: readonly Argument[], b: readonly Argument[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ Name, Value }) => b.some((other) => other.Name === Name && isSameLiteral(Value, other.Value)))
  );
}

function isSameLiteral(a: Literal, b: Literal): boolean {
  if (a.Kind !== b.Kind || a.Raw !== b.Raw || a.Children.length !== b.Children.length) return false;
  return a.Children.every(({ Name, Value }, index) => {
    const other = b.Children[index];
    return other !== undefined && other.Name === Name && isSameLiteral(Value, other.Value);
  });
}
