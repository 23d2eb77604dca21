/**
 * Preloaded into a sidecar (`node --import`): its wall clock is wrong by as many milliseconds as the file says, which is read again
 * on SIGUSR2. The monotonic clock is the kernel's, as it is on a machine whose time is set.
 */
import { readFileSync } from 'node:fs';

const file = process.env['CLOCK_OFFSET_FILE'] ?? '';
const { now } = Date;
let offsetMs = 0;
Date.now = () => now() + offsetMs;
process.on('SIGUSR2', () => {
  offsetMs = Number(readFileSync(file, 'utf8'));
  process.stdout.write(`${JSON.stringify({ event: 'clock_stepped', offset: offsetMs })}\n`);
});
