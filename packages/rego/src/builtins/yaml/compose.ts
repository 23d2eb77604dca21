/** The documents of a YAML text as trees; anchors and aliases make graphs of them. */
import { type Mark, parserError, YamlError } from './failure.ts';
import { Scanner, type Token, type TokenKind } from './scanner.ts';

export type Node = ScalarNode | SequenceNode | MappingNode | AliasNode;

interface Placed {
  readonly mark: Mark;
}

export interface ScalarNode extends Placed {
  readonly kind: 'scalar';
  readonly text: string;
  readonly isPlain: boolean;
  /** As it is written, with its handle's meaning; empty when there is none. */
  readonly tag: string;
}

export interface SequenceNode extends Placed {
  readonly kind: 'sequence';
  readonly items: readonly Node[];
}

export interface MappingNode extends Placed {
  readonly kind: 'mapping';
  readonly pairs: readonly (readonly [key: Node, value: Node])[];
}

export interface AliasNode extends Placed {
  readonly kind: 'alias';
  readonly name: string;
  readonly target: { readonly node?: Node };
}

/** Tokens before which a node is left out, and what may stand between documents. */
const STARTS: ReadonlySet<TokenKind> = new Set<TokenKind>(['version', 'tag directive', 'document start']);
const BOUNDARIES: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'version',
  'tag directive',
  'document start',
  'document end',
  'stream end',
]);
const DIRECTIVES: ReadonlySet<TokenKind> = new Set<TokenKind>(['version', 'tag directive']);
const NO_ITEM: ReadonlySet<TokenKind> = new Set<TokenKind>(['-', 'block end']);
const NO_INDENTLESS_ITEM: ReadonlySet<TokenKind> = new Set<TokenKind>(['-', '?', ':', 'block end']);
const NO_BLOCK_NODE: ReadonlySet<TokenKind> = new Set<TokenKind>(['?', ':', 'block end']);
const NO_PAIR_KEY: ReadonlySet<TokenKind> = new Set<TokenKind>([':', ',', ']']);
const NO_FLOW_KEY: ReadonlySet<TokenKind> = new Set<TokenKind>([':', ',', '}']);
/** Deeper documents are refused before they use up the stack. */
const MAX_DEPTH = 1_000;

/** The first document; the others are read only to see whether they can be. @throws BuiltinError */
export function composeFirst(text: string): Node | undefined {
  const composer = new Composer(text);
  const first = composer.next(true);
  if (first !== undefined) while (composer.next(false) !== undefined);
  return first;
}

interface Properties {
  readonly anchor: string;
  readonly tag: string;
}

const NONE: Properties = { anchor: '', tag: '' };

class Composer {
  readonly #scanner: Scanner;
  readonly #anchors = new Map<string, { node?: Node }>();
  #handles: Map<string, string> = new Map();
  #depth = 0;

  constructor(text: string) {
    this.#scanner = new Scanner(text);
  }

  next(isFirst: boolean): Node | undefined {
    if (!isFirst) while (this.#is('document end')) this.#scanner.take();
    if (this.#is('stream end')) return undefined;
    const isBare = isFirst && !this.#isAny(STARTS);
    this.#readDirectives();
    if (!isBare && !this.#is('document start')) throw this.#unexpected('<document start>');
    if (!isBare) this.#scanner.take();
    const isEmpty = !isBare && this.#isAny(BOUNDARIES);
    const root = isEmpty ? this.#empty() : this.#node(true, false);
    if (this.#is('document end')) this.#scanner.take();
    return root;
  }

  #is(kind: TokenKind): boolean {
    return this.#scanner.peek().kind === kind;
  }

  #isAny(kinds: ReadonlySet<TokenKind>): boolean {
    return kinds.has(this.#scanner.peek().kind);
  }

  #unexpected(wanted: string, context?: Mark): YamlError {
    return parserError(`did not find expected ${wanted}`, this.#scanner.peek().mark, context);
  }

  #readDirectives(): void {
    this.#handles = new Map([
      ['!', '!'],
      ['!!', 'tag:yaml.org,2002:'],
    ]);
    let hasVersion = false;
    const own = new Set<string>();
    while (this.#isAny(DIRECTIVES)) {
      const { kind, text, tag, mark } = this.#scanner.take();
      if (kind === 'version') {
        if (hasVersion) throw parserError('found duplicate %YAML directive', mark);
        if (text !== '1.1') throw parserError('found incompatible YAML document', mark);
        hasVersion = true;
      } else {
        const handle = tag?.handle ?? '';
        if (own.has(handle)) throw parserError('found duplicate %TAG directive', mark);
        own.add(handle);
        this.#handles.set(handle, text);
      }
    }
  }

  #node(isBlock: boolean, isIndentless: boolean): Node {
    const start = this.#scanner.peek().mark;
    if (this.#is('alias')) return this.#alias(this.#scanner.take());
    const properties = this.#properties();
    const slot: { node?: Node } = {};
    if (properties.anchor !== '') this.#anchors.set(properties.anchor, slot);
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new YamlError(`yaml: exceeded max depth of ${MAX_DEPTH}`, start);
    const node = this.#content(properties, isBlock, isIndentless, start);
    this.#depth -= 1;
    slot.node = node;
    return node;
  }

  /** What is left out before the next token. */
  #empty(): ScalarNode {
    return { kind: 'scalar', text: '', isPlain: true, tag: '', mark: this.#scanner.peek().mark };
  }

