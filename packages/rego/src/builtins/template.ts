/** `strings.render_template`: Go's text/template over JSON values, without defining or calling other templates. */
import { BigNumber, isNumber, numberText } from '../value/number.ts';
import { isObject, objectEntries, objectGet, objectSize } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { objectOperand, stringOperand } from './operand.ts';
import { formatGo } from './sprintf.ts';
import { type Node, type Operand, type Pipe, parseTemplate } from './template-parser.ts';
import { ANY, objectOf, STRING } from './type.ts';
import { queryEscape } from './url-escape.ts';

export const TEMPLATE: readonly Builtin[] = [
  {
    name: 'strings.render_template',
    args: [STRING, objectOf(STRING, ANY)],
    result: STRING,
    evaluate: (context, template, variables) => {
      const text = stringOperand(template, 1);
      return new Renderer(context, objectOperand(variables, 2)).render(text);
    },
  },
];

/** A number that the template itself made; numbers of the document are texts to Go, and do not compare with these. */
class TemplateNumber {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** Undefined is a missing value. */
type Item = Value | TemplateNumber | undefined;
type TemplateFunction = (args: readonly Item[]) => Item;

class Signal extends Error {
  readonly leaves: boolean;
  constructor(leaves: boolean) {
    super('loop control outside a loop');
    this.leaves = leaves;
  }
}

const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['not', ([x]) => !isTrue(x)],
  ['len', ([x]) => new TemplateNumber(length(x))],
  ['index', ([x, ...keys]) => keys.reduce(at, x)],
  ['slice', ([x, from, to]) => slice(x, from, to)],
  ['print', (args) => args.map(goText).join('')],
  ['println', (args) => `${args.map(goText).join(' ')}\n`],
  ['printf', ([format, ...args]) => formatGo(goText(format), args.map(printable))],
  [
    'html',
    (args) =>
      args
        .map(goText)
        .join('')
        .replace(/["&'<>\0]/g, escapeHtml),
  ],
  [
    'js',
    (args) =>
      args
        .map(goText)
        .join('')
        .replace(/[\\'"<>&=\n\r\t]/g, escapeScript),
  ],
  ['urlquery', (args) => queryEscape(args.map(goText).join(''))],
  ['eq', ([x, ...others]) => others.some((y) => same(x, y))],
  ['ne', ([x, y]) => !same(x, y)],
  ['lt', ([x, y]) => order(x, y) < 0],
  ['le', ([x, y]) => order(x, y) <= 0],
  ['gt', ([x, y]) => order(x, y) > 0],
  ['ge', ([x, y]) => order(x, y) >= 0],
]);
/** These do not evaluate the arguments that they do not need. */
const LAZY: ReadonlySet<string> = new Set(['and', 'or']);
const NAMES: ReadonlySet<string> = new Set([...FUNCTIONS.keys(), ...LAZY]);
const MAX_OUTPUT = 16 * 1024 * 1024;

class Renderer {
  readonly #context: BuiltinContext;
  readonly #root: ObjectValue;
  #output = '';
  /** Innermost last. */
  #variables: { name: string; value: Item }[];

  constructor(context: BuiltinContext, root: ObjectValue) {
    this.#context = context;
    this.#root = root;
    this.#variables = [{ name: '$', value: root }];
  }

  render(template: string): string {
    const nodes = this.#context.patterns.get(`template ${template}`, () => parseTemplate(template, NAMES));
    try {
      this.#list(nodes, this.#root);
    } catch (error) {
      if (error instanceof Signal) throw failure(error.message);
      throw error;
    }
    return this.#output.replaceAll('<no value>', '<undefined>');
  }

  #list(nodes: readonly Node[], dot: Item): void {
    const known = this.#variables.length;
    for (const node of nodes) this.#node(node, dot);
    this.#variables.length = known;
  }

  #node(node: Node, dot: Item): void {
    this.#context.spend(1);
    switch (node.kind) {
      case 'text':
        this.#write(node.text);
        return;
      case 'action': {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.#write(goText(value));
        return;
      }
      case 'break':
      case 'continue':
        throw new Signal(node.kind === 'break');
      default:
        this.#control(node, dot);
    }
  }

  #control(node: Node & { kind: 'if' | 'with' | 'range' }, dot: Item): void {
    const known = this.#variables.length;
    const value = this.#pipe(node.pipe, dot);
    if (node.kind === 'range') this.#range(node, value, dot);
    else if (isTrue(value)) this.#list(node.body, node.kind === 'with' ? value : dot);
    else this.#list(node.otherwise, dot);
    this.#variables.length = known;
  }

