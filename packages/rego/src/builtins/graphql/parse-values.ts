/** What queries and schemas have in common: values, arguments, directives, types. */
import type { Cursor } from './cursor.ts';
import { type Argument, type Directive, LITERAL, type Literal, type TypeReference } from './document.ts';
import type { TokenKind } from './lexer.ts';

export function readArguments(cursor: Cursor, constant: boolean): readonly Argument[] {
  return cursor.some('(', ')', () => readArgument(cursor, constant));
}

function readArgument(cursor: Cursor, constant: boolean): Argument {
  return cursor.at(() => {
    const Name = cursor.name();
    cursor.expect(':');
    return { Name, Value: readLiteral(cursor, constant) };
  });
}

export function readLiteral(cursor: Cursor, constant: boolean): Literal {
  return cursor.at(() => {
    const literal = (Kind: number, Raw: string, Children: readonly Argument[] = []): Literal => ({
      Raw,
      Kind,
      Children,
      ExpectedTypeHasDefault: false,
    });
    const { kind, value } = cursor.token;
    switch (kind) {
      case '[': {
        const items = cursor.many('[', ']', () => ({ Name: '', Value: readLiteral(cursor, constant) }));
        return literal(LITERAL.list, '', items);
      }
      case '{':
        return literal(
          LITERAL.object,
          '',
          cursor.many('{', '}', () => readArgument(cursor, constant)),
        );
      case '$':
        if (constant) throw cursor.unexpected();
        return literal(LITERAL.variable, readVariable(cursor));
      case 'Int':
      case 'Float':
      case 'String':
      case 'BlockString':
      case 'Name':
        cursor.advance();
        return literal(scalarKind(kind, value), value);
      default:
        throw cursor.unexpected();
    }
  });
}

export function readVariable(cursor: Cursor): string {
  cursor.expect('$');
  return cursor.name();
}

export function readDirectives(cursor: Cursor, constant: boolean): readonly Directive[] {
  const directives: Directive[] = [];
  while (cursor.token.kind === '@') {
    directives.push(
      cursor.at(() => {
        cursor.advance();
        return { Name: cursor.name(), Arguments: readArguments(cursor, constant), Location: '' };
      }),
    );
  }
  return directives;
}

export function readType(cursor: Cursor): TypeReference {
  return cursor.at(() => {
    const Elem = cursor.skip('[') ? readType(cursor) : undefined;
    if (Elem !== undefined) cursor.expect(']');
    const NamedType = Elem === undefined ? cursor.name() : '';
    return { NamedType, Elem, NonNull: cursor.skip('!') };
  });
}

/** Undefined when there is none. */
export function readDescription(cursor: Cursor): string | undefined {
  const isText = cursor.token.kind === 'String' || cursor.token.kind === 'BlockString';
  return isText ? cursor.advance().value : undefined;
}

function scalarKind(kind: TokenKind, value: string): number {
  switch (kind) {
    case 'Int':
      return LITERAL.int;
    case 'Float':
      return LITERAL.float;
    case 'String':
      return LITERAL.string;
    case 'BlockString':
      return LITERAL.block;
    default:
      if (value === 'true' || value === 'false') return LITERAL.boolean;
      return value === 'null' ? LITERAL.null : LITERAL.enum;
  }
}
