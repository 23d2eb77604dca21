/** Counts what a process sends, says once for each place which calls prove nobody, and has them ended where it is told to. */
import { captureCall, framesOf } from './call-place.ts';
import type { Target } from './exemption.ts';
import type { GuardSettings } from './guard-settings.ts';

/** How a call was let through. */
export type Passage = 'credentials' | 'mutualTls' | 'exempt';

export interface Guard {
  /** Whether one of these header fields proves who calls. */
  hasCredentials(fields: Iterable<string>): boolean;
  isExempt(target: Target): boolean;
  passed(how: Passage): void;
  /** Where a call comes from; undefined where enough is known of those to its target. */
  capture(target: Target): Error | undefined;
  /** A call that proves nobody. Answers with what it is to be ended with, where it is. */
  anonymous(target: Target, capture: Error | undefined): Error | undefined;
  /** Something in here broke: where calls are blocked, this one is. */
  failed(cause: unknown): Error | undefined;
  /** When the process ends. */
  summary(): void;
}

export class AnonymousCallError extends Error {
  override readonly name = 'AnonymousCallError';
  readonly code = 'ERR_SIDEGATE_ANONYMOUS_CALL';
}

/** More places than these are counted, and not told apart. */
const MAXIMUM_PLACES = 1_000;
/** A stack costs more than all else here: after so many calls to a target, one in some is looked at. */
const CAPTURED_CALLS = 100;
const CAPTURED_EVERY = 64;
const WAY_OUT =
  'Send it through serviceClient() of @sidegate/sdk/client, which proves who calls, or name the host in SIDEGATE_GUARD_EXEMPT.';

export function createGuard(
  { mode, format, exempt, credentialFields }: GuardSettings,
  write: (line: string) => void,
): Guard {
  const counts = { credentials: 0, mutualTls: 0, exempt: 0, anonymous: 0 };
  const places = new Set<string>();
  const sighted = new Map<string, number>();
  const tell = (record: Readonly<Record<string, unknown>>, text: () => string): void =>
    write(format === 'json' ? `${JSON.stringify({ guard: 'sidegate', ...record })}\n` : `sidegate guard: ${text()}\n`);

  return {
    hasCredentials(fields) {
      for (const field of fields) if (credentialFields.has(field.toLowerCase())) return true;
      return false;
    },
    isExempt: (target) => exempt.some((matches) => matches(target)),
    capture({ method, host, port }) {
      const name = `${method} ${host}:${port}`;
      const count = (sighted.get(name) ?? 0) + 1;
      if (count > 1 || sighted.size < MAXIMUM_PLACES) sighted.set(name, count);
      return count <= CAPTURED_CALLS || count % CAPTURED_EVERY === 0 ? captureCall() : undefined;
    },
    passed(how) {
      counts[how] += 1;
    },
    anonymous(target, capture) {
      counts.anonymous += 1;
      const call = `${target.method} ${shownUrl(target)}`;
      const frames = capture === undefined ? [] : framesOf(capture);
      const place = `${frames[0] ?? ''} ${target.method} ${target.host}:${target.port}`;
      if (capture !== undefined && !places.has(place) && places.size < MAXIMUM_PLACES) {
        places.add(place);
        const record = {
          event: 'anonymous_call',
          rule: 'AUTH-14',
          mode,
          method: target.method,
          url: shownUrl(target),
          frames,
        };
        const done = mode === 'block' ? 'was stopped' : 'proves nobody';
        tell(record, () =>
          [
            `AUTH-14: ${call} ${done}: it has neither a client certificate nor credentials`,
            ...frames.map((frame) => `at ${frame}`),
            WAY_OUT,
          ].join('\n  '),
        );
      }
      if (mode === 'report') return undefined;
      return new AnonymousCallError(
        `AUTH-14: ${call} was stopped: it has neither a client certificate nor credentials. ${WAY_OUT}`,
      );
    },
    failed(cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      tell({ event: 'failed', message }, () => `could not look at a call: ${message}`);
      return mode === 'report' ? undefined : new AnonymousCallError('the guard could not look at this call', { cause });
    },
    summary() {
      const { credentials, mutualTls, anonymous } = counts;
      const calls = credentials + mutualTls + anonymous + counts.exempt;
      if (calls === 0) return;
      tell(
        { event: 'summary', mode, calls, ...counts, places: places.size },
        () =>
          `${calls} calls: ${credentials} with credentials, ${mutualTls} with mutual TLS, ${counts.exempt} exempt, ${anonymous} anonymous ${mode === 'block' ? 'and stopped ' : ''}from ${places.size} places`,
      );
    },
  };
}

/** No user, no query, nothing that a terminal would obey. */
function shownUrl({ secure, host, port, path }: Target): string {
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const shown = path.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 200);
  return `${secure ? 'https' : 'http'}://${authority}${shown}`;
}
