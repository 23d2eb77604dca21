/**
 * YAML 1.2 text to plain values, with the position of every key and value. Only what configuration needs: one document, no
 * tags, no directives, no merge keys, string keys; aliases count as often as they are used.
 */
import { type Document, LineCounter, parseDocument } from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import { convertYaml } from './yaml-values.ts';

export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface SourcePosition {
  /** Of the key; for an item of a list the same as `value`. */
  readonly key: Position;
  readonly value: Position;
}

export interface YamlSource {
  /** Undefined when the text cannot be read at all. */
  readonly value: unknown;
  /** By `pathId`. */
  readonly positions: Map<string, SourcePosition>;
  readonly diagnostics: readonly Diagnostic[];
}

/** A realm of ten thousand clients fits in. */
const MAX_BYTES = 4_194_304;
const MAX_SYNTAX_ERRORS = 20;

/** Reads YAML (or JSON, which is YAML). What was refused is left out of the value. */
export function readYaml(text: string, file: string): YamlSource {
  const start: Position = { file, line: 1, column: 1 };
  const failed = (code: Diagnostic['code'], message: string, hint: string): YamlSource => ({
    value: undefined,
    positions: new Map(),
    diagnostics: [{ ...start, severity: 'error', code, path: '', message, hint }],
  });
  if (Buffer.byteLength(text) > MAX_BYTES) return failed('too_large', 'is larger than 4 MiB', '');
  const lines = new LineCounter();
  const document = parse(text, lines);
  if (document === undefined) return failed('syntax', 'is nested too deeply', '');
  const position = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const diagnostics = document.errors.slice(0, MAX_SYNTAX_ERRORS).map((error): Diagnostic => {
    // the library's own message may quote the text, and with it a secret
    const message = SYNTAX[error.code] ?? 'is not valid YAML';
    return { ...position(error.pos[0]), severity: 'error', code: 'syntax', path: '', message, hint: '' };
  });
  if (document.directives?.yaml.explicit === true) {
    const message = 'must not have a %YAML directive';
    diagnostics.push({ ...start, severity: 'error', code: 'syntax', path: '', message, hint: 'remove the line' });
  }
  if (diagnostics.length > 0) return { value: undefined, positions: new Map(), diagnostics };
  return convertYaml(document.contents, position);
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, {
      lineCounter,
      version: '1.2',
      schema: 'core',
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'error',
    });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const SYNTAX: Partial<Record<string, string>> = {
  BAD_INDENT: 'is indented wrongly',
  BAD_DQ_ESCAPE: 'has an unknown escape in a quoted string',
  BAD_SCALAR_START: 'starts a value with a character that needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'has a nested mapping on one line',
  MISSING_CHAR: 'lacks a quote, a bracket or a colon',
  MULTILINE_IMPLICIT_KEY: 'has a key that spans lines; a colon may be missing',
  MULTIPLE_DOCS: 'must be a single document',
  RESOURCE_EXHAUSTION: 'is nested too deeply',
  TAB_AS_INDENT: 'is indented with a tab; use spaces',
  TAG_RESOLVE_FAILED: 'has a tag; tags are not supported',
  UNEXPECTED_TOKEN: 'has something unexpected here',
};
