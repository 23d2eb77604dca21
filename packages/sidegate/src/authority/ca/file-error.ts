/** Errors of the file system in the words of a finding. */

/** `ENOENT`, `EACCES`: what a person can look up. The error's own text would repeat the path. */
export function fileErrorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