  #alias({ text, mark }: Token): Node {
    const target = this.#anchors.get(text);
    if (target === undefined) throw new YamlError(`yaml: unknown anchor '${text}' referenced`, mark);
    return { kind: 'alias', name: text, target, mark };
  }

  /** An anchor and a tag, in any order. */
  #properties(): Properties {
    if (!this.#is('anchor') && !this.#is('tag')) return NONE;
    let [anchor, tag]: [Token | undefined, Token | undefined] = [undefined, undefined];
    if (this.#is('anchor')) anchor = this.#scanner.take();
    if (this.#is('tag')) tag = this.#scanner.take();
    if (anchor === undefined && tag !== undefined && this.#is('anchor')) anchor = this.#scanner.take();
    const { handle = '', suffix = '' } = tag?.tag ?? {};
    const prefix = handle === '' ? '' : this.#handles.get(handle);
    if (tag !== undefined && prefix === undefined) {
      throw parserError('found undefined tag handle', tag.mark, (anchor ?? tag).mark);
    }
    return { anchor: anchor?.text ?? '', tag: `${prefix ?? ''}${suffix}` };
  }

  #content({ anchor, tag }: Properties, isBlock: boolean, isIndentless: boolean, start: Mark): Node {
    const token = this.#scanner.peek();
    if (isIndentless && token.kind === '-') return this.#indentless(token.mark);
    if (token.kind === 'scalar') {
      this.#scanner.take();
      return { kind: 'scalar', text: token.text, isPlain: token.isPlain, tag, mark: start };
    }
    if (token.kind === '[') return this.#flowSequence();
    if (token.kind === '{') return this.#flowMapping();
    if (isBlock && token.kind === 'sequence start') return this.#blockSequence();
    if (isBlock && token.kind === 'mapping start') return this.#blockMapping();
    if (anchor !== '' || tag !== '') return { ...this.#empty(), tag };
    throw this.#unexpected('node content', start);
  }

  #blockSequence(): Node {
    const { mark } = this.#scanner.take();
    const items: Node[] = [];
    while (this.#is('-')) {
      this.#scanner.take();
      items.push(this.#isAny(NO_ITEM) ? this.#empty() : this.#node(true, false));
    }
    if (!this.#is('block end')) throw this.#unexpected("'-' indicator", mark);
    this.#scanner.take();
    return { kind: 'sequence', items, mark };
  }

  /** A sequence whose entries stand in the column of the key before it. */
  #indentless(mark: Mark): Node {
    const items: Node[] = [];
    while (this.#is('-')) {
      this.#scanner.take();
      items.push(this.#isAny(NO_INDENTLESS_ITEM) ? this.#empty() : this.#node(true, false));
    }
    return { kind: 'sequence', items, mark };
  }

  #blockMapping(): Node {
    const { mark } = this.#scanner.take();
    const pairs: (readonly [Node, Node])[] = [];
    while (this.#is('?')) {
      this.#scanner.take();
      const key = this.#isAny(NO_BLOCK_NODE) ? this.#empty() : this.#node(true, true);
      pairs.push([key, this.#blockValue()]);
    }
    if (!this.#is('block end')) throw this.#unexpected('key', mark);
    this.#scanner.take();
    return { kind: 'mapping', pairs, mark };
  }

  #blockValue(): Node {
    if (!this.#is(':')) return this.#empty();
    this.#scanner.take();
    return this.#isAny(NO_BLOCK_NODE) ? this.#empty() : this.#node(true, true);
  }

  #flowSequence(): Node {
    const { mark } = this.#scanner.take();
    const items: Node[] = [];
    while (!this.#is(']')) {
      if (items.length > 0) this.#comma("',' or ']'", mark);
      if (this.#is(']')) break;
      items.push(this.#is('?') ? this.#flowPair() : this.#node(false, false));
    }
    this.#scanner.take();
    return { kind: 'sequence', items, mark };
  }

  /** A mapping of one pair, without braces. */
  #flowPair(): Node {
    const { mark } = this.#scanner.take();
    let key: Node = this.#empty();
    if (!this.#isAny(NO_PAIR_KEY)) key = this.#node(false, false);
    else if (!this.#is(':')) this.#scanner.take();
    return { kind: 'mapping', pairs: [[key, this.#flowValue(']')]], mark };
  }

  #flowValue(end: ']' | '}'): Node {
    if (!this.#is(':')) return this.#empty();
    this.#scanner.take();
    return this.#is(',') || this.#is(end) ? this.#empty() : this.#node(false, false);
  }

  #flowMapping(): Node {
    const { mark } = this.#scanner.take();
    const pairs: (readonly [Node, Node])[] = [];
    while (!this.#is('}')) {
      if (pairs.length > 0) this.#comma("',' or '}'", mark);
      if (this.#is('}')) break;
      if (this.#is('?')) {
        this.#scanner.take();
        const key = this.#isAny(NO_FLOW_KEY) ? this.#empty() : this.#node(false, false);
        pairs.push([key, this.#flowValue('}')]);
      } else pairs.push([this.#node(false, false), this.#empty()]);
    }
    this.#scanner.take();
    return { kind: 'mapping', pairs, mark };
  }

  #comma(wanted: string, start: Mark): void {
    if (!this.#is(',')) throw this.#unexpected(wanted, start);
    this.#scanner.take();
  }
}
