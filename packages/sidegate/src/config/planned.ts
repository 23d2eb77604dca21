/** Values of the full configuration reference that this version does not implement, and so refuses. */

const VALUES: ReadonlyMap<string, readonly string[]> = new Map([
  ['egress.targets.*.auth.type', ['service_jwt', 'hmac', 'http_signature']],
]);

/** Whether a value of the reference is not supported yet. */
export function isPlannedValue(path: readonly (string | number)[], value: unknown): boolean {
  return VALUES.get(pattern(path))?.some((planned) => planned === value) ?? false;
}

/** The path with `[]` for indexes and `*` for the names of targets. */
function pattern(path: readonly (string | number)[]): string {
  const targets = path[0] === 'egress' && path[1] === 'targets';
  return path
    .map((part, index) => {
      if (typeof part === 'number') return '[]';
      const key = targets && index === 2 ? '*' : part;
      return index === 0 ? key : `.${key}`;
    })
    .join('');
}
