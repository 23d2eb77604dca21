/** Paths that anybody may ask for. Fails closed: what could be read as public and as something else is refused. */
import { Problem } from '@sidegate/sdk';
import { compilePathGlob } from '../net/path-glob.ts';

/**
 * @returns the pattern that makes a path public, or undefined
 * @throws Problem `path_ambiguous` when only the decoded path would be public
 */
export type PublicPaths = (path: string) => string | undefined;

export function compilePublicPaths(patterns: readonly string[]): PublicPaths {
  if (patterns.length === 0) return () => undefined;
  const table = patterns.map((pattern) => ({ pattern, matches: compilePathGlob(pattern) }));
  const find = (path: string): string | undefined => table.find(({ matches }) => matches(path))?.pattern;
  return (path) => {
    const found = find(path);
    // Dots, separators and controls never arrive encoded; a letter may, and the service would decode it.
    if (found === undefined && path.includes('%') && find(decodeURIComponent(path)) !== undefined) {
      throw new Problem('path_ambiguous', 'the path is public only once it is decoded');
    }
    return found;
  };
}
