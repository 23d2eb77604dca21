/** The YAML of a `# METADATA` block as OPA's fields. What has another type is told with its line, as Go's decoder does. */
import { composeFirst, type MappingNode, type Node } from '../../builtins/yaml/compose.ts';
import { readNode, scalarTag } from '../../builtins/yaml/read.ts';
import type { Value } from '../../value/value.ts';

/** Members that are absent or null are left out. */
export interface BlockFields {
  scope?: string;
  title?: string;
  description?: string;
  entrypoint?: boolean;
  organizations?: readonly string[];
  related_resources?: readonly Value[];
  authors?: readonly Value[];
  custom?: Value;
}

export interface DecodedBlock {
  readonly fields: BlockFields;
  /** With the line of each, from 1. */
  readonly mistakes: readonly string[];
}

/** @throws BuiltinError when it is no YAML */
export function decodeBlock(text: string): DecodedBlock {
  const mistakes: string[] = [];
  const root = composeFirst(text);
  // A block of comments only says nothing.
  const fields: BlockFields = {};
  if (root === undefined || isNull(root)) return { fields, mistakes };
  if (root.kind !== 'mapping') return { fields, mistakes: [mistake(root, 'ast.rawAnnotation')] };
  mistakes.push(...repeated(root));
  for (const [key, written] of root.pairs) {
    const value = targetOf(written);
    if (key.kind === 'scalar' && !isNull(value)) decode(fields, key.text, value, mistakes);
  }
  return { fields, mistakes };
}

function decode(fields: BlockFields, name: string, node: Node, mistakes: string[]): void {
  switch (name) {
    case 'scope':
    case 'title':
    case 'description':
      if (node.kind === 'scalar') fields[name] = node.text;
      else mistakes.push(mistake(node, 'string'));
      return;
    case 'entrypoint': {
      const flag = booleanOf(node);
      if (flag === undefined) mistakes.push(mistake(node, 'bool'));
      else fields.entrypoint = flag;
      return;
    }
    case 'organizations':
      if (node.kind !== 'sequence') mistakes.push(mistake(node, '[]string'));
      else fields.organizations = node.items.flatMap((item) => textItem(targetOf(item), mistakes));
      return;
    case 'related_resources':
    case 'authors':
      if (node.kind === 'sequence') fields[name] = node.items.map(readNode);
      else mistakes.push(mistake(node, '[]interface {}'));
      return;
    case 'custom':
      if (node.kind === 'mapping') fields.custom = readNode(node);
      else mistakes.push(mistake(node, 'map[string]interface {}'));
      return;
    case 'schemas':
      if (node.kind !== 'sequence') mistakes.push(mistake(node, '[]map[string]interface {}'));
      return;
    default:
  }
}

function targetOf(node: Node): Node {
  return node.kind === 'alias' ? (node.target.node ?? node) : node;
}

function isNull(node: Node): boolean {
  return node.kind === 'scalar' && scalarTag(node) === '!!null';
}

/** Nothing when it is null. */
function textItem(node: Node, mistakes: string[]): readonly string[] {
  if (node.kind === 'scalar') return isNull(node) ? [] : [node.text];
  mistakes.push(mistake(node, 'string'));
  return [];
}

/** YAML 1.1 has more words for it, which count where nothing but a boolean is expected. */
function booleanOf(node: Node): boolean | undefined {
  if (node.kind !== 'scalar') return undefined;
  if (scalarTag(node) === '!!bool') return /^t/i.test(node.text);
  if (/^(?:y|Y|yes|Yes|YES|on|On|ON)$/.test(node.text)) return true;
  return /^(?:n|N|no|No|NO|off|Off|OFF)$/.test(node.text) ? false : undefined;
}

function mistake(node: Node, wanted: string): string {
  return `  line ${node.mark.line + 1}: cannot unmarshal ${shown(node)} into ${wanted}`;
}

function shown(node: Node): string {
  if (node.kind !== 'scalar') return node.kind === 'sequence' ? '!!seq' : '!!map';
  const text = node.text.length > 10 ? `${node.text.slice(0, 7)}...` : node.text;
  return `${scalarTag(node)} \`${text}\``;
}

function repeated({ pairs }: MappingNode): readonly string[] {
  const lines = new Map<string, number>();
  return pairs.flatMap(([key]) => {
    if (key.kind !== 'scalar') return [];
    const line = key.mark.line + 1;
    const first = lines.get(key.text);
    lines.set(key.text, first ?? line);
    return first === undefined
      ? []
      : [`  line ${line}: mapping key ${JSON.stringify(key.text)} already defined at line ${first}`];
  });
}
