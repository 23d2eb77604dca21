/** Checks a query against a schema (October 2021, section 5) and throws for the first thing that is wrong. */
import { BuiltinError } from '../builtin.ts';
import {
  type Argument,
  type ArgumentDefinition,
  type Definition,
  type Directive,
  type FieldDefinition,
  type Fragment,
  LITERAL,
  type Literal,
  type Operation,
  type QueryDocument,
  type Selection,
  type TypeReference,
  type VariableDefinition,
} from './document.ts';
import { findMergeConflict } from './merge-fields.ts';
import type { Parsed } from './parsed.ts';
import { namedType, possibleTypes, type Schema, typeText } from './schema.ts';

/** @throws BuiltinError */
export function validateQuery(schema: Schema, query: Parsed<QueryDocument>, spend: (steps: number) => void): void {
  new QueryValidator(schema, query, spend).check();
}

const COMPOSITE = new Set(['OBJECT', 'INTERFACE', 'UNION']);
const OPERATION_LOCATIONS: Readonly<Record<string, string>> = {
  query: 'QUERY',
  mutation: 'MUTATION',
  subscription: 'SUBSCRIPTION',
};
const ROOT_FIELDS: ReadonlyMap<string, FieldDefinition> = new Map(
  [
    { name: '__schema', type: '__Schema', nonNull: true, takesName: false },
    { name: '__type', type: '__Type', nonNull: false, takesName: true },
  ].map(({ name, type, nonNull, takesName }) => [
    name,
    metaField(name, { NamedType: type, Elem: undefined, NonNull: nonNull }, takesName),
  ]),
);

function metaField(Name: string, Type: TypeReference, takesName: boolean): FieldDefinition {
  const shared = { Description: '', DefaultValue: undefined, Directives: [] };
  const name = { ...shared, Name: 'name', Type: { NamedType: 'String', Elem: undefined, NonNull: true } };
  return { ...shared, Name, Type, Arguments: takesName ? [name] : [] };
}

class QueryValidator {
  readonly #schema: Schema;
  readonly #document: QueryDocument;
  readonly #locationOf: (node: object) => string;
  readonly #spend: (steps: number) => void;
  readonly #usedFragments = new Set<string>();
  /** Of the operation that is being checked. */
  #variables = new Map<string, VariableDefinition>();
  #usedVariables = new Set<string>();

  constructor(schema: Schema, query: Parsed<QueryDocument>, spend: (steps: number) => void) {
    this.#schema = schema;
    this.#document = query.document;
    this.#locationOf = query.locationOf;
    this.#spend = spend;
  }

