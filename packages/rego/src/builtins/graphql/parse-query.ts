/** GraphQL queries (October 2021, section 2), with the error texts of OPA's parser. */
import { Cursor } from './cursor.ts';
import type { Fragment, Operation, QueryDocument, Selection, VariableDefinition } from './document.ts';
import { readArguments, readDescription, readDirectives, readLiteral, readType, readVariable } from './parse-values.ts';
import type { Parsed } from './parsed.ts';

/** @throws BuiltinError */
export function parseQuery(text: string): Parsed<QueryDocument> {
  const cursor = new Cursor(text);
  const Operations: Operation[] = [];
  const Fragments: Fragment[] = [];
  while (cursor.token.kind !== '<EOF>') {
    const description = readDescription(cursor);
    if (cursor.is('Name', 'fragment')) Fragments.push(readFragment(cursor, description));
    else if (cursor.token.kind === '{') {
      if (description !== undefined) throw cursor.unexpected(cursor.previous);
      Operations.push(readBareOperation(cursor));
    } else if (['query', 'mutation', 'subscription'].includes(cursor.token.value)) {
      Operations.push(readOperation(cursor, description));
    } else throw cursor.unexpected();
  }
  return { document: { Operations, Fragments }, locationOf: (node) => cursor.locationOf(node) };
}

function readBareOperation(cursor: Cursor): Operation {
  return cursor.at(() => ({
    Description: undefined,
    Operation: 'query',
    Name: '',
    VariableDefinitions: [],
    Directives: [],
    SelectionSet: readSelections(cursor),
  }));
}

function readOperation(cursor: Cursor, Description: string | undefined): Operation {
  return cursor.at(() => ({
    Description,
    Operation: cursor.advance().value,
    Name: cursor.token.kind === 'Name' ? cursor.name() : '',
    VariableDefinitions: cursor.some('(', ')', () => readVariableDefinition(cursor)),
    Directives: readDirectives(cursor, false),
    SelectionSet: readSelections(cursor),
  }));
}

function readVariableDefinition(cursor: Cursor): VariableDefinition {
  const Description = readDescription(cursor);
  return cursor.at(() => {
    const Variable = readVariable(cursor);
    cursor.expect(':');
    const Type = readType(cursor);
    const DefaultValue = cursor.skip('=') ? readLiteral(cursor, true) : undefined;
    return { Description, Variable, Type, DefaultValue, Directives: readDirectives(cursor, false), Used: false };
  });
}

function readSelections(cursor: Cursor): readonly Selection[] {
  if (cursor.token.kind !== '{') throw cursor.fail(cursor.token, `Expected {, found ${cursor.token.kind}`);
  return cursor.some('{', '}', () => (cursor.token.kind === '...' ? readSpread(cursor) : readField(cursor)));
}

function readField(cursor: Cursor): Selection {
  return cursor.at(() => {
    const Alias = cursor.name();
    const Name = cursor.skip(':') ? cursor.name() : Alias;
    const Arguments = readArguments(cursor, false);
    const Directives = readDirectives(cursor, false);
    const SelectionSet = cursor.token.kind === '{' ? readSelections(cursor) : [];
    return { Alias, Name, TypeCondition: undefined, Arguments, Directives, SelectionSet };
  });
}

function readSpread(cursor: Cursor): Selection {
  return cursor.at(() => {
    cursor.expect('...');
    const shared = { Alias: undefined, Arguments: [] };
    if (cursor.token.kind === 'Name' && cursor.token.value !== 'on') {
      const Name = cursor.name();
      return { ...shared, Name, TypeCondition: undefined, Directives: readDirectives(cursor, false), SelectionSet: [] };
    }
    const TypeCondition = cursor.skipWord('on') ? cursor.name() : '';
    const Directives = readDirectives(cursor, false);
    return { ...shared, Name: undefined, TypeCondition, Directives, SelectionSet: readSelections(cursor) };
  });
}

function readFragment(cursor: Cursor, Description: string | undefined): Fragment {
  return cursor.at(() => {
    cursor.advance();
    if (cursor.token.value === 'on') throw cursor.unexpected();
    const Name = cursor.name();
    const VariableDefinition = cursor.some('(', ')', () => readVariableDefinition(cursor));
    cursor.word('on');
    const TypeCondition = cursor.name();
    const Directives = readDirectives(cursor, false);
    return { Description, Name, VariableDefinition, TypeCondition, Directives, SelectionSet: readSelections(cursor) };
  });
}
