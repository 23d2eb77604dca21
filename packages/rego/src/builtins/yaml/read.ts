/** Reads YAML as Go's yaml does on the way to JSON: keys are texts, the last of two equal ones counts. */
import { numberFromInteger, parseNumber } from '../../value/number.ts';
import { emptyObject } from '../../value/object.ts';
import type { Value } from '../../value/value.ts';
import { decodeBase64 } from '../base64.ts';
import { BuiltinError } from '../builtin.ts';
import { fromBytes } from '../bytes.ts';
import { formatFloat } from '../go-float.ts';
import { type AliasNode, composeFirst, type MappingNode, type Node, type ScalarNode } from './compose.ts';
import { type Mark, YamlError } from './failure.ts';
import { goSyntax } from './go-syntax.ts';
import { readTimestamp, resolveScalar, type Scalar } from './scalar.ts';

/** @throws BuiltinError */
export function readYaml(text: string): Value {
  return readNode(composeFirst(text));
}

/** The value of a document; without one, null. @throws BuiltinError */
export function readNode(root: Node | undefined): Value {
  return root === undefined ? null : new Reader().value(root);
}

const STANDARD = 'tag:yaml.org,2002:';
const RESOLVABLE: ReadonlySet<string> = new Set(['bool', 'int', 'float', 'null', 'timestamp']);
const KINDS: Readonly<Record<Scalar['kind'], string>> = {
  text: '!!str',
  null: '!!null',
  merge: '!!merge',
  timestamp: '!!timestamp',
  boolean: '!!bool',
  integer: '!!int',
  float: '!!float',
};

class Reader {
  readonly #read = new Map<Node, { readonly value: Value; readonly size: number }>();
  readonly #open = new Set<Node>();
  #decoded = 0;
  #aliased = 0;

  value(node: Node): Value {
    if (node.kind === 'alias') return this.#alias(node);
    if (node.kind === 'scalar') {
      this.#count(1, 0);
      return scalarValue(node);
    }
    const known = this.#read.get(node);
    if (known !== undefined) {
      this.#count(known.size, 0);
      return known.value;
    }
    const before = this.#decoded;
    this.#count(1, 0);
    this.#open.add(node);
    const value = node.kind === 'sequence' ? node.items.map((item) => this.value(item)) : this.#mapping(node);
    this.#open.delete(node);
    this.#read.set(node, { value, size: this.#decoded - before });
    return value;
  }

  #alias({ name, target, mark }: AliasNode): Value {
    const { node } = target;
    if (node === undefined || this.#open.has(node)) {
      throw new YamlError(`yaml: anchor '${name}' value contains itself`, mark);
    }
    const before = this.#decoded;
    const value = this.value(node);
    this.#count(0, this.#decoded - before);
    return value;
  }

  /** Aliases may make a small document large; Go allows them less the larger it becomes. */
  #count(decoded: number, aliased: number): void {
    this.#decoded += decoded;
    this.#aliased += aliased;
    if (this.#aliased > 100 && this.#decoded > 1000 && this.#aliased / this.#decoded > allowedRatio(this.#decoded)) {
      throw new BuiltinError('yaml: document contains excessive aliasing');
    }
  }

  #mapping({ pairs }: MappingNode): Value {
    const own = emptyObject();
    const merging: Node[] = [];
    for (const [key, value] of pairs) {
      if (isMerge(key)) merging.push(value);
      else own[this.#keyText(key, value)] = this.value(value);
    }
    if (merging.length === 0) return own;
    const merges = merging.flatMap((value) => this.#merged(value));
    // What stands in the mapping itself wins, then the first of those that are merged into it.
    const all = emptyObject();
    for (const merged of [...merges.reverse(), own]) Object.assign(all, merged);
    return all;
  }

  #merged(node: Node): readonly Record<string, Value>[] {
    const list = node.kind === 'sequence' ? node.items : [node];
    return list.map((item) => {
      const target = item.kind === 'alias' ? item.target.node : item;
      if (target?.kind === 'mapping') return this.value(item) as Record<string, Value>;
      throw new YamlError('yaml: map merge requires map or sequence of maps as the value', item.mark);
    });
  }

  #keyText(node: Node, value: Node): string {
    const target = node.kind === 'alias' ? (node.target.node ?? node) : node;
    if (target.kind !== 'scalar')
      throw new YamlError(`yaml: invalid map key: ${goSyntax(this.value(node))}`, node.mark);
    const key = scalarKey(target);
    if (key === null) {
      const shown = goSyntax(this.value(value));
      throw new YamlError(`unsupported map key of type: %!s(<nil>), key: <nil>, value: ${shown}`, node.mark);
    }
    return key;
  }
}

