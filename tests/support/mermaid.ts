/** Just enough of Mermaid to compare the diagrams of the documentation with what runs. */
import { readFileSync } from 'node:fs';

export interface FlowChart {
  /** Subgraph → the nodes that are named first in its lines. */
  readonly zones: Readonly<Record<string, readonly string[]>>;
  /** Node → its text, where it is in quotes. */
  readonly labels: Readonly<Record<string, string>>;
  /** `from → to: label` of every labelled solid arrow, sorted. */
  readonly arrows: readonly string[];
}

export interface SequenceStep {
  /** Participants by their full names. */
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

/** The diagrams of that kind in a Markdown file. */
export function diagrams(file: string, kind: 'flowchart' | 'sequenceDiagram'): string[] {
  const blocks = readFileSync(file, 'utf8').matchAll(/```mermaid\n([^]*?)```/g);
  return [...blocks].map(([, block = '']) => block).filter((block) => block.startsWith(kind));
}

export function readFlowChart(diagram: string): FlowChart {
  const zones: Record<string, string[]> = {};
  const labels: Record<string, string> = {};
  const arrows: string[] = [];
  let zone: string | undefined;
  for (const line of diagram.split('\n').map((each) => each.trim())) {
    const [, opened] = /^subgraph (\w+)/.exec(line) ?? [];
    const [, node, label] = /^([\w-]+)\["?([^\]"]+)/.exec(line) ?? [];
    const [, from, said, to] = /^([\w-]+)(?:\(.*?\))? (?:-- |-->\|)"([^"]+)"(?: -->|\|) ([\w-]+)$/.exec(line) ?? [];
    if (opened !== undefined) zones[(zone = opened)] = [];
    else if (line === 'end') zone = undefined;
    else if (from !== undefined) arrows.push(`${from} → ${to}: ${said}`);
    else if (node !== undefined && label !== undefined) {
      labels[node] = label;
      if (zone !== undefined) zones[zone]?.push(node);
    }
  }
  return { zones, labels, arrows: arrows.sort() };
}

export function readSequence(diagram: string): SequenceStep[] {
  const names = new Map(
    [...diagram.matchAll(/participant (\w+) as (.+)/g)].map(([, id = '', name = '']) => [id, name]),
  );
  return [...diagram.matchAll(/(\w+)-?->>(\w+): (.+)/g)].map(([, from = '', to = '', text = '']) => ({
    from: names.get(from) ?? from,
    to: names.get(to) ?? to,
    text,
  }));
}
