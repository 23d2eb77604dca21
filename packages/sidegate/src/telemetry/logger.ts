/** The process's own log, apart from the audit trail: JSON lines, no request content. */
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger };

export function createLogger(service: string, destination: DestinationStream): Logger {
  return pino(
    {
      base: { service },
      formatters: { level: (level) => ({ level }) },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      messageKey: 'message',
    },
    destination,
  );
}
