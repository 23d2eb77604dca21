/** One JSON line on standard output about the process itself, beside the records that it writes there. */

export function printEvent(event: object, level: 'info' | 'warn' | 'error' = 'info'): void {
  process.stdout.write(`${JSON.stringify({ level, time: new Date().toISOString(), ...event })}\n`);
}
