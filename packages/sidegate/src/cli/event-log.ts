/** Events of the issuer: what one turn of the event loop brings is one write, before the answers leave that it tells of. */
import { beforeWriting } from '../net/batch.ts';
import { type EventLevel, eventLine } from './print-event.ts';

export interface EventLog {
  (event: object, level?: EventLevel): void;
}

/** @param write takes whole lines */
export function eventLog(write: (lines: string) => void, defer = beforeWriting): EventLog {
  let lines = '';
  const flush = () => {
    const whole = lines;
    lines = '';
    write(whole);
  };
  return (event, level) => {
    if (lines === '') defer(flush);
    lines += eventLine(event, level);
  };
}
