/**
 * `# METADATA` comments to annotations: the comment lines that follow without a gap are one YAML document, read by the
 * host's YAML reader. Errors carry OPA's texts.
 */
import type { HostYaml } from '../../builtins/host.ts';
import type { Comment } from '../../syntax/ast.ts';
import type { Diagnostic } from '../../syntax/diagnostic.ts';
import type { Location } from '../../syntax/location.ts';
import { fromNative } from '../../value/json.ts';
import type { Value } from '../../value/value.ts';
import type { Annotation } from './annotation.ts';

interface ReadAnnotations {
  readonly annotations: readonly Annotation[];
  readonly findings: readonly Diagnostic[];
}

export function readAnnotations(comments: readonly Comment[], yaml: HostYaml): ReadAnnotations {
  const annotations: Annotation[] = [];
  const findings: Diagnostic[] = [];
  for (const block of blocksOf(comments)) {
    try {
      annotations.push(readBlock(block, yaml));
    } catch (error) {
      if (!(error instanceof AnnotationError)) throw error;
      findings.push({ code: 'rego_parse_error', message: error.message, location: error.location });
    }
  }
  return { annotations, findings };
}

class AnnotationError extends Error {
  readonly location: Location;

  constructor(message: string, location: Location) {
    super(message);
    this.location = location;
  }
}

interface Block {
  readonly location: Location;
  readonly lines: Comment[];
}

function blocksOf(comments: readonly Comment[]): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  let row = 0;
  for (const comment of comments) {
    const { location, text } = comment;
    if (open !== undefined && location.row === row + 1 && location.col === 1) open.lines.push(comment);
    else if (text.trim().startsWith('METADATA')) {
      open = { location, lines: [] };
      blocks.push(open);
    } else open = undefined;
    row = location.row;
  }
  return blocks;
}

function readBlock({ location, lines }: Block, yaml: HostYaml): Annotation {
  const text = lines.map((line) => `${line.text.replace(/^ /, '')}\n`).join('');
  if (text.trim() === '') throw new AnnotationError('expected METADATA block, found whitespace', location);
  const document = parse(text, yaml, { location, lines });
  if (!isRecord(document)) {
    const message = `yaml: unmarshal errors:\n  line 1: cannot unmarshal ${yamlTag(document)} into ast.rawAnnotation`;
    throw new AnnotationError(message, placeOf(message, { location, lines }));
  }
  const mistakes = [...wrongTypes(document)];
  if (mistakes.length > 0) {
    const message = ['yaml: unmarshal errors:', ...mistakes].join('\n');
    throw new AnnotationError(message, placeOf(message, { location, lines }));
  }
  const { scope, entrypoint } = document;
  return {
    scope: typeof scope === 'string' && scope !== '' ? scope : undefined,
    entrypoint: entrypoint === true,
    members: membersOf(document, location),
    location,
  };
}

function parse(text: string, yaml: HostYaml, { location, lines }: Block): unknown {
  try {
    return yaml.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : 'yaml: cannot be read';
    throw new AnnotationError(message, placeOf(message, { location, lines }));
  }
}

/** OPA points at the line after the one that YAML names, or at the last. */
function placeOf(message: string, { location, lines }: Block): Location {
  const row = Number(/^yaml:(?: unmarshal errors:\s*)? line (\d+):/.exec(message)?.[1] ?? 0);
  return (lines[Math.min(row, lines.length - 1)] ?? { location }).location;
}

const FIELDS: Readonly<Record<string, readonly [wanted: string, holds: (value: unknown) => boolean]>> = {
  scope: ['string', isText],
  title: ['string', isText],
  description: ['string', isText],
  entrypoint: ['bool', (value) => typeof value === 'boolean'],
  organizations: ['[]string', (value) => Array.isArray(value) && value.every(isText)],
  related_resources: ['[]interface {}', Array.isArray],
  authors: ['[]interface {}', Array.isArray],
  custom: ['map[string]interface {}', isRecord],
};

function isText(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function* wrongTypes(document: Readonly<Record<string, unknown>>): Generator<string> {
  for (const [i, [name, value]] of Object.entries(document).entries()) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (field === undefined || value === null || field[1](value)) continue;
    yield `  line ${i + 1}: cannot unmarshal ${yamlTag(value)} into ${field[0]}`;
  }
}

function yamlTag(value: unknown): string {
  if (Array.isArray(value)) return '!!seq';
  if (isRecord(value)) return '!!map';
  const tag = typeof value === 'boolean' ? 'bool' : typeof value === 'number' ? 'int' : 'str';
  return `!!${tag} \`${String(value)}\``;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function membersOf(document: Readonly<Record<string, unknown>>, location: Location): Record<string, Value> {
  const members: Record<string, Value> = {};
  for (const name of ['title', 'description'] as const) {
    const value = document[name];
    if (isText(value) && value !== '') members[name] = String(value);
  }
  const { organizations, related_resources: resources, authors, custom } = document;
  if (isFilled(organizations)) members['organizations'] = organizations.map(String);
  if (isFilled(resources)) members['related_resources'] = resources.map((each) => relatedResource(each, location));
  if (isFilled(authors)) members['authors'] = authors.map((each) => author(each, location));
  if (isRecord(custom) && Object.keys(custom).length > 0) members['custom'] = fromNative(custom);
  return members;
}

function isFilled(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}

const UNUSABLE = 'invalid value type, must be string or map';

function relatedResource(value: unknown, location: Location): Value {
  const refuse = (why: string): never => {
    throw new AnnotationError(`invalid related-resource definition ${goText(value)}: ${why}`, location);
  };
  if (typeof value === 'string') return value === '' ? refuse('ref URL may not be empty string') : { ref: value };
  if (!isRecord(value)) return refuse(UNUSABLE);
  const { ref, description } = value;
  if (typeof ref !== 'string' || ref === '') return refuse("'ref' value required in object");
  return typeof description === 'string' && description !== '' ? { description, ref } : { ref };
}

/** `Jane Doe <jane@example.com>`, or an object. */
function author(value: unknown, location: Location): Value {
  const refuse = (why: string): never => {
    throw new AnnotationError(`invalid author definition ${goText(value)}: ${why}`, location);
  };
  if (typeof value === 'string') {
    const words = value.split(/\s+/).filter((word) => word !== '');
    const email = /^<(.*)>$/.exec(words.at(-1) ?? '')?.[1];
    if (words.length === 0) return refuse('author is an empty string');
    return named((email === undefined ? words : words.slice(0, -1)).join(' '), email ?? '');
  }
  if (!isRecord(value)) return refuse(UNUSABLE);
  const name = typeof value['name'] === 'string' ? value['name'].trim() : '';
  const email = typeof value['email'] === 'string' ? value['email'].trim() : '';
  return name === '' && email === '' ? refuse("'name' and/or 'email' values required in object") : named(name, email);
}

function named(name: string, email: string): Value {
  return { ...(name === '' ? {} : { name }), ...(email === '' ? {} : { email }) };
}

/** A value as Go's `%s` shows it. */
function goText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return `%!s(bool=${String(value)})`;
  if (typeof value === 'number') return `%!s(${Number.isInteger(value) ? 'int' : 'float64'}=${String(value)})`;
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (!isRecord(value)) return '%!s(<nil>)';
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${members.map(([key, each]) => `${key}:${goText(each)}`).join(' ')}]`;
}