  #range(node: Node & { kind: 'if' | 'with' | 'range' }, value: Item, dot: Item): void {
    const items = itemsOf(value);
    if (items.length === 0) {
      this.#list(node.otherwise, dot);
      return;
    }
    const known = this.#variables.length;
    for (const [key, item] of items) {
      const [first, second] = node.pipe.variables;
      if (first !== undefined) this.#variables.push({ name: first, value: second === undefined ? item : key });
      if (second !== undefined) this.#variables.push({ name: second, value: item });
      try {
        this.#list(node.body, item);
      } catch (error) {
        if (!(error instanceof Signal)) throw error;
        if (error.leaves) break;
      } finally {
        this.#variables.length = known;
      }
    }
  }

  #pipe(pipe: Pipe, dot: Item): Item {
    let value: Item;
    let previous: readonly Item[] = [];
    for (const command of pipe.commands) {
      value = this.#command(command, dot, previous);
      previous = [value];
    }
    const [name] = pipe.variables;
    if (name !== undefined && pipe.assigns) {
      const variable = this.#variables.findLast((known) => known.name === name);
      if (variable === undefined) throw failure(`undefined variable "${name}"`);
      variable.value = value;
    } else if (name !== undefined) this.#variables.push({ name, value });
    return value;
  }

  #command([first, ...rest]: readonly Operand[], dot: Item, previous: readonly Item[]): Item {
    if (first === undefined) return undefined;
    if (first.kind !== 'function') {
      if (rest.length + previous.length > 0) throw failure("can't give argument to non-function");
      return this.#operand(first, dot);
    }
    if (LAZY.has(first.name)) return this.#lazy(first.name === 'and', rest, dot, previous);
    const args = [...rest.map((operand) => this.#operand(operand, dot)), ...previous];
    const needs = ['print', 'println', 'html', 'js', 'urlquery'].includes(first.name) ? 0 : 1;
    if (args.length < needs)
      throw failure(`wrong number of args for ${first.name}: want at least ${needs} got ${args.length}`);
    return FUNCTIONS.get(first.name)?.(args);
  }

  #lazy(wantsAll: boolean, operands: readonly Operand[], dot: Item, previous: readonly Item[]): Item {
    let value: Item;
    for (const operand of operands) {
      value = this.#operand(operand, dot);
      if (isTrue(value) !== wantsAll) return value;
    }
    return previous.length > 0 ? previous[0] : value;
  }

  #operand(operand: Operand, dot: Item): Item {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        throw failure('nil is not a command');
      case 'boolean':
      case 'string':
        return operand.value;
      case 'number':
        return new TemplateNumber(Number(operand.text));
      case 'variable': {
        const variable = this.#variables.findLast(({ name }) => name === operand.name);
        if (variable === undefined) throw failure(`undefined variable "${operand.name}"`);
        return variable.value;
      }
      case 'function':
        return this.#command([operand], dot, []);
      case 'pipe':
        return this.#pipe(operand.pipe, dot);
      default:
        return operand.names.reduce(fieldOf, this.#operand(operand.of, dot));
    }
  }

  #write(text: string): void {
    this.#output += text;
    if (this.#output.length > MAX_OUTPUT) throw new BuiltinError(`string longer than ${MAX_OUTPUT} characters`);
  }
}

function failure(message: string): BuiltinError {
  return new BuiltinError(`template: template: executing "template": ${message}`);
}

function fieldOf(value: Item, name: string): Item {
  if (value === undefined || value === null) {
    if (value === null) throw failure(`nil pointer evaluating interface {}.${name}`);
    return undefined;
  }
  if (value instanceof TemplateNumber || !isObject(value))
    throw failure(`can't evaluate field ${name} in type ${typeOf(value)}`);
  return objectGet(value, name);
}

function isTrue(value: Item): boolean {
  if (value === undefined || value === null || value === false || value === '') return false;
  if (value instanceof TemplateNumber) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  return !isObject(value) || objectSize(value) > 0;
}