  check(): void {
    this.#checkNames();
    for (const fragment of this.#document.Fragments) this.#checkCycle(fragment, []);
    for (const operation of this.#document.Operations) this.#checkOperation(operation);
    for (const fragment of this.#document.Fragments) {
      this.#compositeType(fragment.TypeCondition, fragment);
      if (!this.#usedFragments.has(fragment.Name))
        throw this.#fail(`Fragment "${fragment.Name}" is never used.`, fragment);
    }
  }

  #checkNames(): void {
    const { Operations, Fragments } = this.#document;
    for (const operation of Operations) {
      if (operation.Name === '' && Operations.length > 1) {
        throw this.#fail('This anonymous operation must be the only defined operation.', operation);
      }
      if (Operations.find(({ Name }) => Name === operation.Name) !== operation) {
        throw this.#fail(`There can be only one operation named "${operation.Name}".`, operation);
      }
    }
    for (const fragment of Fragments) {
      if (Fragments.find(({ Name }) => Name === fragment.Name) !== fragment) {
        throw this.#fail(`There can be only one fragment named "${fragment.Name}".`, fragment);
      }
    }
  }

  #checkCycle(fragment: Fragment, path: readonly string[]): void {
    const next = [...path, fragment.Name];
    for (const spread of spreadsOf(fragment.SelectionSet)) {
      this.#spend(1);
      if (next.includes(spread)) {
        const via = next.slice(next.indexOf(spread) + 1);
        const how = via.length === 0 ? '' : ` via ${via.map((name) => `"${name}"`).join(', ')}`;
        throw this.#fail(`Cannot spread fragment "${spread}" within itself${how}.`, fragment);
      }
      const inner = this.#document.Fragments.find(({ Name }) => Name === spread);
      if (inner !== undefined) this.#checkCycle(inner, next);
    }
  }

  #checkOperation(operation: Operation): void {
    this.#variables = new Map();
    this.#usedVariables = new Set();
    for (const variable of operation.VariableDefinitions) this.#checkVariable(variable);
    const root = this.#schema.roots.get(operation.Operation);
    if (root === undefined)
      throw this.#fail(`Schema does not support operation type "${operation.Operation}"`, operation);
    this.#directives(operation.Directives, OPERATION_LOCATIONS[operation.Operation] ?? '', operation);
    if (operation.Operation === 'subscription' && operation.SelectionSet.length > 1) {
      const name = operation.Name === '' ? 'Anonymous Subscription' : `Subscription "${operation.Name}"`;
      throw this.#fail(`${name} must select only one top level field.`, operation);
    }
    this.#selections(operation.SelectionSet, root, new Set());
    this.#checkMerging(operation, root);
    for (const [name, definition] of this.#variables) {
      if (this.#usedVariables.has(name)) continue;
      const where = operation.Name === '' ? '' : ` in operation "${operation.Name}"`;
      throw this.#fail(`Variable "$${name}" is never used${where}.`, definition);
    }
  }

  #checkMerging({ SelectionSet: selections }: Operation, parent: Definition): void {
    const scope = {
      schema: this.#schema,
      fragments: this.#document.Fragments,
      fieldOf: (type: Definition, name: string) => this.#fieldOf(type, name),
      spend: this.#spend,
    };
    const conflict = findMergeConflict(scope, { selections, parent });
    if (conflict === undefined) return;
    const hint = 'Use different aliases on the fields to fetch both if this was intentional.';
    throw this.#fail(`Fields "${conflict.name}" conflict because ${conflict.reason}. ${hint}`, conflict.selection);
  }

