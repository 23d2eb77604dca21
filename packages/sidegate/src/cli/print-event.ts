/** One JSON line on standard output about the process itself, beside the records that it writes there. */

export type EventLevel = 'info' | 'warn' | 'error';

export function printEvent(event: object, level?: EventLevel): void {
  process.stdout.write(eventLine(event, level));
}

export function eventLine(event: object, level: EventLevel = 'info'): string {
  return `${JSON.stringify({ level, time: new Date().toISOString(), ...event })}\n`;
}
