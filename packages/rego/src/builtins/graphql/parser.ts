/** GraphQL queries and schemas (October 2021), with the error texts of OPA's parser. */
import { BuiltinError } from '../builtin.ts';
import { quote } from '../text.ts';
import {
  type Argument,
  type ArgumentDefinition,
  type Definition,
  type Directive,
  type DirectiveDefinition,
  type EnumValueDefinition,
  type FieldDefinition,
  type Fragment,
  LITERAL,
  type Literal,
  type Operation,
  type QueryDocument,
  type SchemaDefinition,
  type SchemaDocument,
  type Selection,
  type TypeReference,
  type VariableDefinition,
} from './document.ts';
import { Lexer, locate, type Token, type TokenKind, tokenText } from './lexer.ts';

export interface Parsed<T> {
  readonly document: T;
  /** Where a node of the document begins, as messages say it: `location 4:5`. */
  readonly locationOf: (node: object) => string;
}

const MAX_DEPTH = 200;
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

export function parseQuery(text: string): Parsed<QueryDocument> {
  const parser = new Parser(text);
  return { document: parser.query(), locationOf: (node) => parser.locationOf(node) };
}

export function parseSchema(text: string): Parsed<SchemaDocument> {
  const parser = new Parser(text);
  return { document: parser.schema(), locationOf: (node) => parser.locationOf(node) };
}

