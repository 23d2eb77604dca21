/** Nodes of a YAML document to plain values, with limits on what aliases and nesting can make of them. */
import { isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import { isPlainKey, type KeyPath, pathId, renderPath } from './key-path.ts';
import type { Position, SourcePosition, YamlSource } from './yaml-source.ts';

/** A realm of ten thousand clients fits in; aliases count as often as they are used. */
const MAX_NODES = 200_000;
const MAX_DEPTH = 32;
const MAX_FINDINGS = 100;

/** Plain values from nodes; a mistake is noted, its value is undefined, and the walk goes on. */
export function convertYaml(root: Node | null, position: (offset: number) => Position): YamlSource {
  const positions = new Map<string, SourcePosition>();
  const diagnostics: Diagnostic[] = [];
  const anchors = new Map<string, Node>();
  let nodes = 0;

  const report = (node: Node, path: KeyPath, message: string, code: Diagnostic['code'] = 'syntax'): undefined => {
    if (diagnostics.length === MAX_FINDINGS) return;
    const where = position(node.range?.[0] ?? 0);
    diagnostics.push({ ...where, severity: 'error', code, path: renderPath(path), message, hint: '' });
  };

  const valueOf = (node: Node, path: KeyPath, depth: number): unknown => {
    nodes += 1;
    if (nodes === MAX_NODES + 1) report(node, path, 'has too many values', 'too_large');
    if (nodes > MAX_NODES) return undefined;
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
        report(
          key,
          isPlainKey(name) ? [...path, name] : path,
          `has a duplicate key, first in line ${first}`,
          'duplicate_key',
        );
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
  return { value: nodes > MAX_NODES ? undefined : value, positions, diagnostics };
}
