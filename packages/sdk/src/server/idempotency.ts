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

/** One attempt at a command. */
export interface CommandRun {
  /** Of the key, its caller and its operation: 43 characters of base64url. */
  readonly id: string;
  /** Of what is to be done: the same id with another one is `reused`. */
  readonly fingerprint: string;
  /** Whole milliseconds since the epoch. */
  readonly expiresAtMs: number;
}

/** Remembers commands until they expire; of any number of parallel ones exactly one is new. */
export interface IdempotencyStore {
  /** @throws Problem `replay_store_full`, `replay_store_unavailable`: it cannot be remembered, so it must not run */
  begin(run: CommandRun): KeyState | Promise<KeyState>;
  /** Changes nothing where the run has expired, and another one may have begun. */
  finish(run: CommandRun, result: string): void | Promise<void>;
  /** It failed, and may be tried again; as {@link finish}. */
  abandon(run: CommandRun): void | Promise<void>;
}

/** What a store that remembers this says of another attempt. */
export function stateOf(fingerprint: string, result: string | undefined, attempt: CommandRun): KeyState {
  if (fingerprint !== attempt.fingerprint) return { state: 'reused' };
  return result === undefined ? { state: 'running' } : { state: 'done', result };
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
    const attempt = {
      id: idOf(command),
      fingerprint: digest(JSON.stringify(command.payload) ?? ''),
      expiresAtMs: Math.ceil(runtime.clock.now() + ttlSeconds * 1000),
    };
    const known = await store.begin(attempt);
    if (known.state === 'done') return JSON.parse(known.result);
    if (known.state === 'reused')
      throw new Problem('idempotency_key_reused', `${command.operation} with another payload`);
    if (known.state === 'running') {
      throw new Problem('idempotency_in_progress', `${command.operation} is running`, { retryAfterSeconds: 1 });
    }
    const result = await run().catch(async (error: unknown) => {
      await forget(store, attempt);
      throw error;
    });
    // Whatever fails from here on must not let it run again.
    await store.finish(attempt, JSON.stringify(result) ?? 'null');
    return result;
  };
}

/** Where even that fails the key stays refused: the caller is told why the command failed. */
async function forget(store: IdempotencyStore, attempt: CommandRun): Promise<void> {
  try {
    await store.abandon(attempt);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}

function idOf({ principal: { service, user }, key = '', operation }: Command): string {
  const [, quoted, plain] = KEY.exec(key) ?? [];
  const used = quoted ?? plain;
  if (used === undefined)
    throw new Problem('idempotency_key_missing', 'no Idempotency-Key of 1 to 255 printable characters');
  return digest(JSON.stringify([service?.name ?? null, user?.id ?? null, operation, used]));
}

const digest = (text: string): string => createHash('sha256').update(text).digest('base64url');
