/**
 * YAML 1.2 text to plain values, with the position of every key and value. Only what configuration needs: no tags, no
 * directives, no merge keys, string keys, one document; aliases count as often as they are used.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import { type KeyPath, pathId, renderPath } from './key-path.ts';

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
  /** Objects have no prototype trouble: `__proto__` is refused as a key. */
  readonly value: unknown;
  /** By `pathId`. */
  readonly positions: Map<string, SourcePosition>;
  readonly diagnostics: readonly Diagnostic[];
}

const MAX_BYTES = 1_048_576;
const MAX_NODES = 50_000;
const MAX_DEPTH = 32;
const MAX_SYNTAX_ERRORS = 20;

/** Reads YAML (or JSON, which is YAML); when there are diagnostics the value is not to be used. */
export function readYaml(text: string, file: string): YamlSource {
  const start: Position = { file, line: 1, column: 1 };
  const failed = (code: Diagnostic['code'], message: string, hint: string): YamlSource => ({
    value: undefined,
    positions: new Map(),
    diagnostics: [{ ...start, severity: 'error', code, path: '', message, hint }],
  });
  if (Buffer.byteLength(text) > MAX_BYTES) return failed('too_large', 'is larger than 1 MiB', '');
  const lines = new LineCounter();
  const document = parse(text, lines);
  if (document === undefined) return failed('syntax', 'is nested too deeply', `at most ${MAX_DEPTH} levels`);
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
  return convert(document.contents, position);
}

function parse(text: string, lineCounter: LineCounter): Document.Parsed | undefined {
  try {
    return parseDocument(text, {
      lineCounter,
      version: '1.2',
      schema: 'core',
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'silent',
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

/** Plain values from nodes; a mistake is noted and the walk goes on. */
function convert(root: Node | null, position: (offset: number) => Position): YamlSource {
  const positions = new Map<string, SourcePosition>();
  const diagnostics: Diagnostic[] = [];
  const anchors = new Map<string, Node>();
  let nodes = 0;

  const report = (node: Node, path: KeyPath, message: string, code: Diagnostic['code'] = 'syntax'): undefined => {
    const where = position(node.range?.[0] ?? 0);
    diagnostics.push({ ...where, severity: 'error', code, path: renderPath(path), message, hint: '' });
  };

  const valueOf = (node: Node, path: KeyPath, depth: number): unknown => {
    nodes += 1;
    if (nodes > MAX_NODES)
      return nodes === MAX_NODES + 1 ? report(node, path, 'is too large when aliases are expanded') : undefined;
    if (depth > MAX_DEPTH) return report(node, path, 'is nested too deeply');
    if (isAlias(node)) {
      const target = anchors.get(node.source);
      return target === undefined
        ? report(node, path, 'has an alias without an anchor before it')
        : valueOf(target, path, depth + 1);
    }
    if (node.tag !== undefined) return report(node, path, 'has a tag; tags are not supported');
    const value = contentOf(node, path, depth);
    // known only when it is complete: an anchor cannot be used inside itself
    if ('anchor' in node && typeof node.anchor === 'string') anchors.set(node.anchor, node);
    return value;
  };

  const contentOf = (node: Node, path: KeyPath, depth: number): unknown => {
    if (isScalar(node)) return node.value;
    if (isSeq(node)) {
      return node.items.map((item, index) => {
        if (!isNode(item)) return null;
        return placed(item, [...path, index], depth, item);
      });
    }
    return isMap(node) ? mappingOf(node.items, path, depth) : null;
  };

  const mappingOf = (pairs: readonly Pair[], path: KeyPath, depth: number): Record<string, unknown> => {
    const mapping: Record<string, unknown> = {};
    for (const { key, value } of pairs) {
      if (!isScalar(key) || typeof key.value !== 'string' || key.tag !== undefined || key.value === '__proto__') {
        if (isNode(key)) report(key, path, 'has a key that is not a plain string');
        continue;
      }
      const name = key.value;
      if (Object.hasOwn(mapping, name)) {
        const first = positions.get(pathId([...path, name]))?.key.line;
        report(key, [...path, name], `is a duplicate key, first in line ${first}`, 'duplicate_key');
        continue;
      }
      mapping[name] = isNode(value) ? placed(value, [...path, name], depth, key) : null;
    }
    return mapping;
  };

  const placed = (node: Node, path: KeyPath, depth: number, key: Node): unknown => {
    const empty = isScalar(node) && node.source === '' && node.type === 'PLAIN';
    const at = position(key.range?.[0] ?? 0);
    positions.set(pathId(path), { key: at, value: empty ? at : position(node.range?.[0] ?? 0) });
    return valueOf(node, path, depth + 1);
  };

  const value = root === null ? null : valueOf(root, [], 0);
  return { value, positions, diagnostics };
}
