/** Where the real SPIRE is: the folder that the variable `SPIRE` names, or what `install.ts` built. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { BIN_FOLDER } from './opa-binary.ts';

export const SPIRE_MODULE = 'github.com/spiffe/spire';
export const SPIRE_VERSION = 'v1.13.3';
export const SPIRE_PROGRAMS = ['spire-server', 'spire-agent'] as const;

export interface SpireBinaries {
  readonly server: string;
  readonly agent: string;
}

export function spireBinaries(): SpireBinaries | undefined {
  const named = process.env['SPIRE'];
  const [server = '', agent = ''] = SPIRE_PROGRAMS.map((name) => path.join(named || BIN_FOLDER, name));
  return existsSync(server) && existsSync(agent) ? { server, agent } : undefined;
}

/** For node:test: why tests beside the real SPIRE are skipped. In CI they are not, and fail without it. */
export function withoutSpire(): string | false {
  return spireBinaries() === undefined && process.env['CI'] !== 'true' ? 'the real SPIRE is not installed' : false;
}
