/** Packages that only some configurations need, and so are installed by whoever has one of those. */
import type { StartFinding } from './start-finding.ts';

/**
 * @param file the key that needs them
 * @returns undefined when all are there
 */
export function missingPackages(file: string, packages: readonly string[]): StartFinding | undefined {
  const missing = packages.filter((name) => !isThere(name));
  if (missing.length === 0) return undefined;
  const message = `needs the packages ${missing.join(' and ')}`;
  return { file, severity: 'error', message, hint: `npm install ${missing.join(' ')}` };
}

function isThere(name: string): boolean {
  try {
    import.meta.resolve(name);
    return true;
  } catch {
    return false;
  }
}
