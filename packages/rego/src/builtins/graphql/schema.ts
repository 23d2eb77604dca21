/** Builds a schema from its document and checks it, as OPA's validator does (October 2021, section 3). */
import { BuiltinError } from '../builtin.ts';
import type {
  ArgumentDefinition,
  Definition,
  Directive,
  DirectiveDefinition,
  EnumValueDefinition,
  FieldDefinition,
  SchemaDocument,
  TypeReference,
} from './document.ts';
import { parseSchema } from './parse-schema.ts';
import { PRELUDE } from './prelude.ts';

export interface Schema {
  readonly types: ReadonlyMap<string, Definition>;
  readonly directives: ReadonlyMap<string, DirectiveDefinition>;
  /** The root types, by operation. */
  readonly roots: ReadonlyMap<string, Definition>;
}

/** @throws BuiltinError for the first thing that is wrong */
export function buildSchema(document: SchemaDocument): Schema {
  const { document: prelude } = parseSchema(PRELUDE);
  const builtIn = prelude.Definitions.map((definition) => ({ ...definition, BuiltIn: true }));
  const types = mergeTypes([...builtIn, ...document.Definitions], document.Extensions);
  const directives = new Map<string, DirectiveDefinition>();
  for (const directive of prelude.Directives) directives.set(directive.Name, directive);
  for (const directive of document.Directives) {
    // Redefining one of the standard directives is tolerated.
    if (document.Directives.find(({ Name }) => Name === directive.Name) !== directive) {
      throw invalid(`Cannot redeclare directive ${directive.Name}.`);
    }
    directives.set(directive.Name, directive);
  }
  const schema = { types, directives, roots: rootTypes(document, types) };
  for (const name of [...types.keys()].toSorted()) checkDefinition(schema, types.get(name) as Definition);
  for (const directive of directives.values()) checkDirectiveDefinition(schema, directive);
  return schema;
}

export function invalid(message: string): BuiltinError {
  return new BuiltinError(message);
}

export function namedType(type: TypeReference): string {
  let inner = type;
  while (inner.Elem !== undefined) inner = inner.Elem;
  return inner.NamedType;
}

/** `[Int!]!`. */
export function typeText({ NamedType, Elem, NonNull }: TypeReference): string {
  return `${Elem === undefined ? NamedType : `[${typeText(Elem)}]`}${NonNull ? '!' : ''}`;
}

function mergeTypes(definitions: readonly Definition[], extensions: readonly Definition[]): Map<string, Definition> {
  const types = new Map<string, Definition>();
  for (const definition of definitions) {
    if (types.has(definition.Name)) throw invalid(`Cannot redeclare type ${definition.Name}.`);
    types.set(definition.Name, definition);
  }
  for (const extension of extensions) {
    const base = types.get(extension.Name);
    if (base === undefined) {
      types.set(extension.Name, extension);
      continue;
    }
    if (base.Kind !== extension.Kind) {
      throw invalid(
        `Cannot extend type ${extension.Name} because the base type is a ${base.Kind}, not ${extension.Kind}.`,
      );
    }
    types.set(extension.Name, {
      ...base,
      Directives: [...base.Directives, ...extension.Directives],
      Interfaces: [...base.Interfaces, ...extension.Interfaces],
      Fields: [...base.Fields, ...extension.Fields],
      Types: [...base.Types, ...extension.Types],
      EnumValues: [...base.EnumValues, ...extension.EnumValues],
    });
  }
  return types;
}

function rootTypes(document: SchemaDocument, types: ReadonlyMap<string, Definition>): ReadonlyMap<string, Definition> {
  if (document.Schema.length > 1) {
    throw invalid('Cannot have multiple schema entry points, consider schema extensions instead.');
  }
  const roots = new Map<string, Definition>();
  for (const { Operation, Type } of [...document.Schema, ...document.SchemaExtension].flatMap(
    (one) => one.OperationTypes,
  )) {
    const type = types.get(Type);
    if (type === undefined) throw invalid(`Schema root ${Operation} refers to a type ${Type} that does not exist.`);
    if (roots.has(Operation)) throw invalid(`There can be only one ${Operation} type in schema.`);
    roots.set(Operation, type);
  }
  if (document.Schema.length > 0) return roots;
  for (const [operation, name] of [
    ['query', 'Query'],
    ['mutation', 'Mutation'],
    ['subscription', 'Subscription'],
  ] as const) {
    const type = types.get(name);
    if (type !== undefined && !roots.has(operation)) roots.set(operation, type);
  }
  return roots;
}

const OUTPUT = ['SCALAR', 'OBJECT', 'INTERFACE', 'UNION', 'ENUM'];
const INPUT = ['SCALAR', 'ENUM', 'INPUT_OBJECT'];

