/**
 * Preloaded into every process that the lab starts (`node --import`): the process ends when the lab does, however
 * that happened. The lab holds the other end of its standard input, and the kernel closes that end with the lab.
 */
const GRACE_MS = 1_500;

process.stdin.once('close', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.exit(1), GRACE_MS).unref();
});
process.stdin.resume();
// Watching must not be what keeps the process alive.
if ('unref' in process.stdin) process.stdin.unref();
