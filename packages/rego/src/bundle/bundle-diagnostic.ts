/** What is wrong with a bundle, or not used of it. */
export interface BundleDiagnostic {
  /** Path within the bundle; empty when it is about the archive. */
  readonly file: string;
  /** From 1; absent when it is about the whole file. */
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  /** What to do about it. */
  readonly hint: string;
}

/** Ends the reading: what follows could not be trusted to mean anything. */
export class BundleError extends Error {
  override readonly name = 'BundleError';
  readonly diagnostics: readonly BundleDiagnostic[];

  constructor(diagnostics: readonly BundleDiagnostic[]) {
    super(diagnostics.map(({ file, message }) => `${file}: ${message}`).join('\n'));
    this.diagnostics = diagnostics;
  }
}

/** @throws BundleError always */
export function refuse(file: string, message: string, hint: string): never {
  throw new BundleError([{ file, message, hint }]);
}

/** What the reader gives, or nothing when the file is refused; the other files are read all the same. */
export function collect<T>(diagnostics: BundleDiagnostic[], reader: () => T): readonly T[] {
  try {
    return [reader()];
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    diagnostics.push(...error.diagnostics);
    return [];
  }
}
