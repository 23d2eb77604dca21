/** Where a value is in a document, from the root: keys of mappings and indexes of lists. */

export type KeyPath = readonly (string | number)[];

/** One string for one path, as a key of maps. */
export function pathId(path: KeyPath): string {
  return JSON.stringify(path);
}

/**
 * A path as people write it; a key with other characters is quoted.
 * @example renderPath(['proxy', 'routes', 0, 'path']) // 'proxy.routes[0].path'
 */
export function renderPath(path: KeyPath): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      const key = /^[\w/-]+$/.test(part) ? part : JSON.stringify(part);
      return index === 0 ? key : `.${key}`;
    })
    .join('');
}

/** Whether a key may be shown: a value may have slipped into another one, as in `{client_secret:abc}`. */
export function isPlainKey(key: string): boolean {
  return /^[\w.-]{1,64}$/.test(key);
}
