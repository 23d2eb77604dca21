/** The syntax of Go's text/template: text with actions in double braces. */
import { BuiltinError } from './builtin.ts';
import { readGoNumber } from './go-number.ts';
import { unquoted } from './go-unquote.ts';
import { quote } from './text.ts';

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'action'; readonly pipe: Pipe }
  | {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipe: Pipe;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly kind: 'break' | 'continue' }
  /** Another template in its place, about the value of the pipeline. */
  | { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | undefined };

export interface Template {
  readonly nodes: readonly Node[];
  /** What the template defines beside itself. */
  readonly defined: ReadonlyMap<string, readonly Node[]>;
}

export interface Pipe {
  /** Variables that the pipeline declares, or assigns to when `assigns`. */
  readonly variables: readonly string[];
  readonly assigns: boolean;
  readonly commands: readonly (readonly Operand[])[];
}

export type Operand =
  | { readonly kind: 'dot' | 'nil' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'number'; readonly value: number; readonly isFloat: boolean }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'variable'; readonly name: string }
  | { readonly kind: 'pipe'; readonly pipe: Pipe }
  /** `.a.b`, or fields of another operand. */
  | { readonly kind: 'fields'; readonly of: Operand; readonly names: readonly string[] };

interface Token {
  readonly kind: 'space' | 'word' | 'field' | 'variable' | 'number' | 'string' | 'symbol';
  readonly text: string;
}

/** @throws BuiltinError as `template: template:<line>: …` */
export function parseTemplate(source: string, functions: ReadonlySet<string>): Template {
  return new Parser(source, functions).run();
}

