/** Where the real OPA is: what the variable `OPA` names, or what `install.ts` built. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

export const OPA_PACKAGE = 'github.com/open-policy-agent/opa@latest';

/** Ignored by git, and gone after `npm ci`; the tool chain's own cache makes the next build short. */
export const BIN_FOLDER: string = resolve(import.meta.dirname, '../../node_modules/.cache/peers/bin');

export function opaBinary(): string | undefined {
  const named = process.env['OPA'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const built = resolve(BIN_FOLDER, process.platform === 'win32' ? 'opa.exe' : 'opa');
  return existsSync(built) ? built : undefined;
}

/** For node:test: why tests beside the real OPA are skipped. In CI they are not, and fail without it. */
export function withoutOpa(): string | false {
  return opaBinary() === undefined && process.env['CI'] !== 'true' ? 'the real OPA is not installed' : false;
}
