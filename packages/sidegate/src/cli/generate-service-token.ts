#!/usr/bin/env node
/**
 * `generate-service-token`: `sidegate token` under the name, with the options and with the defaults of the script that it takes the place
 * of, which are the legacy ones; docs/decisions/0025-the-legacy-token-command.md.
 */
import { tooOldNode } from './node-floor.ts';

const tooOld = tooOldNode(process.versions.node);
if (tooOld === undefined) {
  const { runLegacyTokenCommand } = await import('./legacy-token-command.ts');
  const { processTerminal } = await import('./terminal.ts');
  await runLegacyTokenCommand(process.argv, processTerminal());
} else {
  process.stderr.write(`${tooOld}\n`);
  process.exitCode = 78;
}
