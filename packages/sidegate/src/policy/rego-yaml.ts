/** YAML for `yaml.*`, lent to the engine as a platform would: Go's mixture of YAML 1.2 and 1.1, and its complaints. */
import type { Host } from '@sidegate/rego';
import { type Document, LineCounter, parseAllDocuments, type ScalarTag, type YAMLParseError } from 'yaml';

/** Integers with another base or with underscores. */
const INTEGER: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  test: /^[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)$/,
  resolve: (text) => {
    const digits = text.replaceAll('_', '').replace(/^[-+]/, '');
    const value = Number(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
    return text.startsWith('-') ? -value : value;
  },
};
/** What is wrong with a document, and where. */
class YamlError extends Error {
  override readonly name = 'YamlError';
  readonly line: number;
  readonly column: number;

  constructor(message: string, { line, col }: { readonly line: number; readonly col: number }) {
    super(message);
    this.line = line;
    this.column = col;
  }
}

export const YAML: NonNullable<Host['yaml']> = {
  parse: (text) => {
    const lines = new LineCounter();
    const documents = parseAllDocuments(text, {
      customTags: (tags) => [INTEGER, 'binary', ...tags],
      merge: true,
      uniqueKeys: false,
      lineCounter: lines,
    });
    const first = Array.isArray(documents) ? documents[0] : undefined;
    const [error] = first?.errors ?? [];
    if (error !== undefined) throw new YamlError(complaint(error, lines), lines.linePos(error.pos[0]));
    return first === undefined ? null : withTextKeys(toNative(first));
  },
};

function toNative(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100, mapAsMap: true });
  } catch (error) {
    const anchor = error instanceof ReferenceError ? /: (\S+)$/.exec(error.message)?.[1] : undefined;
    if (anchor === undefined) throw error;
    throw new Error(`yaml: unknown anchor '${anchor}' referenced`, { cause: error });
  }
}

/** Go names what it expected, and the line when it is not the first one it looked at. */
function complaint(error: YAMLParseError, lines: LineCounter): string {
  const { line } = lines.linePos(error.pos[0]);
  const end = /\bend with an? ([\]}])/.exec(error.message)?.[1];
  if (end !== undefined) return `yaml: line ${line}: did not find expected ',' or '${end}'`;
  const where = line > 1 ? `line ${line}: ` : '';
  return `yaml: ${where}${WORDS[error.code] ?? error.message.split('\n')[0] ?? ''}`;
}

const WORDS: Readonly<Partial<Record<YAMLParseError['code'], string>>> = {
  BLOCK_AS_IMPLICIT_KEY: 'mapping values are not allowed in this context',
  TAB_AS_INDENT: 'found character that cannot start any token',
  MISSING_CHAR: 'found unexpected end of stream',
};

/** JSON has text keys only. */
function withTextKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTextKeys);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, item]) => [keyText(key), withTextKeys(item)]));
}

function keyText(key: unknown): string {
  if (key === null) throw new Error('unsupported map key of type: %!s(<nil>), key: <nil>');
  if (typeof key === 'number' && !Number.isFinite(key)) return Number.isNaN(key) ? '.nan' : key > 0 ? '.inf' : '-.inf';
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'bigint' || typeof key === 'boolean') return String(key);
  throw new Error('yaml: invalid map key');
}