  #fieldOf(parent: Definition, name: string): FieldDefinition | undefined {
    const isRoot = this.#schema.roots.get('query') === parent;
    return parent.Fields.find(({ Name }) => Name === name) ?? (isRoot ? ROOT_FIELDS.get(name) : undefined);
  }

  #checkVariable(definition: VariableDefinition): void {
    const { Variable, Type, DefaultValue } = definition;
    if (this.#variables.has(Variable))
      throw this.#fail(`There can be only one variable named "$${Variable}".`, definition);
    this.#variables.set(Variable, definition);
    const type = this.#schema.types.get(namedType(Type));
    if (type === undefined) throw this.#fail(`Unknown type "${namedType(Type)}".`, definition);
    if (COMPOSITE.has(type.Kind)) {
      throw this.#fail(`Variable "$${Variable}" cannot be non-input type "${typeText(Type)}".`, definition);
    }
    if (DefaultValue !== undefined) this.#literal(DefaultValue, Type, false);
    this.#directives(definition.Directives, 'VARIABLE_DEFINITION', definition);
  }

  /** @param within the fragments around, which are each entered once */
  #selections(selections: readonly Selection[], parent: Definition, within: ReadonlySet<string>): void {
    for (const selection of selections) {
      this.#spend(1);
      if (selection.Alias !== undefined && selection.Name !== undefined)
        this.#field(selection, selection.Name, parent, within);
      else if (selection.Name === undefined) this.#inlineFragment(selection, parent, within);
      else this.#fragmentSpread(selection, selection.Name, parent, within);
    }
  }

  #field(selection: Selection, name: string, parent: Definition, within: ReadonlySet<string>): void {
    if (name === '__typename') return;
    const field = this.#fieldOf(parent, name);
    if (field === undefined) throw this.#fail(`Cannot query field "${name}" on type "${parent.Name}".`, selection);
    const owner = `Field "${name}" argument`;
    this.#arguments(selection.Arguments, field.Arguments, {
      owner,
      of: `field "${parent.Name}.${name}"`,
      node: selection,
    });
    this.#directives(selection.Directives, 'FIELD', selection);
    const type = this.#schema.types.get(namedType(field.Type));
    if (type === undefined) return;
    if (!COMPOSITE.has(type.Kind)) {
      if (selection.SelectionSet.length === 0) return;
      const text = typeText(field.Type);
      throw this.#fail(`Field "${name}" must not have a selection since type "${text}" has no subfields.`, selection);
    }
    if (selection.SelectionSet.length === 0) {
      const hint = `Did you mean "${name} { ... }"?`;
      throw this.#fail(
        `Field "${name}" of type "${typeText(field.Type)}" must have a selection of subfields. ${hint}`,
        selection,
      );
    }
    this.#selections(selection.SelectionSet, type, within);
  }

  #inlineFragment(selection: Selection, parent: Definition, within: ReadonlySet<string>): void {
    const condition = selection.TypeCondition ?? '';
    this.#directives(selection.Directives, 'INLINE_FRAGMENT', selection);
    const type = condition === '' ? parent : this.#compositeType(condition, selection);
    if (!this.#overlaps(parent, type)) {
      throw this.#fail(
        `Fragment cannot be spread here as objects of type "${parent.Name}" can never be of type "${type.Name}".`,
        selection,
      );
    }
    this.#selections(selection.SelectionSet, type, within);
  }

  #fragmentSpread(selection: Selection, name: string, parent: Definition, within: ReadonlySet<string>): void {
    const fragment = this.#document.Fragments.find(({ Name }) => Name === name);
    if (fragment === undefined) throw this.#fail(`Unknown fragment "${name}".`, selection);
    this.#usedFragments.add(name);
    this.#directives(selection.Directives, 'FRAGMENT_SPREAD', selection);
    const type = this.#compositeType(fragment.TypeCondition, fragment);
    if (!this.#overlaps(parent, type)) {
      throw this.#fail(
        `Fragment "${name}" cannot be spread here as objects of type "${parent.Name}" can never be of type "${type.Name}".`,
        selection,
      );
    }
    if (!within.has(name)) this.#selections(fragment.SelectionSet, type, new Set([...within, name]));
  }

  #compositeType(name: string, node: object): Definition {
    const type = this.#schema.types.get(name);
    if (type === undefined) throw this.#fail(`Unknown type "${name}".`, node);
    if (!COMPOSITE.has(type.Kind)) throw this.#fail(`Fragment cannot condition on non composite type "${name}".`, node);
    return type;
  }

  #overlaps(a: Definition, b: Definition): boolean {
    if (a.Name === b.Name) return true;
    const [left, right] = [possibleTypes(this.#schema, a.Name), possibleTypes(this.#schema, b.Name)];
    return !left.isDisjointFrom(right);
  }

  #directives(directives: readonly Directive[], location: string, node: object): void {
    for (const [index, directive] of directives.entries()) {
      const definition = this.#schema.directives.get(directive.Name);
      if (definition === undefined) throw this.#fail(`Unknown directive "@${directive.Name}".`, directive);
      if (!definition.Locations.includes(location)) {
        throw this.#fail(`Directive "@${directive.Name}" may not be used on ${location}.`, directive);
      }
      if (!definition.IsRepeatable && directives.findIndex(({ Name }) => Name === directive.Name) !== index) {
        throw this.#fail(`The directive "@${directive.Name}" can only be used once at this location.`, node);
      }
      const owner = `Directive "@${directive.Name}" argument`;
      const of = `directive "@${directive.Name}"`;
      this.#arguments(directive.Arguments, definition.Arguments, { owner, of, node: directive });
    }
  }

  #arguments(
    given: readonly Argument[],
    definitions: readonly ArgumentDefinition[],
    { owner, of, node }: { owner: string; of: string; node: object },
  ): void {
    for (const argument of given) {
      const definition = definitions.find(({ Name }) => Name === argument.Name);
      if (definition === undefined) throw this.#fail(`Unknown argument "${argument.Name}" on ${of}.`, node);
      if (given.find(({ Name }) => Name === argument.Name) !== argument) {
        throw this.#fail(`There can be only one argument named "${argument.Name}".`, node);
      }
      this.#literal(argument.Value, definition.Type, definition.DefaultValue !== undefined);
    }
    for (const { Name, Type, DefaultValue } of definitions) {
      const value = given.find((argument) => argument.Name === Name)?.Value;
      if (Type.NonNull && DefaultValue === undefined && (value === undefined || value.Kind === LITERAL.null)) {
        throw this.#fail(`${owner} "${Name}" of type "${typeText(Type)}" is required, but it was not provided.`, node);
      }
    }
  }

  #literal(value: Literal, type: TypeReference, hasDefault: boolean): void {
    if (value.Kind === LITERAL.variable) {
      this.#variable(value, type, hasDefault);
      return;
    }
    if (value.Kind === LITERAL.null) {
      if (type.NonNull) throw this.#wrongType(value, type);
      return;
    }
    if (type.Elem !== undefined) {
      const items = value.Kind === LITERAL.list ? value.Children.map((child) => child.Value) : [value];
      for (const item of items) this.#literal(item, type.Elem, false);
      return;
    }
    const definition = this.#schema.types.get(type.NamedType);
    if (definition === undefined) throw this.#fail(`Unknown type "${type.NamedType}".`, value);
    if (definition.Kind === 'INPUT_OBJECT') this.#inputObject(value, definition);
    else if (isCustom(definition)) this.#anything(value);
    else if (!acceptsLiteral(definition, value)) throw this.#wrongScalar(definition, value, type);
  }

  /** Custom scalars decide for themselves what they accept. */
  #anything(value: Literal): void {
    if (value.Kind === LITERAL.variable) {
      if (!this.#variables.has(value.Raw)) throw this.#fail(`Variable "$${value.Raw}" is not defined.`, value);
      this.#usedVariables.add(value.Raw);
    }
    for (const { Name, Value } of value.Children) {
      if (value.Kind === LITERAL.object) this.#checkOnce(value, Name, Value);
      this.#anything(Value);
    }
  }

  #checkOnce(object: Literal, name: string, value: Literal): void {
    if (object.Children.find(({ Name }) => Name === name)?.Value === value) return;
    throw this.#fail(`There can be only one input field named "${name}".`, value);
  }

  #inputObject(value: Literal, definition: Definition): void {
    if (value.Kind !== LITERAL.object)
      throw this.#fail(`Expected value of type "${definition.Name}", found ${literalText(value)}.`, value);
    for (const { Name, Value } of value.Children) {
      this.#checkOnce(value, Name, Value);
      const field = definition.Fields.find((candidate) => candidate.Name === Name);
      if (field === undefined) throw this.#fail(`Field "${Name}" is not defined by type "${definition.Name}".`, Value);
      this.#literal(Value, field.Type, field.DefaultValue !== undefined);
    }
    for (const { Name, Type, DefaultValue } of definition.Fields) {
      if (Type.NonNull && DefaultValue === undefined && !value.Children.some((child) => child.Name === Name)) {
        throw this.#fail(
          `Field "${definition.Name}.${Name}" of required type "${typeText(Type)}" was not provided.`,
          value,
        );
      }
    }
  }

  #variable(value: Literal, type: TypeReference, hasDefault: boolean): void {
    const definition = this.#variables.get(value.Raw);
    if (definition === undefined) throw this.#fail(`Variable "$${value.Raw}" is not defined.`, value);
    this.#usedVariables.add(value.Raw);
    const filled =
      (definition.DefaultValue !== undefined && definition.DefaultValue.Kind !== LITERAL.null) || hasDefault;
    const actual = filled ? { ...definition.Type, NonNull: true } : definition.Type;
    if (!isSubtype(actual, type)) {
      const [is, wanted] = [typeText(definition.Type), typeText(type)];
      throw this.#fail(`Variable "$${value.Raw}" of type "${is}" used in position expecting type "${wanted}".`, value);
    }
  }

  #wrongScalar(definition: Definition, value: Literal, type: TypeReference): BuiltinError {
    if (value.Kind === LITERAL.object || value.Kind === LITERAL.list) return this.#wrongType(value, type);
    const text = literalText(value);
    const isTooLong = definition.Name === 'Int' && value.Kind === LITERAL.int;
    const said = isTooLong
      ? 'Int cannot represent non 32-bit signed integer value'
      : SCALAR_COMPLAINTS.get(definition.Name);
    return said === undefined ? this.#wrongType(value, type) : this.#fail(`${said}: ${text}\n`, value);
  }

  #wrongType(value: Literal, type: TypeReference): BuiltinError {
    return this.#fail(`Expected value of type "${typeText(type)}", found ${literalText(value)}.`, value);
  }

  #fail(message: string, node: object): BuiltinError {
    return new BuiltinError(`${message.replace(/\.$/, '')} in GraphQL string at ${this.#locationOf(node)}`);
  }
}

