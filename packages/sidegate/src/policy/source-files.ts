/**
 * Finds and reads the policy and data files of a folder, as they are mounted: links may lead to other places of the
 * folder (as those of a Kubernetes volume do), never out of it; hidden files are left out, so that nothing of
 * such a volume, of a repository or of an editor counts twice.
 */
import { type Dirent, readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import type { SourceFile } from '@sidegate/rego';
import type { PolicyFinding } from './policy-finding.ts';

export interface SourceLimits {
  /** Files and folders, whatever they are. */
  readonly entries: number;
  readonly bytes: number;
  /** Folders inside each other. */
  readonly depth: number;
}

export interface FoundSources {
  readonly files: readonly SourceFile[];
  /** Errors, and warnings about what is left out. */
  readonly findings: readonly PolicyFinding[];
}

/** As for bundles. */
const LIMITS: SourceLimits = { entries: 10_000, bytes: 64 * 1024 * 1024, depth: 64 };
const SOURCE = /\.(?:rego|json|ya?ml)$/;

/** `tests`: whether `*_test.rego` belongs to it; one that is named itself does. */
export function findSources(location: string, tests: boolean, limits: SourceLimits = LIMITS): FoundSources {
  const search = new Search(location, tests, limits);
  try {
    search.begin();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
  }
  return search;
}

/** The limits are reached: what follows is not looked at. */
class Stop extends Error {
  override readonly name = 'Stop';
}

class Search implements FoundSources {
  readonly files: SourceFile[] = [];
  readonly findings: PolicyFinding[] = [];
  private readonly location: string;
  private readonly tests: boolean;
  private readonly limits: SourceLimits;
  private root = '';
  private entries = 0;
  private bytes = 0;

  constructor(location: string, tests: boolean, limits: SourceLimits) {
    this.location = location;
    this.tests = tests;
    this.limits = limits;
  }

  begin(): void {
    const real = this.attempt(this.location, () => realpathSync(this.location));
    const stats = real === undefined ? undefined : this.attempt(this.location, () => statSync(real));
    if (real === undefined || stats === undefined) return;
    this.root = real;
    if (stats.isDirectory()) this.folder(this.location, [], [real]);
    else if (SOURCE.test(this.location)) this.file(this.location, stats, []);
    else this.refuse(this.location, 'is no policy and no data', 'name a folder, or a .rego, .json or .yaml file');
  }

  /** `above`: the real places of this folder and of those around it. */
  private folder(folder: string, folders: readonly string[], above: readonly string[]): void {
    const entries = this.attempt(folder, () => readdirSync(folder, { withFileTypes: true })) ?? [];
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      this.entries += 1;
      if (this.entries > this.limits.entries) {
        this.stop(`has more than ${this.limits.entries} files`, 'name the folder that holds policies only');
      }
      this.entry(path.join(folder, entry.name), entry, folders, above);
    }
  }

  private entry(file: string, entry: Dirent, folders: readonly string[], above: readonly string[]): void {
    const { name } = entry;
    if (name.startsWith('.')) {
      if (SOURCE.test(name)) this.warn(file, 'is hidden and not loaded', 'rename it, or move it elsewhere');
      return;
    }
    const real = entry.isSymbolicLink() ? this.attempt(file, () => realpathSync(file)) : file;
    const stats = real === undefined ? undefined : this.attempt(file, () => statSync(real));
    if (real === undefined || stats === undefined) return;
    if (entry.isSymbolicLink() && !isWithin(real, this.root)) {
      this.refuse(file, `is a link out of ${this.location}`, 'put what it leads to into the folder');
    } else if (stats.isDirectory()) {
      this.innerFolder(file, [...folders, name], above);
    } else if (name.endsWith('.tar.gz')) {
      this.refuse(file, 'is a bundle in a folder of policies', 'a bundle stands alone: name it itself');
    } else if (SOURCE.test(name) && (this.tests || !name.endsWith('_test.rego'))) {
      this.file(file, stats, folders);
    }
  }

  private innerFolder(folder: string, folders: readonly string[], above: readonly string[]): void {
    const real = realpathSync(folder);
    if (above.includes(real)) this.refuse(folder, 'is a link to a folder around it', 'remove the link');
    else if (folders.length > this.limits.depth) {
      this.refuse(folder, `is below more than ${this.limits.depth} folders`, 'nest folders less deeply');
    } else this.folder(folder, folders, [...above, real]);
  }

  private file(file: string, stats: Stats, folders: readonly string[]): void {
    if (!stats.isFile()) {
      this.refuse(file, 'is no regular file', 'put a file there');
      return;
    }
    this.bytes += stats.size;
    if (this.bytes > this.limits.bytes) {
      this.stop(`holds more than ${this.limits.bytes / 1024 / 1024} MiB`, 'name the folder that holds policies only');
    }
    const bytes = this.attempt(file, () => readFileSync(file));
    if (bytes !== undefined) this.files.push({ file, folders, bytes });
  }

  private attempt<T>(file: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
      this.refuse(file, `cannot be read (${code})`, code === 'ENOENT' ? 'there is no such file' : 'make it readable');
      return undefined;
    }
  }

  private refuse(file: string, message: string, hint: string): void {
    this.findings.push({ file, severity: 'error', message, hint });
  }

  private warn(file: string, message: string, hint: string): void {
    this.findings.push({ file, severity: 'warning', message, hint });
  }

  private stop(message: string, hint: string): never {
    this.refuse(this.location, message, hint);
    throw new Stop(message);
  }
}

function isWithin(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
