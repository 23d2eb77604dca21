/** The reference of every key, as Markdown: made from the schema, so that it says what the loader does. */
import { jsonSchemaOf } from './json-schema.ts';
import type { KindName } from './load.ts';
import type { Shape } from './shape.ts';

interface Row {
  readonly key: string;
  readonly type: string;
  readonly fallback: string;
  readonly description: string;
}

/** One table a chapter, a row a key. */
export function referenceOf(kind: KindName): string {
  const schema = jsonSchemaOf(kind);
  const chapters = Object.entries(schema.properties ?? {}).map(([name, shape]) => {
    const rows = [...rowsOf(shape, name, schema.required?.includes(name) === true)].map(tableRow).join('');
    return `\n## \`${name}\`\n\n| key | type | default | |\n|---|---|---|---|\n${rows}`;
  });
  return `# ${TITLES[kind]}\n\n${introductionOf(kind)}\n${chapters.join('')}`;
}

const TITLES: Readonly<Record<KindName, string>> = {
  sidecar: 'Configuration',
  authority: 'Configuration of the authority',
  idp: 'Configuration of the lab identity provider',
  lab: 'Configuration of a lab',
  cluster: 'Configuration of a cluster',
  realm: 'Realm files',
  roles: 'Files of roles',
};

const COMMANDS: Partial<Record<KindName, string>> = {
  sidecar: 'sidegate sidecar',
  authority: 'sidegate authority',
  cluster: 'cluster.yaml',
};

/** Only a sidecar's keys can be overridden from the environment. */
function introductionOf(kind: KindName): string {
  const override =
    kind === 'sidecar' ? ', and each key can be overridden there: `AUTHZ_` and\nits path, as `AUTHZ_HTTP_ADDR`' : '';
  const kindOption = kind === 'sidecar' ? '' : ` --kind ${kind}`;
  return [
    `Every key of a \`${COMMANDS[kind] ?? kind}\` file, made from the schema by \`npm run docs:configuration\`. A key that is not here is an`,
    `error. \`$\{VAR}\` and \`$\{VAR:-text}\` in a value are replaced from the environment${override}. Durations are \`500ms\`, \`60s\`, \`5m\`, \`1h\`, \`90d\`. \`sidegate config check${kindOption}\` reports every mistake in`,
    `a file, \`sidegate config schema${kindOption}\` prints the JSON Schema for an editor.`,
  ].join('\n');
}

function* rowsOf(shape: Shape, key: string, required: boolean): Generator<Row> {
  const members = shape.oneOf ?? shape.anyOf ?? [];
  const below = [...children(shape, key), ...members.flatMap((member) => [...children(member, key)])];
  // A mapping speaks through its keys, unless it has something to say itself.
  if (below.length === 0 || shape.description !== undefined || shape.type === 'array') {
    yield { key, type: typeOf(shape), fallback: fallbackOf(shape, required), description: descriptionOf(shape) };
  }
  const seen = new Set<string>();
  for (const [child, place, needed] of below) {
    const rows = [...rowsOf(child, place, needed)];
    for (const row of rows) {
      const text = JSON.stringify(row);
      if (!seen.has(text)) yield row;
      seen.add(text);
    }
  }
}

function* children(shape: Shape, key: string): Generator<[shape: Shape, key: string, required: boolean]> {
  const own = Object.entries(shape.properties ?? {});
  const kind = own.find(([, { const: constant }]) => constant !== undefined && typeof constant === 'string');
  for (const [name, child] of own) {
    const place = kind === undefined || name === kind[0] ? key : `${key}(${kind[1].const as string})`;
    yield [child, `${place}.${name}`, shape.required?.includes(name) === true && child.default === undefined];
  }
  const named = shape.additionalProperties;
  if (typeof named === 'object') yield* entries(named, `${key}.<name>`);
  if (shape.items !== undefined) yield* entries(shape.items, `${key}[]`);
}

/** Of a mapping or a list whose members are mappings. */
function* entries(shape: Shape, key: string): Generator<[shape: Shape, key: string, required: boolean]> {
  if (shape.properties !== undefined) yield* children(shape, key);
  for (const member of shape.oneOf ?? shape.anyOf ?? []) yield* children(member, key);
}

function typeOf(shape: Shape): string {
  const values = shape.enum ?? (shape.const === undefined ? [] : [shape.const]);
  if (values.length > 0) return values.map((value) => `\`${String(value)}\``).join(' or ');
  const members = shape.oneOf ?? shape.anyOf;
  if (members !== undefined) return [...new Set(members.map(typeOf))].join(' or ');
  if (shape.type === 'array') return `list of ${shape.items === undefined ? 'values' : typeOf(shape.items)}`;
  if (shape.type === 'object') return 'mapping';
  if (shape.writeOnly === true) return 'secret';
  if (shape.format === 'path') return 'path';
  return shape.type ?? 'any';
}

function fallbackOf({ default: fallback }: Shape, required: boolean): string {
  if (required) return 'required';
  if (fallback === undefined || JSON.stringify(fallback) === '{}') return '';
  return `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
}

function descriptionOf({ description = '', examples = [], default: fallback }: Shape): string {
  if (fallback !== undefined || examples.length === 0) return description;
  const shown = examples.slice(0, 2).map((example) => `\`${example}\``);
  return `${description} For example ${shown.join(' or ')}.`.trim();
}

function tableRow({ key, type, fallback, description }: Row): string {
  return `| \`${key}\` | ${[type, fallback, description].map((text) => text.replaceAll('|', '\\|')).join(' | ')} |\n`;
}
