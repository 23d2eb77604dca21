/** Names of an archive's entries as paths of a bundle. */
import { refuse } from './bundle-diagnostic.ts';

/** Deeper folders would make data that walks could not follow. */
const MAX_FOLDERS = 64;

/**
 * `/order/p.rego` (as OPA packs), `./order/p.rego` (as tar packs) and `order/p.rego` are `order/p.rego`.
 * @throws BundleError for a name that another reader could take for another file
 */
export function entryPath(name: string): string {
  const path = name.replace(/^\.?\//, '');
  const segments = path.split('/');
  if (/[\p{Cc}\\]/u.test(path)) refused(name, 'has a backslash or a control character in its name');
  if (segments.includes('..')) refused(name, 'leaves the bundle');
  if (segments.some((segment) => segment === '' || segment === '.')) refused(name, 'is no plain path');
  if (segments.length > MAX_FOLDERS) refused(name, `is below more than ${MAX_FOLDERS} folders`);
  return path;
}

function refused(name: string, message: string): never {
  refuse(JSON.stringify(name), message, 'name files by their path from the root of the bundle');
}
