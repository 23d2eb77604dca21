/**
 * Resolves when the process is asked to end, by SIGTERM or by Ctrl-C. Called before a process says that it runs: a signal
 * that comes before would kill it, as would a second one if nobody listened any more: a supervisor tells each process of a group,
 * and the first of them tells its workers again. SIGUSR1, which would open Node's debugger to whoever may send it, does nothing.
 */
export function stopSignal(): Promise<void> {
  process.on('SIGUSR1', () => undefined);
  return new Promise((resolve) => {
    process.on('SIGTERM', () => resolve());
    process.on('SIGINT', () => resolve());
  });
}
