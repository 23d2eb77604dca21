/** `strings.render_template`: Go's text/template over JSON values. */
import { BigNumber } from '../value/number.ts';
import { isObject, objectEntries } from '../value/object.ts';
import type { ObjectValue, Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { unmarshal } from './encoding.ts';
import { objectOperand, stringOperand } from './operand.ts';
import { formatArguments } from './sprintf.ts';
import { type Node, type Operand, type Pipe, parseTemplate } from './template-parser.ts';
import {
  at,
  escapeHtml,
  escapeScript,
  failure,
  fieldOf,
  goText,
  type Item,
  isTrue,
  itemsOf,
  length,
  order,
  printed,
  printfArgument,
  same,
  shownText,
  slice,
  TemplateNumber,
} from './template-values.ts';
import { quote, regoText } from './text.ts';
import { ANY, objectOf, STRING } from './type.ts';
import { queryEscape } from './url-escape.ts';

export const TEMPLATE: readonly Builtin[] = [
  {
    name: 'strings.render_template',
    args: [STRING, objectOf(STRING, ANY)],
    result: STRING,
    evaluate: (context, template, variables) => {
      const text = stringOperand(template, 1);
      const root = objectOperand(variables, 2);
      if (!isJson(root)) unmarshal(regoText(root));
      return new Renderer(context, root).render(text);
    },
  },
];

/** OPA reads the text of the variables as JSON, and says what that says of sets and of keys that are no texts. */
function isJson(value: Value): boolean {
  if (value === null || typeof value !== 'object' || value instanceof BigNumber) return true;
  if (Array.isArray(value)) return (value as readonly Value[]).every(isJson);
  return isObject(value) && objectEntries(value).every(([key, member]) => typeof key === 'string' && isJson(member));
}

function formatOf(format: Item): string {
  if (typeof format === 'string') return format;
  throw failure(`error calling printf: expected string; found ${goText(format)}`);
}

type TemplateFunction = (args: readonly Item[]) => Item;

class Signal extends Error {
  readonly leaves: boolean;
  constructor(leaves: boolean) {
    super('loop control');
    this.leaves = leaves;
  }
}

const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['not', ([x]) => !isTrue(x)],
  ['len', ([x]) => new TemplateNumber(length(x))],
  ['index', ([x, ...keys]) => keys.reduce(at, x)],
  ['slice', ([x, from, to]) => slice(x, from, to)],
  ['print', printed],
  ['println', (args) => `${args.map(shownText).join(' ')}\n`],
  ['printf', ([format, ...args]) => formatArguments(formatOf(format), args.map(printfArgument))],
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
/** How deeply templates use templates. */
const MAX_DEPTH = 500;
const MAX_OUTPUT = 16 * 1024 * 1024;

class Renderer {
  readonly #context: BuiltinContext;
  readonly #root: ObjectValue;
  #output = '';
  #defined: ReadonlyMap<string, readonly Node[]> = new Map();
  #depth = 0;
  /** Innermost last. */
  #variables: { name: string; value: Item }[];

  constructor(context: BuiltinContext, root: ObjectValue) {
    this.#context = context;
    this.#root = root;
    this.#variables = [{ name: '$', value: root }];
  }

  render(template: string): string {
    const { nodes, defined } = this.#context.patterns.get(`template ${template}`, () => parseTemplate(template, NAMES));
    this.#defined = defined;
    this.#list(nodes, this.#root);
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
      case 'template':
        this.#template(node.name, node.pipe === undefined ? undefined : this.#pipe(node.pipe, dot));
        return;
      case 'break':
      case 'continue':
        throw new Signal(node.kind === 'break');
      default:
        this.#control(node, dot);
    }
  }

  /** Sees no variables of the template that it stands in; `$` is what it is about. */
  #template(name: string, dot: Item): void {
    const nodes = this.#defined.get(name);
    if (nodes === undefined) throw failure(`template ${quote(name)} not defined`);
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw failure(`exceeded maximum template depth (${MAX_DEPTH})`);
    const outer = this.#variables;
    this.#variables = [{ name: '$', value: dot }];
    this.#list(nodes, dot);
    this.#variables = outer;
    this.#depth -= 1;
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
      if (first.kind === 'nil') throw failure('nil is not a command');
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
    if (operands.length + previous.length === 0) {
      throw failure(`wrong number of args for ${wantsAll ? 'and' : 'or'}: want at least 1 got 0`);
    }
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
        return null;
      case 'boolean':
      case 'string':
        return operand.value;
      case 'number':
        return new TemplateNumber(operand.value, operand.isFloat);
      case 'variable':
        return this.#variables.findLast(({ name }) => name === operand.name)?.value;
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
