/** Everything that a process can send HTTP requests with, watched from now on until it ends. */
import { createGuard, type Guard } from './guard.ts';
import type { GuardSettings } from './guard-settings.ts';
import { watchHttp } from './watch-http.ts';
import { watchHttp2 } from './watch-http2.ts';
import { watchUndici } from './watch-undici.ts';

export function startGuard(settings: GuardSettings, write: (line: string) => void): Guard {
  const guard = createGuard(settings, write);
  let sent = '';
  watchHttp(guard);
  watchUndici(guard, (method, path) => {
    // Over HTTP/2 the stream is made in the same turn.
    sent = `${method} ${path}`;
    queueMicrotask(() => {
      sent = '';
    });
  });
  watchHttp2(guard, (method, path) => sent === `${method} ${path}`);
  return guard;
}