function checkDefinition(schema: Schema, definition: Definition): void {
  const { Kind, Name, Fields } = definition;
  for (const field of Fields) {
    if (!definition.BuiltIn) checkName(field.Name);
    checkType(schema, field.Type);
    checkArguments(schema, field.Arguments, `${Name}.${field.Name}`);
    checkDirectives(schema, field.Directives, Kind === 'INPUT_OBJECT' ? 'INPUT_FIELD_DEFINITION' : 'FIELD_DEFINITION');
  }
  for (const name of definition.Types) {
    const { Kind: kind } = known(schema, name);
    if (kind !== 'OBJECT') throw invalid(`${Kind} type "${name}" must be OBJECT.`);
  }
  const member = repeated(definition.Types);
  if (member !== undefined) throw invalid(`Union type ${Name} can only include type ${member} once.`);
  const implemented = repeated(definition.Interfaces);
  if (implemented !== undefined) throw invalid(`Type ${Name} can only implement ${implemented} once.`);
  for (const name of definition.Interfaces) checkImplements(schema, definition, name);
  checkMembers(schema, definition);
  const field = repeated(Fields.map(({ Name: name }) => name));
  if (field !== undefined) throw invalid(`Field ${Name}.${field} can only be defined once.`);
  if (!definition.BuiltIn) checkName(Name);
  checkDirectives(schema, definition.Directives, Kind);
}

function checkMembers(schema: Schema, definition: Definition): void {
  const { Kind, Name, Fields, EnumValues } = definition;
  switch (Kind) {
    case 'OBJECT':
    case 'INTERFACE':
      if (Fields.length === 0) throw invalid(`${Kind} ${Name}: must define one or more fields.`);
      checkFieldKinds(schema, Fields, OUTPUT, `${Kind} ${Name}`);
      return;
    case 'ENUM':
      if (EnumValues.length === 0) throw invalid(`${Kind} ${Name}: must define one or more unique enum values.`);
      checkEnumValues(schema, Name, EnumValues);
      return;
    case 'INPUT_OBJECT':
      if (Fields.length === 0) throw invalid(`${Kind} ${Name}: must define one or more input fields.`);
      checkFieldKinds(schema, Fields, INPUT, `${Kind} ${Name}`);
      checkEnds(schema, definition);
      return;
    default:
      return;
  }
}

function repeated(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return names.find((name) => seen.size === seen.add(name).size);
}

function checkEnumValues(schema: Schema, owner: string, values: readonly EnumValueDefinition[]): void {
  for (const { Name, Directives } of values) {
    if (['true', 'false', 'null'].includes(Name)) throw invalid(`ENUM ${owner}: non-enum value ${Name}.`);
    checkName(Name);
    checkDirectives(schema, Directives, 'ENUM_VALUE');
  }
  const twice = repeated(values.map(({ Name }) => Name));
  if (twice !== undefined) throw invalid(`Enum value ${owner}.${twice} can only be defined once.`);
}

/** An input object that needs another of its kind could never be written down. */
function checkEnds(schema: Schema, start: Definition): void {
  const entered = new Set<string>();
  const waiting: { readonly type: Definition; readonly path: readonly string[] }[] = [{ type: start, path: [] }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const { Name, Type } of next.type.Fields) {
      const inner = Type.NonNull && Type.Elem === undefined ? schema.types.get(Type.NamedType) : undefined;
      if (inner?.Kind !== 'INPUT_OBJECT') continue;
      const path = [...next.path, Name];
      if (inner === start) {
        throw invalid(
          `Cannot reference Input Object "${start.Name}" within itself through a series of non-null fields: "${path.join('.')}".`,
        );
      }
      if (entered.has(inner.Name)) continue;
      entered.add(inner.Name);
      waiting.push({ type: inner, path });
    }
  }
}

function checkFieldKinds(
  schema: Schema,
  fields: readonly FieldDefinition[],
  kinds: readonly string[],
  owner: string,
): void {
  for (const { Type } of fields) {
    if (!kinds.includes(known(schema, namedType(Type)).Kind))
      throw invalid(`${owner}: field must be one of ${kinds.join(', ')}.`);
  }
}

function known(schema: Schema, name: string): Definition {
  const type = schema.types.get(name);
  if (type === undefined) throw invalid(`Undefined type ${name}.`);
  return type;
}

function checkType(schema: Schema, type: TypeReference): void {
  known(schema, namedType(type));
}

function checkName(name: string): void {
  if (name.startsWith('__')) {
    throw invalid(`Name "${name}" must not begin with "__", which is reserved by GraphQL introspection.`);
  }
}

