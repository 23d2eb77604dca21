/** Commands that move money run once, however often they arrive: draft-ietf-httpapi-idempotency-key-header. */
import { createHash } from 'node:crypto';
import { Problem } from '../problem.ts';
import type { Runtime } from '../runtime/runtime.ts';
import { systemRuntime } from '../runtime/system-runtime.ts';
import type { Principal } from './principal.ts';

/** What became of a key. */
export type KeyState =
  | { readonly state: 'new' | 'running' | 'reused' }
  | { readonly state: 'done'; readonly result: string };

/** Remembers commands until they expire; of any number of parallel ones exactly one is new. */
export interface IdempotencyStore {
  /**
   * @param fingerprint of the command; the same key with another one is `reused`
   * @param expiresAtMs milliseconds since the epoch
   * @throws Problem `replay_store_full`: it cannot be remembered, so it must not run
   */
  begin(id: string, fingerprint: string, expiresAtMs: number): KeyState | Promise<KeyState>;
  finish(id: string, result: string): void | Promise<void>;
  /** It failed, and may be tried again. */
  abandon(id: string): void | Promise<void>;
}

export interface IdempotencyOptions {
  readonly store: IdempotencyStore;
  /** How long a key is remembered: 86,400 by default. */
  readonly ttlSeconds?: number;
  readonly runtime?: Pick<Runtime, 'clock'>;
}

export interface Command {
  /** Keys of different callers are different keys. */
  readonly principal: Principal;
  /** As in `Idempotency-Key`; the caller chose it. */
  readonly key: string | undefined;
  /** Such as `charge`. */
  readonly operation: string;
  /** What is to be done, for telling one command from another: what `JSON.stringify` makes of it. */
  readonly payload: unknown;
}

/** Runs a command, or brings the result of its first run: what JSON can say of it. */
export type Once = <Result>(command: Command, run: () => Promise<Result>) => Promise<Result>;

/** RFC 9651 section 3.3.3 for the quotes, which most callers leave out. */
const KEY = /^(?:"([!#-[\]-~ ]{1,255})"|([!#-~]{1,255}))$/;

/**
 * A run that fails is forgotten, so that it can be tried again. One that never ended, since its process did, stays refused
 * until it expires: nobody knows how far it got.
 *
 * Rejects with Problem `idempotency_key_missing`, `idempotency_key_reused` or `idempotency_in_progress`.
 *
 * @example
 * ```ts
 * import { createIdempotency, memoryIdempotencyStore, type Principal } from '@sidegate/sdk/server';
 *
 * const once = createIdempotency({ store: memoryIdempotencyStore({ maxEntries: 100_000 }) });
 * const charge = (principal: Principal, key: string, payload: { orderId: string }) =>
 *   once({ principal, key, operation: 'charge', payload }, async () => ({ charged: payload.orderId }));
 * ```
 */
export function createIdempotency({ store, ttlSeconds = 86_400, runtime = systemRuntime() }: IdempotencyOptions): Once {
  return async (command, run) => {
    const id = idOf(command);
    const fingerprint = digest(JSON.stringify(command.payload) ?? '');
    const known = await store.begin(id, fingerprint, runtime.clock.now() + ttlSeconds * 1000);
    if (known.state === 'done') return JSON.parse(known.result);
    if (known.state === 'reused')
      throw new Problem('idempotency_key_reused', `${command.operation} with another payload`);
    if (known.state === 'running') {
      throw new Problem('idempotency_in_progress', `${command.operation} is running`, { retryAfterSeconds: 1 });
    }
    const result = await run().catch(async (error: unknown) => {
      await store.abandon(id);
      throw error;
    });
    // Whatever fails from here on must not let it run again.
    await store.finish(id, JSON.stringify(result) ?? 'null');
    return result;
  };
}

function idOf({ principal: { service, user }, key = '', operation }: Command): string {
  const [, quoted, plain] = KEY.exec(key) ?? [];
  const used = quoted ?? plain;
  if (used === undefined)
    throw new Problem('idempotency_key_missing', 'no Idempotency-Key of 1 to 255 printable characters');
  return digest(JSON.stringify([service?.name ?? null, user?.id ?? null, operation, used]));
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
