/** A pump as what users would run: built, and with the flags of our sidecar. The type stripper alone would keep memory resident. */
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { NODE_FLAGS } from '../../packages/sidegate/src/cli/node-flags.ts';
import type { StartPeer } from '../stage.ts';
import { startScript } from './script.ts';

export function pump(name: string, job: string): StartPeer {
  const source = path.join(import.meta.dirname, '../peers-node', `${name}.ts`);
  return async (files, origin) => {
    const built = files.write(`${name}.mjs`, stripTypeScriptTypes(readFileSync(source, 'utf8')));
    return { ...(await startScript(built, job, files, origin, NODE_FLAGS)), name };
  };
}
