/** Manifests of Kubernetes, several in one file, as plain data. */
import assert from 'node:assert/strict';
import { readYaml } from '../../packages/sidegate/src/config/yaml-source.ts';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string; readonly [key: string]: unknown };
  readonly spec?: unknown;
  readonly data?: Readonly<Record<string, string>>;
}

/** The `spec` of the one object of this kind and name. */
export function specOf(manifests: readonly Manifest[], kind: string, name: string): unknown {
  const [found, ...more] = manifests.filter((each) => each.kind === kind && each.metadata.name === name);
  assert.ok(found !== undefined && more.length === 0, `one ${kind} ${name}`);
  return found.spec;
}

export function readManifests(text: string): readonly Manifest[] {
  return text.split(/^---$/m).map((document) => {
    const { value, diagnostics } = readYaml(document, 'manifest.yaml');
    assert.deepEqual(diagnostics, []);
    return value as Manifest;
  });
}