function spreadsOf(selections: readonly Selection[]): readonly string[] {
  return selections.flatMap(({ Alias, Name, SelectionSet }) => [
    ...(Alias === undefined && Name !== undefined ? [Name] : []),
    ...spreadsOf(SelectionSet),
  ]);
}

/** Whether a value of type `actual` may stand where `wanted` is expected. */
function isSubtype(actual: TypeReference, wanted: TypeReference): boolean {
  if (wanted.NonNull && !actual.NonNull) return false;
  if (wanted.Elem !== undefined) return actual.Elem !== undefined && isSubtype(actual.Elem, wanted.Elem);
  return actual.Elem === undefined && actual.NamedType === wanted.NamedType;
}

function acceptsLiteral(definition: Definition, value: Literal): boolean {
  if (definition.Kind === 'ENUM') {
    return value.Kind === LITERAL.enum && definition.EnumValues.some(({ Name }) => Name === value.Raw);
  }
  return SCALAR_LITERALS.get(definition.Name)?.includes(value.Kind) === true && isReadable(value);
}

function isCustom({ Kind, Name }: Definition): boolean {
  return Kind === 'SCALAR' && !SCALAR_LITERALS.has(Name);
}

/** OPA reads integers of 64 bits, also where the specification says 32. */
function isReadable({ Kind, Raw }: Literal): boolean {
  if (Kind === LITERAL.int) return BigInt.asIntN(64, BigInt(Raw)) === BigInt(Raw);
  return Kind !== LITERAL.float || Number.isFinite(Number(Raw));
}

