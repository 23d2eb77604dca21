import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { jsonSchemaOf } from './json-schema.ts';
import { referenceOf } from './reference.ts';
import type { Shape } from './shape.ts';

const PAGES = [
  ['sidecar', 'docs/configuration.md'],
  ['authority', 'docs/authority-configuration.md'],
  ['cluster', 'docs/cluster-configuration.md'],
] as const;

for (const [kind, page] of PAGES) {
  test(`${page} is what the schema says: run npm run docs:configuration`, () => {
    const file = new URL(`../../../../${page}`, import.meta.url);
    assert.equal(readFileSync(file, 'utf8'), referenceOf(kind));
  });

  test(`${page} has every key of its file, with its type and what it means`, () => {
    const rows = [...referenceOf(kind).matchAll(/^\| `([^`]+)` \| (.+) \| (.*) \| (.*) \|$/gm)];
    for (const [row, , type = '', , description] of rows) {
      const constant = /^`[^`]+`$/.test(type);
      assert.ok(type !== '' && (constant || description !== ''), row);
    }
    const documented = new Set(rows.map(([, key = '']) => key.replaceAll(/\([^)]*\)/g, '')));
    for (const key of keysOf(jsonSchemaOf(kind), '')) assert.ok(documented.has(key), key);
  });
}

/** Of everything that is no mapping itself. */
function keysOf(shape: Shape, key: string): string[] {
  const place = (part: string): string => (key === '' ? part : `${key}.${part}`);
  const named = shape.additionalProperties;
  const below = [
    ...Object.entries(shape.properties ?? {}).flatMap(([name, child]) => keysOf(child, place(name))),
    ...(typeof named === 'object' ? keysOf(named, place('<name>')) : []),
    ...(shape.items === undefined ? [] : keysOf(shape.items, `${key}[]`)),
    ...(shape.oneOf ?? shape.anyOf ?? []).flatMap((member) => keysOf(member, key)),
  ];
  const isMapping = shape.properties !== undefined || typeof named === 'object' || shape.type === 'array';
  if (isMapping || shape.oneOf !== undefined || shape.anyOf !== undefined) return below;
  return key.endsWith(']') || key.endsWith('<name>') ? [] : [key];
}