class Parser {
  readonly #offsets = new WeakMap<object, number>();
  readonly #text: string;
  readonly #lexer: Lexer;
  #token: Token;
  #previous: Token;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#lexer = new Lexer(text);
    this.#token = this.#lexer.next();
    this.#previous = this.#token;
  }

  locationOf(node: object): string {
    return location(this.#text, this.#offsets.get(node) ?? 0);
  }

  query(): QueryDocument {
    const Operations: Operation[] = [];
    const Fragments: Fragment[] = [];
    while (this.#token.kind !== '<EOF>') {
      if (this.#is('Name', 'fragment')) Fragments.push(this.#fragment());
      else if (this.#token.kind === '{' || ['query', 'mutation', 'subscription'].includes(this.#token.value)) {
        Operations.push(this.#operation());
      } else throw this.#unexpected();
    }
    return { Operations, Fragments };
  }

  schema(): SchemaDocument {
    const document = {
      Schema: [] as SchemaDefinition[],
      SchemaExtension: [] as SchemaDefinition[],
      Directives: [] as DirectiveDefinition[],
      Definitions: [] as Definition[],
      Extensions: [] as Definition[],
    };
    while (this.#token.kind !== '<EOF>') {
      const description = this.#description();
      if (this.#token.kind !== 'Name') throw this.#unexpected();
      const { value } = this.#token;
      if (DEFINITIONS.has(value)) document.Definitions.push(this.#definition(description));
      else if (value === 'schema') document.Schema.push(this.#schemaDefinition(description));
      else if (value === 'directive') document.Directives.push(this.#directiveDefinition(description));
      else if (value === 'extend') {
        if (description !== '') throw this.#unexpected(this.#previous);
        this.#advance();
        if (this.#is('Name', 'schema')) document.SchemaExtension.push(this.#schemaExtension());
        else document.Extensions.push(this.#extension());
      } else throw this.#unexpected();
    }
    return document;
  }

  #operation(): Operation {
    return this.#at(() => {
      const bare = this.#token.kind === '{';
      const type = bare ? 'query' : this.#advance().value;
      const Name = !bare && this.#token.kind === 'Name' ? this.#name() : '';
      const VariableDefinitions = bare ? [] : this.#many('(', ')', () => this.#variableDefinition());
      const Directives = bare ? [] : this.#directives(false);
      return { Operation: type, Name, VariableDefinitions, Directives, SelectionSet: this.#selections() };
    });
  }

  #variableDefinition(): VariableDefinition {
    return this.#at(() => {
      const Variable = this.#variable();
      this.#expect(':');
      const Type = this.#type();
      const DefaultValue = this.#skip('=') ? this.#literal(true) : undefined;
      return { Variable, Type, DefaultValue, Directives: this.#directives(false), Used: false };
    });
  }

  #selections(): readonly Selection[] {
    if (this.#token.kind !== '{') throw this.#fail(this.#token, `Expected {, found ${this.#token.kind}`);
    return this.#some('{', '}', () => (this.#token.kind === '...' ? this.#spread() : this.#field()));
  }

  #field(): Selection {
    return this.#at(() => {
      const Alias = this.#name();
      const Name = this.#skip(':') ? this.#name() : Alias;
      const Arguments = this.#arguments(false);
      const Directives = this.#directives(false);
      const SelectionSet = this.#token.kind === '{' ? this.#selections() : [];
      return { Alias, Name, TypeCondition: undefined, Arguments, Directives, SelectionSet };
    });
  }

  #spread(): Selection {
    return this.#at(() => {
      this.#expect('...');
      const shared = { Alias: undefined, Arguments: [] };
      if (this.#token.kind === 'Name' && this.#token.value !== 'on') {
        const Name = this.#name();
        return { ...shared, Name, TypeCondition: undefined, Directives: this.#directives(false), SelectionSet: [] };
      }
      const TypeCondition = this.#skipWord('on') ? this.#name() : '';
      const Directives = this.#directives(false);
      return { ...shared, Name: undefined, TypeCondition, Directives, SelectionSet: this.#selections() };
    });
  }

  #fragment(): Fragment {
    return this.#at(() => {
      this.#advance();
      if (this.#token.value === 'on') throw this.#unexpected();
      const Name = this.#name();
      const VariableDefinition = this.#many('(', ')', () => this.#variableDefinition());
      this.#word('on');
      const TypeCondition = this.#name();
      const Directives = this.#directives(false);
      return { Name, VariableDefinition, TypeCondition, Directives, SelectionSet: this.#selections() };
    });
  }

  #arguments(constant: boolean): readonly Argument[] {
    return this.#many('(', ')', () => this.#argument(constant));
  }

  #argument(constant: boolean): Argument {
    return this.#at(() => {
      const Name = this.#name();
      this.#expect(':');
      return { Name, Value: this.#literal(constant) };
    });
  }

  #literal(constant: boolean): Literal {
    return this.#at(() => {
      const literal = (Kind: number, Raw: string, Children: readonly Argument[] = []): Literal => ({
        Raw,
        Kind,
        Children,
        ExpectedTypeHasDefault: false,
      });
      const { kind, value } = this.#token;
      switch (kind) {
        case '[': {
          const items = this.#many('[', ']', () => ({ Name: '', Value: this.#literal(constant) }));
          return literal(LITERAL.list, '', items);
        }
        case '{':
          return literal(
            LITERAL.object,
            '',
            this.#many('{', '}', () => this.#argument(constant)),
          );
        case '$':
          if (constant) throw this.#unexpected();
          return literal(LITERAL.variable, this.#variable());
        case 'Int':
        case 'Float':
        case 'String':
        case 'BlockString':
        case 'Name':
          this.#advance();
          return literal(scalarKind(kind, value), value);
        default:
          throw this.#unexpected();
      }
    });
  }

  #variable(): string {
    this.#expect('$');
    return this.#name();
  }

  #directives(constant: boolean): readonly Directive[] {
    const directives: Directive[] = [];
    while (this.#token.kind === '@') {
      directives.push(
        this.#at(() => {
          this.#advance();
          return { Name: this.#name(), Arguments: this.#arguments(constant), Location: '' };
        }),
      );
    }
    return directives;
  }

  #type(): TypeReference {
    return this.#at(() => {
      const Elem = this.#skip('[') ? this.#type() : undefined;
      if (Elem !== undefined) this.#expect(']');
      const NamedType = Elem === undefined ? this.#name() : '';
      return { NamedType, Elem, NonNull: this.#skip('!') };
    });
  }

  #description(): string {
    return this.#token.kind === 'String' || this.#token.kind === 'BlockString' ? this.#advance().value : '';
  }

  #schemaDefinition(Description: string): SchemaDefinition {
    return this.#at(() => {
      this.#word('schema');
      const Directives = this.#directives(true);
      const OperationTypes = this.#some('{', '}', () => {
        const token = this.#advance();
        if (!['query', 'mutation', 'subscription'].includes(token.value)) throw this.#unexpected(token);
        this.#expect(':');
        return { Operation: token.value, Type: this.#name() };
      });
      return { Description, Directives, OperationTypes };
    });
  }

  #schemaExtension(): SchemaDefinition {
    const extension = this.#schemaDefinition('');
    if (extension.Directives.length + extension.OperationTypes.length === 0) throw this.#unexpected();
    return extension;
  }

  #definition(Description: string): Definition {
    return this.#at(() => {
      const Kind = DEFINITIONS.get(this.#advance().value) ?? '';
      const Name = this.#name();
      const Interfaces = Kind === 'OBJECT' || Kind === 'INTERFACE' ? this.#interfaces() : [];
      const Directives = this.#directives(true);
      const Types = Kind === 'UNION' ? this.#unionTypes() : [];
      const EnumValues = Kind === 'ENUM' ? this.#some('{', '}', () => this.#enumValue()) : [];
      const Fields = this.#fields(Kind);
      return { Kind, Description, Name, Directives, Interfaces, Fields, Types, EnumValues, BuiltIn: false };
    });
  }

  #extension(): Definition {
    if (!DEFINITIONS.has(this.#token.value) || this.#token.kind !== 'Name') throw this.#unexpected();
    const extension = this.#definition('');
    const { Directives, Interfaces, Fields, Types, EnumValues } = extension;
    const parts = [Directives, Interfaces, Fields, Types, EnumValues];
    if (parts.every(({ length }) => length === 0)) throw this.#unexpected();
    return extension;
  }

  #interfaces(): readonly string[] {
    if (!this.#skipWord('implements')) return [];
    this.#skip('&');
    return this.#separated('&', () => this.#name());
  }

  #unionTypes(): readonly string[] {
    if (!this.#skip('=')) return [];
    this.#skip('|');
    return this.#separated('|', () => this.#name());
  }

  #fields(kind: string): readonly FieldDefinition[] {
    switch (kind) {
      case 'OBJECT':
      case 'INTERFACE':
        return this.#some('{', '}', () => this.#fieldDefinition());
      case 'INPUT_OBJECT':
        return this.#some('{', '}', () => ({ ...this.#argumentDefinition(), Arguments: [] }));
      default:
        return [];
    }
  }

  #fieldDefinition(): FieldDefinition {
    return this.#at(() => {
      const Description = this.#description();
      const Name = this.#name();
      const Arguments = this.#some('(', ')', () => this.#argumentDefinition());
      this.#expect(':');
      const Type = this.#type();
      return { Description, Name, Arguments, DefaultValue: undefined, Type, Directives: this.#directives(true) };
    });
  }

  #argumentDefinition(): ArgumentDefinition {
    return this.#at(() => {
      const Description = this.#description();
      const Name = this.#name();
      this.#expect(':');
      const Type = this.#type();
      const DefaultValue = this.#skip('=') ? this.#literal(true) : undefined;
      return { Description, Name, DefaultValue, Type, Directives: this.#directives(true) };
    });
  }

  #enumValue(): EnumValueDefinition {
    return this.#at(() => ({
      Description: this.#description(),
      Name: this.#name(),
      Directives: this.#directives(true),
    }));
  }

  #directiveDefinition(Description: string): DirectiveDefinition {
    return this.#at(() => {
      this.#word('directive');
      this.#expect('@');
      const Name = this.#name();
      const Arguments = this.#some('(', ')', () => this.#argumentDefinition());
      const IsRepeatable = this.#skipWord('repeatable');
      this.#word('on');
      this.#skip('|');
      const Locations = this.#separated('|', () => {
        const token = this.#expect('Name');
        if (!LOCATIONS.has(token.value)) throw this.#unexpected(token);
        return token.value;
      });
      return { Description, Name, Arguments, Locations, IsRepeatable };
    });
  }

  /** Remembers where the node began, and bounds how deep nodes nest. */
  #at<T extends object>(parse: () => T): T {
    const { offset } = this.#token;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#fail(this.#token, 'document nests too deeply');
    const node = parse();
    this.#depth -= 1;
    this.#offsets.set(node, offset);
    return node;
  }

  #many<T>(open: TokenKind, close: TokenKind, parse: () => T): readonly T[] {
    const items: T[] = [];
    if (!this.#skip(open)) return items;
    while (!this.#skip(close)) items.push(parse());
    return items;
  }

  #some<T>(open: TokenKind, close: TokenKind, parse: () => T): readonly T[] {
    if (this.#token.kind !== open) return [];
    this.#advance();
    if (this.#token.kind === close) {
      throw this.#fail(this.#token, `expected at least one definition, found ${this.#token.kind}`);
    }
    const items: T[] = [];
    while (!this.#skip(close)) items.push(parse());
    return items;
  }

  #separated<T>(separator: TokenKind, parse: () => T): readonly T[] {
    const items: T[] = [];
    do items.push(parse());
    while (this.#skip(separator));
    return items;
  }

  #name(): string {
    return this.#expect('Name').value;
  }

  #expect(kind: TokenKind): Token {
    if (this.#token.kind !== kind) throw this.#expected(kind);
    return this.#advance();
  }

  #word(word: string): void {
    if (!this.#skipWord(word)) throw this.#expected(quote(word));
  }

  #skip(kind: TokenKind): boolean {
    if (this.#token.kind !== kind) return false;
    this.#advance();
    return true;
  }

  #skipWord(word: string): boolean {
    if (!this.#is('Name', word)) return false;
    this.#advance();
    return true;
  }

  #is(kind: TokenKind, value: string): boolean {
    return this.#token.kind === kind && this.#token.value === value;
  }

  #advance(): Token {
    this.#previous = this.#token;
    this.#token = this.#lexer.next();
    return this.#previous;
  }

  #expected(what: string): BuiltinError {
    if (this.#token.kind === '<Invalid>') return this.#unexpected();
    return this.#fail(this.#token, `Expected ${what}, found ${tokenText(this.#token)}`);
  }

  #unexpected(token: Token = this.#token): BuiltinError {
    return this.#fail(token, `Unexpected ${tokenText(token)}`);
  }

  #fail({ offset }: Token, message: string): BuiltinError {
    return new BuiltinError(`${message} in GraphQL string at ${location(this.#text, offset)}`);
  }
}

function location(text: string, offset: number): string {
  const { line, column } = locate(text, offset);
  return `location ${line}:${column}`;
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