function checkArguments(schema: Schema, argumentsOf: readonly ArgumentDefinition[], owner: string): void {
  const twice = repeated(argumentsOf.map(({ Name }) => Name));
  if (twice !== undefined) throw invalid(`Argument ${owner}(${twice}:) can only be defined once.`);
  for (const argument of argumentsOf) {
    checkName(argument.Name);
    checkType(schema, argument.Type);
    if (!INPUT.includes(known(schema, namedType(argument.Type)).Kind)) {
      throw invalid(
        `cannot use ${namedType(argument.Type)} as argument ${argument.Name} because ${kindOf(schema, argument)} is not a valid input type`,
      );
    }
    checkDirectives(schema, argument.Directives, 'ARGUMENT_DEFINITION');
  }
}

function kindOf(schema: Schema, { Type }: ArgumentDefinition): string {
  return known(schema, namedType(Type)).Kind;
}

function checkDirectives(schema: Schema, directives: readonly Directive[], location: string): void {
  for (const directive of directives) {
    checkName(directive.Name);
    const definition = schema.directives.get(directive.Name);
    if (definition === undefined) throw invalid(`Undefined directive ${directive.Name}.`);
    if (!definition.Locations.includes(location))
      throw invalid(`Directive ${directive.Name} is not applicable on ${location}.`);
    const unknown = directive.Arguments.find(
      ({ Name }) => !definition.Arguments.some((argument) => argument.Name === Name),
    );
    if (unknown !== undefined) throw invalid(`Undefined argument ${unknown.Name} for directive ${directive.Name}.`);
    for (const { Name, Type, DefaultValue } of definition.Arguments) {
      const given = directive.Arguments.find((argument) => argument.Name === Name);
      if (Type.NonNull && DefaultValue === undefined && (given === undefined || given.Value.Raw === 'null')) {
        throw invalid(`Argument ${Name} for directive ${directive.Name} cannot be null.`);
      }
    }
  }
}

function checkDirectiveDefinition(schema: Schema, directive: DirectiveDefinition): void {
  checkName(directive.Name);
  checkArguments(schema, directive.Arguments, `@${directive.Name}`);
}

function checkImplements(schema: Schema, definition: Definition, name: string): void {
  const wanted = known(schema, name);
  if (wanted.Kind !== 'INTERFACE') throw invalid(`${name} is a non interface type ${wanted.Kind}.`);
  for (const required of wanted.Fields) {
    const must = `For ${definition.Name} to implement ${name}`;
    const field = definition.Fields.find(({ Name }) => Name === required.Name);
    if (field === undefined) throw invalid(`${must} it must have a field called ${required.Name}.`);
    if (!isCovariant(schema, required.Type, field.Type)) {
      throw invalid(`${must} the field ${required.Name} must have type ${typeText(required.Type)}.`);
    }
    checkImplementedArguments(required, field, must);
  }
  for (const indirect of wanted.Interfaces) {
    if (!definition.Interfaces.includes(indirect)) {
      throw invalid(`Type ${definition.Name} must implement ${indirect} because it is implemented by ${name}.`);
    }
  }
}

function checkImplementedArguments(required: FieldDefinition, field: FieldDefinition, must: string): void {
  for (const argument of required.Arguments) {
    const own = field.Arguments.find(({ Name }) => Name === argument.Name);
    if (own === undefined) {
      throw invalid(
        `${must} the field ${required.Name} must have the same arguments but it is missing ${argument.Name}.`,
      );
    }
    if (typeText(own.Type) !== typeText(argument.Type)) {
      throw invalid(
        `${must} the field ${required.Name} must have the same arguments but ${argument.Name} has the wrong type.`,
      );
    }
  }
  for (const { Name, Type, DefaultValue } of field.Arguments) {
    if (Type.NonNull && DefaultValue === undefined && !required.Arguments.some((argument) => argument.Name === Name)) {
      throw invalid(
        `${must} any additional arguments on ${required.Name} must be optional or have a default value but ${Name} is required.`,
      );
    }
  }
}

function isCovariant(schema: Schema, required: TypeReference, actual: TypeReference): boolean {
  if (required.NonNull && !actual.NonNull) return false;
  if (required.Elem !== undefined) return actual.Elem !== undefined && isCovariant(schema, required.Elem, actual.Elem);
  if (actual.Elem !== undefined) return false;
  return required.NamedType === actual.NamedType || possibleTypes(schema, required.NamedType).has(actual.NamedType);
}

/** The object types that a value of this type may have, and for an interface also those that refine it. */
export function possibleTypes(schema: Schema, name: string): ReadonlySet<string> {
  const type = schema.types.get(name);
  if (type?.Kind === 'UNION') return new Set(type.Types);
  if (type?.Kind !== 'INTERFACE') return new Set([name]);
  return new Set(
    [...schema.types.values()].filter(({ Interfaces }) => Interfaces.includes(name)).map(({ Name }) => Name),
  );
}
