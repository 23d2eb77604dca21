/** Holds a bundle to its roots: no package and no document of somebody else. */
import { parseModule } from '../syntax/parse-module.ts';
import type { ObjectValue } from '../value/value.ts';
import type { BundleDiagnostic } from './bundle-diagnostic.ts';
import type { BundleModule } from './read-bundle.ts';
import { documentsOutside, isWithin, type RootPath } from './roots.ts';

export function checkRoots(
  roots: readonly RootPath[],
  { modules, data }: { readonly modules: readonly BundleModule[]; readonly data: ObjectValue },
): BundleDiagnostic[] {
  const permitted = roots.map((root) => `'${root.join('/')}'`).join(', ');
  const documents = documentsOutside(roots, data).map((path) => ({
    file: '',
    message: `the manifest's roots (${permitted}) do not permit data.${path.join('.')}`,
    hint: 'change the roots in .manifest, or the folder of the data',
  }));
  return [...modules.flatMap((module) => checkPackage(module, roots, permitted)), ...documents];
}

/** A policy that cannot be parsed has no package; its errors are told here, as `compile` would. */
function checkPackage(
  { file, text, version }: BundleModule,
  roots: readonly RootPath[],
  permitted: string,
): BundleDiagnostic[] {
  const parsed = parseModule(file, text, version);
  if (!parsed.ok) {
    return parsed.diagnostics.map(({ code, message, location }) => ({
      file,
      line: location.row,
      column: location.col,
      message: `${code}: ${message}`,
      hint: '',
    }));
  }
  const { path, location } = parsed.value.package;
  if (isWithin(roots, path)) return [];
  return [
    {
      file,
      line: location.row,
      column: location.col,
      message: `the manifest's roots (${permitted}) do not permit the package ${path.join('.')}`,
      hint: 'change the roots in .manifest, or the package',
    },
  ];
}