function itemsOf(value: Item): readonly (readonly [Item, Item])[] {
  if (value === undefined || value === null) return [];
  if (value instanceof TemplateNumber) {
    if (value.value > 100_000) throw failure('range is too long');
    return Array.from(
      { length: Math.max(0, value.value) },
      (_, index) => [new TemplateNumber(index), new TemplateNumber(index)] as const,
    );
  }
  if (Array.isArray(value)) return value.map((item, index) => [new TemplateNumber(index), item as Value] as const);
  if (isObject(value)) return objectEntries(value);
  throw failure(`range can't iterate over ${goText(value)}`);
}

function length(value: Item): number {
  if (typeof value === 'string') return new TextEncoder().encode(value).length;
  if (Array.isArray(value)) return value.length;
  if (value !== undefined && !(value instanceof TemplateNumber) && isObject(value)) return objectSize(value);
  throw failure(`error calling len: len of type ${typeOf(value)}`);
}

function at(value: Item, key: Item): Item {
  if (Array.isArray(value)) {
    const index = key instanceof TemplateNumber ? key.value : Number.NaN;
    if (!Number.isInteger(index))
      throw failure(`error calling index: cannot index slice/array with type ${typeOf(key)}`);
    if (index < 0 || index >= value.length) throw failure(`error calling index: index out of range: ${index}`);
    return value[index] as Value;
  }
  if (value === undefined || value instanceof TemplateNumber || !isObject(value)) {
    throw failure(`error calling index: can't index item of type ${typeOf(value)}`);
  }
  if (typeof key !== 'string') throw failure(`error calling index: value has type ${typeOf(key)}; should be string`);
  return objectGet(value, key);
}

function slice(value: Item, from: Item, to: Item): Item {
  const bound = (item: Item): number | undefined => (item instanceof TemplateNumber ? item.value : undefined);
  if (typeof value === 'string') return value.slice(bound(from), bound(to));
  if (Array.isArray(value)) return (value as readonly Value[]).slice(bound(from), bound(to));
  throw failure(`error calling slice: can't slice item of type ${typeOf(value)}`);
}

/** Go compares texts with texts and numbers with numbers only; the document's numbers are texts. */
function comparable(value: Item): string | number | boolean {
  if (value instanceof TemplateNumber) return value.value;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (isNumber(value)) return numberText(value);
  throw failure(`non-comparable type ${goText(value)}: ${typeOf(value)}`);
}

function pair(x: Item, y: Item): readonly [string | number | boolean, string | number | boolean] {
  const [left, right] = [comparable(x), comparable(y)];
  if (typeof left !== typeof right) throw failure(`incompatible types for comparison: ${typeOf(x)} and ${typeOf(y)}`);
  return [left, right];
}

function same(x: Item, y: Item): boolean {
  if (x === null || y === null || x === undefined || y === undefined) return (x ?? null) === (y ?? null);
  const [left, right] = pair(x, y);
  return left === right;
}

function order(x: Item, y: Item): number {
  const [left, right] = pair(x, y);
  if (typeof left === 'boolean') throw failure('invalid type for comparison');
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function typeOf(value: Item): string {
  if (value instanceof TemplateNumber) return Number.isInteger(value.value) ? 'int' : 'float64';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number' || value instanceof BigNumber) return 'json.Number';
  if (Array.isArray(value)) return '[]interface {}';
  return value === undefined || value === null ? 'nil' : 'map[string]interface {}';
}

/** As Go prints with %v. */
function goText(value: Item): string {
  if (value === undefined || value === null) return '<no value>';
  if (value instanceof TemplateNumber) return String(value.value);
  if (isNumber(value)) return numberText(value);
  if (Array.isArray(value)) return `[${value.map((item) => innerText(item as Value)).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  if (!isObject(value)) return goText([...value]);
  return `map[${objectEntries(value)
    .map(([key, item]) => `${innerText(key)}:${innerText(item)}`)
    .join(' ')}]`;
}

function innerText(value: Value): string {
  return value === null ? '<nil>' : goText(value);
}

function printable(value: Item): Value {
  if (value instanceof TemplateNumber) return value.value;
  return typeof value === 'string' ? value : goText(value);
}

function escapeHtml(char: string): string {
  const named: Readonly<Record<string, string>> = {
    '"': '&#34;',
    "'": '&#39;',
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
  };
  return named[char] ?? '\ufffd';
}

function escapeScript(char: string): string {
  const named: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '"': '\\"' };
  return named[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}
