/** The process's own log, apart from the audit trail: one line an entry, no request content. */
import { type DestinationStream, type Logger, pino } from 'pino';
import { logfmt } from './logfmt.ts';

export type { Logger };

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'json' | 'logfmt';
}

const DEFAULTS: LoggerOptions = { level: 'info', format: 'json' };

export function createLogger(
  service: string,
  destination: DestinationStream,
  { level, format }: LoggerOptions = DEFAULTS,
): Logger {
  return pino(
    {
      level,
      base: { service },
      formatters: { level: (level) => ({ level }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      messageKey: 'message',
    },
    format === 'json' ? destination : { write: (lines) => destination.write(logfmt(lines)) },
  );
}
