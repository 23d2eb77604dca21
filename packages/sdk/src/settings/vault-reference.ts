/** Where in Vault a secret lies, as settings write it: `vault:secret/orders/payment#client_secret`. */

export interface VaultReference {
  /** Where the KV version 2 engine is mounted: the first part. */
  readonly mount: string;
  readonly path: string;
  readonly field: string;
}

const SCHEME = 'vault:';
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const MAX_SEGMENTS = 16;

export const isVaultReference = (text: string): boolean => text.startsWith(SCHEME);

/** @returns undefined when it is none */
export function readVaultReference(text: string): VaultReference | undefined {
  const [location = '', field = '', more] = text.slice(SCHEME.length).split('#');
  const [mount = '', ...path] = location.split('/');
  const segments = [mount, ...path, field];
  const isUsable = segments.every((segment) => SEGMENT.test(segment)) && segments.length <= MAX_SEGMENTS;
  if (!isVaultReference(text) || more !== undefined || path.length === 0 || !isUsable) return undefined;
  return { mount, path: path.join('/'), field };
}
