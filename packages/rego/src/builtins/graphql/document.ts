/**
 * GraphQL documents in the shape in which OPA shows them. Every field is present here; {@link toValue} drops
 * empty lists and absent nodes, {@link fromValue} puts them back and refuses what has another shape.
 */
import { emptyObject, isObject, objectEntries, objectGet } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';

export interface QueryDocument {
  readonly Operations: readonly Operation[];
  readonly Fragments: readonly Fragment[];
}

export interface Operation {
  /** Where one is written. */
  readonly Description: string | undefined;
  readonly Operation: string;
  readonly Name: string;
  readonly VariableDefinitions: readonly VariableDefinition[];
  readonly Directives: readonly Directive[];
  readonly SelectionSet: readonly Selection[];
}

export interface Fragment {
  /** Where one is written. */
  readonly Description: string | undefined;
  readonly Name: string;
  readonly VariableDefinition: readonly VariableDefinition[];
  readonly TypeCondition: string;
  readonly Directives: readonly Directive[];
  readonly SelectionSet: readonly Selection[];
}

export interface VariableDefinition {
  /** Where one is written. */
  readonly Description: string | undefined;
  readonly Variable: string;
  readonly Type: TypeReference;
  readonly DefaultValue: Literal | undefined;
  readonly Directives: readonly Directive[];
  readonly Used: boolean;
}

/** A field has an alias, a spread only a name, an inline fragment a type condition. */
export interface Selection {
  readonly Alias: string | undefined;
  readonly Name: string | undefined;
  readonly TypeCondition: string | undefined;
  readonly Arguments: readonly Argument[];
  readonly Directives: readonly Directive[];
  readonly SelectionSet: readonly Selection[];
}

export interface Directive {
  readonly Name: string;
  readonly Arguments: readonly Argument[];
  readonly Location: string;
}

export interface Argument {
  readonly Name: string;
  readonly Value: Literal;
}

export interface Literal {
  readonly Raw: string;
  readonly Kind: number;
  readonly Children: readonly Argument[];
  readonly ExpectedTypeHasDefault: boolean;
}

/** The numbers that OPA shows for kinds of literals. */
export const LITERAL = {
  variable: 0,
  int: 1,
  float: 2,
  string: 3,
  block: 4,
  boolean: 5,
  null: 6,
  enum: 7,
  list: 8,
  object: 9,
} as const;

export interface TypeReference {
  readonly NamedType: string;
  readonly Elem: TypeReference | undefined;
  readonly NonNull: boolean;
}

export interface SchemaDocument {
  readonly Schema: readonly SchemaDefinition[];
  readonly SchemaExtension: readonly SchemaDefinition[];
  readonly Directives: readonly DirectiveDefinition[];
  readonly Definitions: readonly Definition[];
  readonly Extensions: readonly Definition[];
}

export interface SchemaDefinition {
  readonly Description: string;
  readonly Directives: readonly Directive[];
  readonly OperationTypes: readonly { readonly Operation: string; readonly Type: string }[];
}

export interface DirectiveDefinition {
  readonly Description: string;
  readonly Name: string;
  readonly Arguments: readonly ArgumentDefinition[];
  readonly Locations: readonly string[];
  readonly IsRepeatable: boolean;
}

export interface Definition {
  readonly Kind: string;
  readonly Description: string;
  readonly Name: string;
  readonly Directives: readonly Directive[];
  readonly Interfaces: readonly string[];
  readonly Fields: readonly FieldDefinition[];
  readonly Types: readonly string[];
  readonly EnumValues: readonly EnumValueDefinition[];
  readonly BuiltIn: boolean;
}

export interface FieldDefinition {
  readonly Description: string;
  readonly Name: string;
  readonly Arguments: readonly ArgumentDefinition[];
  readonly DefaultValue: Literal | undefined;
  readonly Type: TypeReference;
  readonly Directives: readonly Directive[];
}

export interface ArgumentDefinition {
  readonly Description: string;
  readonly Name: string;
  readonly DefaultValue: Literal | undefined;
  readonly Type: TypeReference;
  readonly Directives: readonly Directive[];
}

export interface EnumValueDefinition {
  readonly Description: string;
  readonly Name: string;
  readonly Directives: readonly Directive[];
}

/** Drops absent fields and what is empty. */
export function toValue(node: object): Value {
  const result = emptyObject();
  for (const [name, field] of Object.entries(node)) {
    const value = fieldValue(field as unknown);
    if (value !== undefined) result[name] = value;
  }
  return result;
}

