/**
 * `node --import @sidegate/sdk/guard app.js`: no anonymous calls at run time (AUTH-14). Reports, or with `SIDEGATE_GUARD=block` stops, every
 * HTTP request of the process that has neither credentials nor a client certificate; `docs/guard.md`.
 */
import { writeSync } from 'node:fs';
import { readGuardSettings } from './guard-settings.ts';
import { startGuard } from './start-guard.ts';

const STDERR = 2;
const settings = readGuardSettings(process.env);
if (settings !== undefined) {
  const guard = startGuard(settings, (line) => {
    try {
      // At once, also while the process ends and in a worker, whose own stream has no descriptor.
      writeSync(STDERR, line);
    } catch {
      // Nobody reads it.
    }
  });
  process.on('exit', () => guard.summary());
}
