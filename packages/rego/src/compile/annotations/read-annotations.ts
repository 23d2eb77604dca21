/**
 * `# METADATA` comments to annotations: the comment lines that follow without a gap are one YAML document. Errors carry
 * OPA's texts.
 */
import { BuiltinError } from '../../builtins/builtin.ts';
import type { Comment } from '../../syntax/ast.ts';
import type { Diagnostic } from '../../syntax/diagnostic.ts';
import type { Location } from '../../syntax/location.ts';
import { isNumber, numberText, toInteger } from '../../value/number.ts';
import { isObject, objectEntries, objectGet, objectSize } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import type { Annotation } from './annotation.ts';
import { type BlockFields, decodeBlock } from './decode-block.ts';

interface ReadAnnotations {
  readonly annotations: readonly Annotation[];
  readonly findings: readonly Diagnostic[];
}

export function readAnnotations(comments: readonly Comment[]): ReadAnnotations {
  const annotations: Annotation[] = [];
  const findings: Diagnostic[] = [];
  for (const block of blocksOf(comments)) {
    try {
      annotations.push(readBlock(block));
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

function readBlock({ location, lines }: Block): Annotation {
  const text = lines.map((line) => `${line.text.replace(/^ /, '')}\n`).join('');
  if (text.trim() === '') throw new AnnotationError('expected METADATA block, found whitespace', location);
  const fields = decode(text, { location, lines });
  const { scope, entrypoint } = fields;
  return {
    scope: scope === '' ? undefined : scope,
    entrypoint: entrypoint === true,
    members: membersOf(fields, location),
    location,
  };
}

function decode(text: string, block: Block): BlockFields {
  const refuse = (message: string): never => {
    throw new AnnotationError(message, placeOf(message, block));
  };
  try {
    const { fields, mistakes } = decodeBlock(text);
    return mistakes.length === 0 ? fields : refuse(['yaml: unmarshal errors:', ...mistakes].join('\n'));
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error;
    return refuse(error.message);
  }
}

/** OPA points at the line after the one that YAML names, or at the last. */
function placeOf(message: string, { location, lines }: Block): Location {
  const row = Number(/^yaml:(?: unmarshal errors:\s*)? line (\d+):/.exec(message)?.[1] ?? 0);
  return (lines[Math.min(row, lines.length - 1)] ?? { location }).location;
}

function membersOf(fields: BlockFields, location: Location): Record<string, Value> {
  const members: Record<string, Value> = {};
  for (const name of ['title', 'description'] as const) {
    const text = fields[name] ?? '';
    if (text !== '') members[name] = text;
  }
  const { organizations, related_resources: resources, authors, custom } = fields;
  if (isFilled(organizations)) members['organizations'] = organizations;
  if (isFilled(resources)) members['related_resources'] = resources.map((each) => relatedResource(each, location));
  if (isFilled(authors)) members['authors'] = authors.map((each) => author(each, location));
  if (isObject(custom) && objectSize(custom) > 0) members['custom'] = custom;
  return members;
}

function isFilled<T>(list: readonly T[] | undefined): list is readonly T[] {
  return list !== undefined && list.length > 0;
}

const UNUSABLE = 'invalid value type, must be string or map';

function relatedResource(value: Value, location: Location): Value {
  const refuse = (why: string): never => {
    throw new AnnotationError(`invalid related-resource definition ${goText(value)}: ${why}`, location);
  };
  if (typeof value === 'string') return value === '' ? refuse('ref URL may not be empty string') : { ref: value };
  if (!isObject(value)) return refuse(UNUSABLE);
  const [ref, description] = [objectGet(value, 'ref'), objectGet(value, 'description')];
  if (typeof ref !== 'string' || ref === '') return refuse("'ref' value required in object");
  return typeof description === 'string' && description !== '' ? { description, ref } : { ref };
}

/** `Jane Doe <jane@example.com>`, or an object. */
function author(value: Value, location: Location): Value {
  const refuse = (why: string): never => {
    throw new AnnotationError(`invalid author definition ${goText(value)}: ${why}`, location);
  };
  if (typeof value === 'string') {
    const words = value.split(/\s+/).filter((word) => word !== '');
    const email = /^<(.*)>$/.exec(words.at(-1) ?? '')?.[1];
    if (words.length === 0) return refuse('author is an empty string');
    return named((email === undefined ? words : words.slice(0, -1)).join(' '), email ?? '');
  }
  if (!isObject(value)) return refuse(UNUSABLE);
  const [name, email] = ['name', 'email'].map((key) => {
    const text = objectGet(value, key);
    return typeof text === 'string' ? text.trim() : '';
  }) as [string, string];
  return name === '' && email === '' ? refuse("'name' and/or 'email' values required in object") : named(name, email);
}

function named(name: string, email: string): Value {
  return { ...(name === '' ? {} : { name }), ...(email === '' ? {} : { email }) };
}

/** A value as Go's `%s` shows it. */
function goText(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return `%!s(bool=${String(value)})`;
  if (isNumber(value)) return `%!s(${toInteger(value) === undefined ? 'float64' : 'int'}=${numberText(value)})`;
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(goText).join(' ')}]`;
  if (!isObject(value)) return '%!s(<nil>)';
  return `map[${objectEntries(value)
    .map(([key, each]) => `${goText(key)}:${goText(each)}`)
    .join(' ')}]`;
}