function fieldValue(field: unknown): Value | undefined {
  if (Array.isArray(field)) {
    const items = field.map((item) => fieldValue(item as unknown)).filter((item) => item !== undefined);
    return items.length === 0 ? undefined : items;
  }
  if (typeof field === 'object' && field !== null) {
    const value = toValue(field);
    return objectEntries(value as object as Record<string, Value>).length === 0 ? undefined : value;
  }
  return field as Value | undefined;
}

/** A scalar's type, a node's name, or a list of either; a question mark marks what may be absent. */
type Shape = 'string' | 'string?' | 'boolean' | 'number' | NodeName | `${NodeName}?` | readonly ['string' | NodeName];
type NodeName = keyof typeof NODES;

const SELECTABLE = { Arguments: ['Argument'], Directives: ['Directive'], SelectionSet: ['Selection'] } as const;
const DESCRIBED = { Description: 'string', Name: 'string', Directives: ['Directive'] } as const;
const NODES = {
  Query: { Operations: ['Operation'], Fragments: ['Fragment'] },
  Operation: {
    Description: 'string?',
    Operation: 'string',
    Name: 'string',
    VariableDefinitions: ['VariableDefinition'],
    Directives: ['Directive'],
    SelectionSet: ['Selection'],
  },
  Fragment: {
    Description: 'string?',
    Name: 'string',
    VariableDefinition: ['VariableDefinition'],
    TypeCondition: 'string',
    Directives: ['Directive'],
    SelectionSet: ['Selection'],
  },
  VariableDefinition: {
    Description: 'string?',
    Variable: 'string',
    Type: 'Type',
    DefaultValue: 'Literal?',
    Directives: ['Directive'],
    Used: 'boolean',
  },
  Selection: { Alias: 'string?', Name: 'string?', TypeCondition: 'string?', ...SELECTABLE },
  Directive: { Name: 'string', Arguments: ['Argument'], Location: 'string' },
  Argument: { Name: 'string', Value: 'Literal' },
  Literal: { Raw: 'string', Kind: 'number', Children: ['Argument'], ExpectedTypeHasDefault: 'boolean' },
  Type: { NamedType: 'string', Elem: 'Type?', NonNull: 'boolean' },
  Schema: {
    Schema: ['SchemaDefinition'],
    SchemaExtension: ['SchemaDefinition'],
    Directives: ['DirectiveDefinition'],
    Definitions: ['Definition'],
    Extensions: ['Definition'],
  },
  SchemaDefinition: { Description: 'string', Directives: ['Directive'], OperationTypes: ['OperationType'] },
  OperationType: { Operation: 'string', Type: 'string' },
  DirectiveDefinition: {
    Description: 'string',
    Name: 'string',
    Arguments: ['Field'],
    Locations: ['string'],
    IsRepeatable: 'boolean',
  },
  Definition: {
    ...DESCRIBED,
    Kind: 'string',
    Interfaces: ['string'],
    Fields: ['Field'],
    Types: ['string'],
    EnumValues: ['EnumValue'],
    BuiltIn: 'boolean',
  },
  Field: { ...DESCRIBED, Arguments: ['Field'], DefaultValue: 'Literal?', Type: 'Type' },
  EnumValue: DESCRIBED,
} as const;

export function queryFromValue(value: Value): QueryDocument {
  return fromValue(value, 'Query') as QueryDocument;
}

export function schemaFromValue(value: Value): SchemaDocument {
  return fromValue(value, 'Schema') as SchemaDocument;
}

function fromValue(value: Value, name: NodeName): unknown {
  if (!isObject(value)) throw wrongShape(name);
  const fields = Object.entries(NODES[name] as Readonly<Record<string, Shape>>);
  return Object.fromEntries(fields.map(([field, shape]) => [field, readField(objectGet(value, field), shape, field)]));
}

function readField(value: Value | undefined, shape: Shape, field: string): unknown {
  if (typeof shape !== 'string') {
    const [item] = shape;
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) throw wrongShape(field);
    return (value as readonly Value[]).map((one) => readField(one, item, field));
  }
  const optional = shape.endsWith('?');
  const kind = optional ? shape.slice(0, -1) : shape;
  if (optional && (value === undefined || value === null)) return undefined;
  if (kind === 'string') return readScalar(value, '', field);
  if (kind === 'boolean') return readScalar(value, false, field);
  if (kind === 'number') return readScalar(value, 0, field);
  return fromValue(value ?? null, kind as NodeName);
}

function readScalar(value: Value | undefined, fallback: string | boolean | number, field: string): unknown {
  if (value === undefined || value === null) return fallback;
  if (typeof value !== typeof fallback) throw wrongShape(field);
  return value;
}

function wrongShape(field: string): BuiltinError {
  return new BuiltinError(`GraphQL AST has an unexpected value for ${field}`);
}
