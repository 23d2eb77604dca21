/** GraphQL schemas (October 2021, section 3), with the error texts of OPA's parser. */
import { Cursor } from './cursor.ts';
import type {
  ArgumentDefinition,
  Definition,
  DirectiveDefinition,
  EnumValueDefinition,
  FieldDefinition,
  SchemaDefinition,
  SchemaDocument,
} from './document.ts';
import { readDescription, readDirectives, readLiteral, readType } from './parse-values.ts';
import type { Parsed } from './parsed.ts';

const DEFINITIONS: ReadonlyMap<string, string> = new Map([
  ['scalar', 'SCALAR'],
  ['type', 'OBJECT'],
  ['interface', 'INTERFACE'],
  ['union', 'UNION'],
  ['enum', 'ENUM'],
  ['input', 'INPUT_OBJECT'],
]);
const LOCATIONS: ReadonlySet<string> = new Set([
  'QUERY',
  'MUTATION',
  'SUBSCRIPTION',
  'FIELD',
  'FRAGMENT_DEFINITION',
  'FRAGMENT_SPREAD',
  'INLINE_FRAGMENT',
  'VARIABLE_DEFINITION',
  'SCHEMA',
  'SCALAR',
  'OBJECT',
  'FIELD_DEFINITION',
  'ARGUMENT_DEFINITION',
  'INTERFACE',
  'UNION',
  'ENUM',
  'ENUM_VALUE',
  'INPUT_OBJECT',
  'INPUT_FIELD_DEFINITION',
]);

/** @throws BuiltinError */
export function parseSchema(text: string): Parsed<SchemaDocument> {
  const cursor = new Cursor(text);
  const document = {
    Schema: [] as SchemaDefinition[],
    SchemaExtension: [] as SchemaDefinition[],
    Directives: [] as DirectiveDefinition[],
    Definitions: [] as Definition[],
    Extensions: [] as Definition[],
  };
  while (cursor.token.kind !== '<EOF>') {
    const written = readDescription(cursor);
    const description = written ?? '';
    if (cursor.token.kind !== 'Name') throw cursor.unexpected();
    const { value } = cursor.token;
    if (DEFINITIONS.has(value)) document.Definitions.push(readDefinition(cursor, description));
    else if (value === 'schema') document.Schema.push(readSchemaDefinition(cursor, description));
    else if (value === 'directive') document.Directives.push(readDirectiveDefinition(cursor, description));
    else if (value === 'extend') {
      if (written !== undefined) throw cursor.unexpected(cursor.previous);
      cursor.advance();
      if (cursor.is('Name', 'schema')) document.SchemaExtension.push(readSchemaExtension(cursor));
      else document.Extensions.push(readExtension(cursor));
    } else throw cursor.unexpected();
  }
  return { document, locationOf: (node) => cursor.locationOf(node) };
}

function readSchemaDefinition(cursor: Cursor, Description: string): SchemaDefinition {
  return cursor.at(() => {
    cursor.word('schema');
    const Directives = readDirectives(cursor, true);
    const OperationTypes = cursor.some('{', '}', () => {
      const token = cursor.advance();
      if (!['query', 'mutation', 'subscription'].includes(token.value)) throw cursor.unexpected(token);
      cursor.expect(':');
      return { Operation: token.value, Type: cursor.name() };
    });
    return { Description, Directives, OperationTypes };
  });
}

function readSchemaExtension(cursor: Cursor): SchemaDefinition {
  const extension = readSchemaDefinition(cursor, '');
  if (extension.Directives.length + extension.OperationTypes.length === 0) throw cursor.unexpected();
  return extension;
}

function readDefinition(cursor: Cursor, Description: string): Definition {
  return cursor.at(() => {
    const Kind = DEFINITIONS.get(cursor.advance().value) ?? '';
    const Name = cursor.name();
    const Interfaces = Kind === 'OBJECT' || Kind === 'INTERFACE' ? readInterfaces(cursor) : [];
    const Directives = readDirectives(cursor, true);
    const Types = Kind === 'UNION' ? readUnionTypes(cursor) : [];
    const EnumValues = Kind === 'ENUM' ? cursor.some('{', '}', () => readEnumValue(cursor)) : [];
    const Fields = readFields(cursor, Kind);
    return { Kind, Description, Name, Directives, Interfaces, Fields, Types, EnumValues, BuiltIn: false };
  });
}

function readExtension(cursor: Cursor): Definition {
  if (!DEFINITIONS.has(cursor.token.value) || cursor.token.kind !== 'Name') throw cursor.unexpected();
  const extension = readDefinition(cursor, '');
  const { Directives, Interfaces, Fields, Types, EnumValues } = extension;
  const parts = [Directives, Interfaces, Fields, Types, EnumValues];
  if (parts.every(({ length }) => length === 0)) throw cursor.unexpected();
  return extension;
}

function readInterfaces(cursor: Cursor): readonly string[] {
  if (!cursor.skipWord('implements')) return [];
  cursor.skip('&');
  return cursor.separated('&', () => cursor.name());
}

function readUnionTypes(cursor: Cursor): readonly string[] {
  if (!cursor.skip('=')) return [];
  cursor.skip('|');
  return cursor.separated('|', () => cursor.name());
}

function readFields(cursor: Cursor, kind: string): readonly FieldDefinition[] {
  switch (kind) {
    case 'OBJECT':
    case 'INTERFACE':
      return cursor.some('{', '}', () => readFieldDefinition(cursor));
    case 'INPUT_OBJECT':
      return cursor.some('{', '}', () => ({ ...readArgumentDefinition(cursor), Arguments: [] }));
    default:
      return [];
  }
}

function readFieldDefinition(cursor: Cursor): FieldDefinition {
  return cursor.at(() => {
    const Description = readDescription(cursor) ?? '';
    const Name = cursor.name();
    const Arguments = cursor.some('(', ')', () => readArgumentDefinition(cursor));
    cursor.expect(':');
    const Type = readType(cursor);
    return { Description, Name, Arguments, DefaultValue: undefined, Type, Directives: readDirectives(cursor, true) };
  });
}

function readArgumentDefinition(cursor: Cursor): ArgumentDefinition {
  return cursor.at(() => {
    const Description = readDescription(cursor) ?? '';
    const Name = cursor.name();
    cursor.expect(':');
    const Type = readType(cursor);
    const DefaultValue = cursor.skip('=') ? readLiteral(cursor, true) : undefined;
    return { Description, Name, DefaultValue, Type, Directives: readDirectives(cursor, true) };
  });
}

function readEnumValue(cursor: Cursor): EnumValueDefinition {
  return cursor.at(() => ({
    Description: readDescription(cursor) ?? '',
    Name: cursor.name(),
    Directives: readDirectives(cursor, true),
  }));
}

function readDirectiveDefinition(cursor: Cursor, Description: string): DirectiveDefinition {
  return cursor.at(() => {
    cursor.word('directive');
    cursor.expect('@');
    const Name = cursor.name();
    const Arguments = cursor.some('(', ')', () => readArgumentDefinition(cursor));
    const IsRepeatable = cursor.skipWord('repeatable');
    cursor.word('on');
    cursor.skip('|');
    const Locations = cursor.separated('|', () => {
      const token = cursor.expect('Name');
      if (!LOCATIONS.has(token.value)) throw cursor.unexpected(token);
      return token.value;
    });
    return { Description, Name, Arguments, Locations, IsRepeatable };
  });
}