const SCALAR_COMPLAINTS: ReadonlyMap<string, string> = new Map([
  ['Int', 'Int cannot represent non-integer value'],
  ['Float', 'Float cannot represent non numeric value'],
  ['String', 'String cannot represent a non string value'],
  ['Boolean', 'Boolean cannot represent a non boolean value'],
  ['ID', 'ID cannot represent a non-string and non-integer value'],
]);

const TEXT: readonly number[] = [LITERAL.string, LITERAL.block];
const SCALAR_LITERALS: ReadonlyMap<string, readonly number[]> = new Map([
  ['Int', [LITERAL.int]],
  ['Float', [LITERAL.int, LITERAL.float]],
  ['String', TEXT],
  ['Boolean', [LITERAL.boolean]],
  ['ID', [LITERAL.int, ...TEXT]],
]);

function literalText(value: Literal): string {
  switch (value.Kind) {
    case LITERAL.variable:
      return `$${value.Raw}`;
    case LITERAL.string:
    case LITERAL.block:
      return JSON.stringify(value.Raw);
    case LITERAL.list:
      return `[${value.Children.map((child) => literalText(child.Value)).join(',')}]`;
    case LITERAL.object:
      return `{${value.Children.map((child) => `${child.Name}:${literalText(child.Value)}`).join(',')}}`;
    default:
      return value.Raw;
  }
}