function allowedRatio(decoded: number): number {
  const [low, high] = [400_000, 4_000_000];
  if (decoded <= low) return 0.99;
  return decoded >= high ? 0.1 : 0.99 - 0.89 * ((decoded - low) / (high - low));
}

function isMerge(node: Node): boolean {
  return (
    node.kind === 'scalar' && node.text === '<<' && (node.tag === '' ? node.isPlain : node.tag === `${STANDARD}merge`)
  );
}

/** What Go's yaml calls the kind of a scalar: `!!int`. @throws BuiltinError */
export function scalarTag(node: ScalarNode): string {
  return KINDS[resolved(node).kind];
}

/** What the scalar stands for, by its tag or by its look. */
function resolved({ text, isPlain, tag, mark }: ScalarNode): Scalar {
  if (tag === '' || tag === '!') {
    // Only a tag makes a time of what looks like one.
    return isPlain && !/^\d{4}-/.test(text) ? resolveScalar(text) : { kind: 'text' };
  }
  const name = tag.startsWith(STANDARD) ? tag.slice(STANDARD.length) : '';
  if (!RESOLVABLE.has(name)) return { kind: 'text' };
  const scalar = resolveScalar(text);
  if (KINDS[scalar.kind] === `!!${name}`) return scalar;
  if (name === 'float' && scalar.kind === 'integer') return { kind: 'float', value: Number(scalar.value) };
  throw new YamlError(`yaml: cannot decode ${KINDS[scalar.kind]} \`${text}\` as a !!${name}`, mark);
}

function scalarValue(node: ScalarNode): Value {
  return valueOf(node, resolved(node));
}

function valueOf(node: ScalarNode, scalar: Scalar): Value {
  switch (scalar.kind) {
    case 'null':
      return null;
    case 'boolean':
      return scalar.value;
    case 'integer':
      return numberFromInteger(scalar.value);
    case 'float':
      return floatValue(scalar.value, node.mark);
    case 'timestamp':
      return timestampText(readTimestamp(node.text) ?? 0n);
    default:
      return node.tag === `${STANDARD}binary` ? binaryText(node) : node.text;
  }
}

function floatValue(value: number, mark: Mark): Value {
  if (!Number.isFinite(value)) throw new YamlError(`json: unsupported value: ${formatFloat(value, 'g')}`, mark);
  return parseNumber(Object.is(value, -0) ? '-0' : String(value));
}

/** As JSON shows times. */
function timestampText(nanoseconds: bigint): string {
  const [milliseconds, rest] = [nanoseconds / 1_000_000n, nanoseconds % 1_000_000_000n];
  const date = new Date(Number(milliseconds)).toISOString().slice(0, 19);
  const fraction = String(rest).padStart(9, '0').replace(/0+$/, '');
  return `${date}${fraction === '' ? '' : `.${fraction}`}Z`;
}

function binaryText({ text, mark }: ScalarNode): string {
  try {
    return fromBytes(decodeBase64(text.replace(/[\r\n]/g, ''), 'base64')).toWellFormed();
  } catch (error) {
    if (!(error instanceof BuiltinError)) throw error;
    throw new YamlError('yaml: !!binary value contains invalid base64 data', mark);
  }
}

/** Keys of JSON are texts; Go writes numbers among them with the digits of 32 bits. */
function scalarKey(node: ScalarNode): string | null {
  const scalar = resolved(node);
  if (scalar.kind === 'null') return null;
  if (scalar.kind === 'boolean' || scalar.kind === 'integer') return String(scalar.value);
  if (scalar.kind !== 'float') return valueOf(node, scalar) as string;
  const { value } = scalar;
  if (Number.isFinite(value)) return shortFloat(value);
  return Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf';
}

/** The fewest digits that tell a number from all others of 32 bits. */
function shortFloat(value: number): string {
  for (let digits = 1; digits < 10; digits += 1) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === Math.fround(value)) return formatFloat(Number(text), 'g');
  }
  return formatFloat(value, 'g');
}