const ACTION = /\{\{(?:-(?=[ \t\r\n]))?/g;
const TOKEN =
  /([ \t\r\n]+)|(\.[\p{L}_][\p{L}\p{Nd}_]*)|(\$[\p{L}\p{Nd}_]*)|([+-]?\.?\d(?:[\p{L}\p{Nd}_.]|(?<=[eEpP])[+-])*|'(?:[^'\\\n]|\\.)+')|("(?:[^"\\\n]|\\.)*"|`[^`]*`)|([\p{L}_][\p{L}\p{Nd}_]*)|(:=|[=|().,])/uy;
const KINDS = ['space', 'field', 'variable', 'number', 'string', 'word', 'symbol'] as const;
const MAX_DEPTH = 100;

class Parser {
  readonly #source: string;
  readonly #functions: ReadonlySet<string>;
  /** Text and the tokens of actions, in order. */
  readonly #pieces: readonly (string | readonly Token[])[];
  readonly #defined = new Map<string, readonly Node[]>();
  #at = 0;
  #depth = 0;
  #tokens: readonly Token[] = [];
  #next = 0;
  /** Variables that are known here, the innermost last. */
  #variables: string[] = ['$'];
  #ranges = 0;

  constructor(source: string, functions: ReadonlySet<string>) {
    this.#source = source;
    this.#functions = functions;
    this.#pieces = this.#split();
  }

  run(): Template {
    const { nodes, end } = this.#list();
    if (end !== undefined) throw this.#fail(`unexpected {{${end}}}`);
    return { nodes, defined: this.#defined };
  }

  #split(): readonly (string | readonly Token[])[] {
    const pieces: (string | readonly Token[])[] = [];
    let from = 0;
    let trimNext = false;
    for (ACTION.lastIndex = 0; ; ) {
      ACTION.lastIndex = from;
      const open = ACTION.exec(this.#source);
      const text = this.#source.slice(from, open?.index);
      const left = trimNext ? text.replace(/^[ \t\r\n]+/, '') : text;
      pieces.push(open?.[0].endsWith('-') === true ? left.replace(/[ \t\r\n]+$/, '') : left);
      if (open === null) return pieces;
      const { tokens, end } = this.#action(open.index + open[0].length);
      if (tokens !== undefined) pieces.push(tokens);
      trimNext = this.#source.charAt(end - 3) === '-' && /[ \t\r\n]/.test(this.#source.charAt(end - 4));
      from = end;
    }
  }

  /** Without tokens it is a comment. */
  #action(start: number): { tokens: readonly Token[] | undefined; end: number } {
    const comment = /[ \t\r\n]*\/\*[\s\S]*?\*\/(?:[ \t\r\n]+-)?\}\}/y;
    comment.lastIndex = start;
    const skipped = comment.exec(this.#source);
    if (skipped !== null) return { tokens: undefined, end: start + skipped[0].length };
    const tokens: Token[] = [];
    for (let at = start; ; ) {
      const close = /(?:[ \t\r\n]+-)?\}\}/y;
      close.lastIndex = at;
      const end = close.exec(this.#source);
      if (end !== null) return { tokens, end: at + end[0].length };
      TOKEN.lastIndex = at;
      const match = TOKEN.exec(this.#source);
      if (match === null) throw this.#unreadable(at);
      const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)] ?? 'symbol';
      tokens.push({ kind, text: match[0] });
      at += match[0].length;
    }
  }

  #unreadable(at: number): BuiltinError {
    const char = this.#source.charAt(at);
    if (char === '') return this.#fail('unclosed action', at);
    const code = char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    return this.#fail(char === '"' ? 'unterminated quoted string' : `bad character U+${code} '${char}'`, at);
  }

  /** Nodes up to `{{end}}`, `{{else}}` or the end of the template. */
  #list(): { nodes: readonly Node[]; end: 'end' | 'else' | undefined } {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#fail('max template nesting exceeded');
    const nodes: Node[] = [];
    while (this.#at < this.#pieces.length) {
      const piece = this.#pieces[this.#at] ?? '';
      this.#at += 1;
      if (typeof piece === 'string') {
        if (piece !== '') nodes.push({ kind: 'text', text: piece });
        continue;
      }
      this.#tokens = piece;
      this.#next = 0;
      const word = this.#peek();
      if (word === undefined) throw this.#fail('missing value for command');
      if (word.kind === 'word' && (word.text === 'end' || word.text === 'else')) {
        this.#depth -= 1;
        this.#take();
        return { nodes, end: word.text };
      }
      nodes.push(this.#node(word));
    }
    this.#depth -= 1;
    return { nodes, end: undefined };
  }

  #node(first: Token): Node {
    if (first.kind === 'word') {
      switch (first.text) {
        case 'if':
        case 'with':
        case 'range':
          this.#take();
          return this.#control(first.text);
        case 'break':
        case 'continue':
          this.#take();
          if (this.#ranges === 0) throw this.#fail(`{{${first.text}}} outside {{range}}`);
          return { kind: first.text };
        case 'define':
        case 'block':
        case 'template':
          this.#take();
          return this.#named(first.text);
        default:
      }
    }
    return { kind: 'action', pipe: this.#wholePipe() };
  }

  /** A template of another name: defined, used, or both. */
  #named(kind: 'define' | 'block' | 'template'): Node {
    if (kind === 'define' && this.#depth > 1) throw this.#fail('unexpected {{define}}');
    const token = this.#peek();
    if (token?.kind !== 'string') throw this.#fail(`unexpected ${quote(token?.text ?? '}}')} in ${kind} clause`);
    const name = this.#term(this.#take());
    const text = name.kind === 'string' ? name.value : '';
    if (kind === 'define' && this.#peek() !== undefined) throw this.#fail('unexpected text in define clause');
    const pipe = this.#peek() === undefined ? undefined : this.#wholePipe();
    if (kind === 'block' && pipe === undefined) throw this.#fail('missing value for block clause');
    if (kind === 'template') return { kind: 'template', name: text, pipe };
    this.#defined.set(text, this.#definition());
    return kind === 'define' ? { kind: 'text', text: '' } : { kind: 'template', name: text, pipe };
  }

  /** Knows nothing of where it stands. */
  #definition(): readonly Node[] {
    const [variables, ranges] = [this.#variables, this.#ranges];
    [this.#variables, this.#ranges] = [['$'], 0];
    const { nodes, end } = this.#list();
    if (end !== 'end') throw this.#fail(end === undefined ? 'unexpected EOF' : 'unexpected {{else}}');
    [this.#variables, this.#ranges] = [variables, ranges];
    return nodes;
  }

  #control(kind: 'if' | 'with' | 'range'): Node {
    const known = this.#variables.length;
    const node = this.#branches(kind);
    this.#variables.length = known;
    return node;
  }

  #branches(kind: 'if' | 'with' | 'range'): Node {
    if (this.#peek() === undefined) throw this.#fail(`missing value for ${kind}`);
    const pipe = this.#wholePipe(kind === 'range');
    if (kind === 'range') this.#ranges += 1;
    const { nodes: body, end } = this.#list();
    if (kind === 'range') this.#ranges -= 1;
    if (end === undefined) throw this.#fail('unexpected EOF');
    if (end === 'end') return { kind, pipe, body, otherwise: [] };
    const chained = this.#peek();
    if (chained !== undefined && (chained.text === 'if' || chained.text === 'with')) {
      this.#take();
      return { kind, pipe, body, otherwise: [this.#control(chained.text)] };
    }
    const otherwise = this.#list();
    if (otherwise.end !== 'end') throw this.#fail('expected end; found {{else}}');
    return { kind, pipe, body, otherwise: otherwise.nodes };
  }

  #wholePipe(isRange = false): Pipe {
    const pipe = this.#pipe();
    if (pipe.variables.length > 1 && !isRange) throw this.#fail('too many declarations in command');
    const rest = this.#peek();
    if (rest !== undefined) throw this.#fail(`unexpected ${quote(rest.text)} in command`);
    return pipe;
  }

  #pipe(): Pipe {
    const declared = this.#declaration();
    const commands = [this.#command()];
    // What ends with a bar is the same without it.
    while (this.#skip('|') && this.#peek() !== undefined) {
      const command = this.#command();
      commands.push(command);
      if (!isExecutable(command[0])) throw this.#fail(`non executable command in pipeline stage ${commands.length}`);
    }
    return { ...declared, commands };
  }

  /** `$x :=`, `$i, $x :=` or `$x =` before a pipeline. */
  #declaration(): { variables: readonly string[]; assigns: boolean } {
    const significant = this.#tokens.slice(this.#next).filter(({ kind }) => kind !== 'space');
    const [first, second, third, fourth] = significant.map(({ text }) => text);
    const single = significant[0]?.kind === 'variable' && (second === ':=' || second === '=');
    const double = significant[0]?.kind === 'variable' && second === ',' && fourth === ':=';
    if (!single && !double) return { variables: [], assigns: false };
    for (let count = single ? 2 : 4; count > 0; count -= 1) this.#take();
    const variables = single ? [first ?? ''] : [first ?? '', third ?? ''];
    // Whether there is something to assign to is asked when it is executed.
    this.#variables.push(...variables);
    return { variables, assigns: second === '=' };
  }

  #command(): readonly Operand[] {
    const operands: Operand[] = [];
    for (
      let token = this.#peek();
      token !== undefined && token.text !== '|' && token.text !== ')';
      token = this.#peek()
    ) {
      operands.push(this.#operand());
    }
    if (operands.length === 0) throw this.#fail('missing value for command');
    return operands;
  }

  #operand(): Operand {
    const operand = this.#term(this.#take());
    if (operand.kind === 'dot' && this.#tokens[this.#next]?.kind === 'field') {
      throw this.#fail('unexpected . after term "."');
    }
    const names: string[] = [];
    // Fields follow without a space.
    for (let field = this.#tokens[this.#next]; field?.kind === 'field'; field = this.#tokens[this.#next]) {
      names.push(field.text.slice(1));
      this.#next += 1;
    }
    if (names.length === 0) return operand;
    return operand.kind === 'fields'
      ? { ...operand, names: [...operand.names, ...names] }
      : { kind: 'fields', of: operand, names };
  }

  #term(token: Token): Operand {
    switch (token.kind) {
      case 'field':
        return { kind: 'fields', of: { kind: 'dot' }, names: [token.text.slice(1)] };
      case 'variable':
        return { kind: 'variable', name: this.#known(token.text) };
      case 'number':
        return this.#number(token.text);
      case 'string':
        return {
          kind: 'string',
          value: token.text.startsWith('`') ? token.text.slice(1, -1) : this.#unquote(token.text),
        };
      case 'word':
        return this.#word(token.text);
      default:
        if (token.text === '.') return { kind: 'dot' };
        if (token.text !== '(') throw this.#fail(`unexpected ${quote(token.text)} in operand`);
    }
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw this.#fail('max expression depth exceeded');
    const pipe = this.#pipe();
    this.#depth -= 1;
    if (!this.#skip(')')) throw this.#fail('unclosed left paren');
    return { kind: 'pipe', pipe };
  }

  #known(variable: string): string {
    if (this.#variables.includes(variable)) return variable;
    throw this.#fail(`undefined variable ${quote(variable)}`);
  }

  #word(name: string): Operand {
    if (name === 'true' || name === 'false') return { kind: 'boolean', value: name === 'true' };
    if (name === 'nil') return { kind: 'nil' };
    if (!this.#functions.has(name)) throw this.#fail(`function ${quote(name)} not defined`);
    return { kind: 'function', name };
  }

  #number(text: string): Operand {
    if (text.startsWith("'")) {
      const rune = unquoted(text);
      if (rune === undefined || Array.from(rune).length !== 1)
        throw this.#fail(`malformed character constant: ${text}`);
      return { kind: 'number', value: rune.codePointAt(0) ?? 0, isFloat: false };
    }
    const integer = /^([+-]?)(0[xX][\da-fA-F_]+|0[oO]?[0-7_]+|0[bB][01_]+|[1-9][\d_]*|0)$/.exec(text);
    if (integer !== null) return { kind: 'number', value: this.#integer(text, integer), isFloat: false };
    const float = readGoNumber(text);
    if (float === undefined) throw this.#fail(`bad number syntax: ${quote(text)}`);
    if (!Number.isFinite(Number(float))) throw this.#fail(`illegal number syntax: ${quote(text)}`);
    return { kind: 'number', value: Number(float), isFloat: true };
  }

  #integer(text: string, [, sign, digits = '']: RegExpExecArray): number {
    const plain = digits.replaceAll('_', '');
    const magnitude = BigInt(/^0\d/.test(plain) ? `0o${plain}` : plain);
    const value = sign === '-' ? -magnitude : magnitude;
    if (BigInt.asIntN(64, value) !== value) throw this.#fail(`integer overflow: ${quote(text)}`);
    return Number(value);
  }

  #unquote(text: string): string {
    const value = unquoted(text);
    if (value === undefined) throw this.#fail('invalid syntax');
    return value;
  }

  #peek(): Token | undefined {
    while (this.#tokens[this.#next]?.kind === 'space') this.#next += 1;
    return this.#tokens[this.#next];
  }

  #take(): Token {
    const token = this.#peek();
    if (token === undefined) throw this.#fail('unexpected "}}" in operand');
    this.#next += 1;
    return token;
  }

  #skip(symbol: string): boolean {
    if (this.#peek()?.text !== symbol) return false;
    this.#next += 1;
    return true;
  }

  #fail(message: string, at: number = this.#source.length): BuiltinError {
    const line = this.#source.slice(0, at).split('\n').length;
    return new BuiltinError(`template: template:${line}: ${message}`);
  }
}

/** Whether it can take the value of the command before it. */
function isExecutable(first: Operand | undefined): boolean {
  return first?.kind === 'function' || first?.kind === 'fields' || first?.kind === 'variable' || first?.kind === 'pipe';
}
