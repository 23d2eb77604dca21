import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { jsonSchemaOf } from './json-schema.ts';
import type { Shape } from './shape.ts';

const EXAMPLE = new URL('../../../../examples/three-zones/', import.meta.url);
const example = (name: string): unknown => parse(readFileSync(new URL(name, EXAMPLE), 'utf8'));
const validator = (kind: Parameters<typeof jsonSchemaOf>[0]) =>
  z.fromJSONSchema(JSON.parse(JSON.stringify(jsonSchemaOf(kind))) as Parameters<typeof z.fromJSONSchema>[0]);

test('the published schema of a sidecar refuses what the loader refuses', () => {
  const schema = validator('sidecar');
  for (const wrong of [
    [],
    { htp: {} },
    { http: { addr: 8443 } },
    { http: { read_timeout: '5 m' } },
    { http: { tls: { client_auth: 'maybe' } } },
    { proxy: { mode: 'transparent' } },
    { egress: { routes: [{ path_prefix: '/a' }] } },
    { egress: { targets: { a: { url: 'https://a', auth: { type: 'magic' } } } } },
  ]) {
    assert.equal(schema.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
});

test('the example files are valid under the published schemas', () => {
  for (const name of ['gateway', 'order-service', 'payment-service', 'data-service']) {
    const { error } = validator('sidecar').safeParse(example(`${name}.yaml`));
    assert.equal(error, undefined, name);
  }
  assert.equal(validator('lab').safeParse(example('lab.yaml')).error, undefined);
});

for (const kind of ['sidecar', 'lab', 'cluster', 'idp', 'realm', 'roles'] as const) {
  test(`the schema of ${kind} is JSON Schema 2020-12 and describes every value`, () => {
    const schema = jsonSchemaOf(kind);
    assert.equal((schema as { $schema?: string }).$schema, 'https://json-schema.org/draft/2020-12/schema');
    assert.deepEqual(undescribed(schema, kind), []);
  });
}

test('a secret is written once or named by a file', () => {
  const schema = jsonSchemaOf('sidecar');
  const target = schema.properties?.['egress']?.properties?.['targets']?.additionalProperties as Shape;
  const members = target.properties?.['auth']?.oneOf ?? [];
  const auth = members.find(({ properties }) => properties?.['type']?.const === 'oauth2_client_credentials');
  assert.equal(auth?.properties?.['client_secret']?.writeOnly, true);
  assert.equal(auth?.properties?.['client_secret_file']?.format, 'path');
  assert.ok(!auth?.required?.includes('client_secret'));
  const file = (auth: object) => ({ egress: { targets: { a: { url: 'https://a', auth } } } });
  const accepts = (value: unknown): boolean => validator('sidecar').safeParse(value).success;
  assert.equal(accepts(file({ type: 'bearer' })), false);
  assert.equal(accepts(file({ type: 'bearer', token: '${A}' })), true);
  assert.equal(accepts(file({ type: 'bearer', token_file: '/a' })), true);
});

/** Paths of keys without a description; a mapping speaks through its keys, a constant for itself. */
function undescribed(shape: Shape, path: string): string[] {
  const properties = Object.entries(shape.properties ?? {});
  const missing = properties.filter(
    ([, child]) => child.description === undefined && child.const === undefined && child.type !== 'object',
  );
  const others = [shape.items, shape.additionalProperties, ...(shape.anyOf ?? []), ...(shape.oneOf ?? [])];
  return [
    ...missing.map(([key]) => `${path}.${key}`),
    ...properties.flatMap(([key, child]) => undescribed(child, `${path}.${key}`)),
    ...others.filter((other) => typeof other === 'object').flatMap((other) => undescribed(other, `${path}.*`)),
  ];
}
