/** Holds a bundle to its roots: no package and no document of somebody else. */
import type { Module } from '../syntax/ast.ts';
import type { ObjectValue } from '../value/value.ts';
import type { BundleDiagnostic } from './bundle-diagnostic.ts';
import { documentsOutside, isWithin, type RootPath } from './roots.ts';

export function checkRoots(
  roots: readonly RootPath[],
  modules: readonly Module[],
  data: ObjectValue,
): BundleDiagnostic[] {
  const permitted = roots.map((root) => `'${root.join('/')}'`).join(', ');
  const packages = modules
    .filter((module) => !isWithin(roots, module.package.path))
    .map(({ file, package: { path, location } }) => ({
      file,
      line: location.row,
      column: location.col,
      message: `the manifest's roots (${permitted}) do not permit the package ${path.join('.')}`,
      hint: 'change the roots in .manifest, or the package',
    }));
  const documents = documentsOutside(roots, data).map((path) => ({
    file: '',
    message: `the manifest's roots (${permitted}) do not permit data.${path.join('.')}`,
    hint: 'change the roots in .manifest, or the folder of the data',
  }));
  return [...packages, ...documents];
}
