/**
 * Tokens that replicas share through Redis: one of them asks the issuer, the others wait and read. What lies there is
 * sealed with a key of the replicas' own credential, so that whoever reads or writes the store neither learns a token
 * nor hands one to us. Without the store each replica asks for itself.
 */
import { createHash } from 'node:crypto';
import { AccessToken, type Clock } from '@sidegate/sdk';
import type { TokenSeal } from './token-seal.ts';

/** One command and its answer; rejects when the store is away or too slow. */
export type StoreCommand = (command: readonly string[]) => Promise<unknown>;

export interface SharedTokenOptions {
  readonly command: StoreCommand;
  readonly clock: Clock;
  readonly keyPrefix: string;
  /** A fresh one for each lock. */
  readonly newId: () => string;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** Told once when the store is away, and once when it is back. */
  readonly onChange: (failure: Error | undefined) => void;
}

export interface SharedToken {
  /** Everything that makes this token another one: issuer, client, audience, scopes, TLS identity. */
  readonly identity: readonly unknown[];
  readonly seal: TokenSeal;
  readonly refreshBeforeMs: number;
}

/** @param refused a token that a target does not accept: whoever has it asks for another one */
export type ShareToken = (
  shared: SharedToken,
  ask: () => Promise<AccessToken>,
  refused?: string,
) => Promise<AccessToken>;

/** Longer than a token request may take. */
const LOCK_MS = 10_000;
const WAIT_MS = 6_000;
const POLL_MS = 50;

const UNLOCK = "if redis.call('get',KEYS[1])==ARGV[1] then return redis.call('del',KEYS[1]) end return 0";

const AWAY = Symbol('the store is away');

export function createSharedTokens(options: SharedTokenOptions): ShareToken {
  const { clock, keyPrefix, newId, pause } = options;
  const command = watched(options);

  return async (shared, ask, refused) => {
    const key = `${keyPrefix}${digest(shared.identity)}`;
    const lock = `${key}:lock`;
    const deadline = clock.monotonic() + WAIT_MS;
    for (;;) {
      const found = await command(['GET', key]);
      if (found === AWAY) return ask();
      const token = typeof found === 'string' ? open(found, shared, clock.now()) : undefined;
      if (token !== undefined && token.reveal() !== refused) return token;
      const owner = newId();
      const locked = await command(['SET', lock, owner, 'NX', 'PX', String(LOCK_MS)]);
      if (locked === AWAY || clock.monotonic() >= deadline) return ask();
      if (locked === 'OK') return askForAll({ key, lock, owner }, shared, ask);
      await pause(POLL_MS);
    }
  };

  async function askForAll(
    { key, lock, owner }: { readonly key: string; readonly lock: string; readonly owner: string },
    shared: SharedToken,
    ask: () => Promise<AccessToken>,
  ): Promise<AccessToken> {
    try {
      const token = await ask();
      const lifeMs = Math.floor(token.expiresAt - clock.now());
      if (lifeMs > 0) await command(['SET', key, close(token, shared, lifeMs), 'PX', String(lifeMs)]);
      return token;
    } finally {
      await command(['EVAL', UNLOCK, '1', lock, owner]);
    }
  }
}

/** The same commands, which never reject; whoever looks after this process is told of every change. */
function watched({ command, onChange }: SharedTokenOptions): (words: readonly string[]) => Promise<unknown> {
  let away = false;
  const tell = (failure: Error | undefined): void => {
    if (away === (failure !== undefined)) return;
    away = failure !== undefined;
    onChange(failure);
  };
  return async (words) => {
    try {
      const answer = await command(words);
      tell(undefined);
      return answer;
    } catch (error) {
      tell(error instanceof Error ? error : new Error(String(error)));
      return AWAY;
    }
  };
}

interface Kept {
  readonly value: string;
  readonly expiresAt: number;
  /** From then on another one is asked for. */
  readonly refreshAt: number;
  readonly scopes: readonly string[];
  readonly issuedScope: string | null;
}

function close(token: AccessToken, { seal, refreshBeforeMs }: SharedToken, lifeMs: number): string {
  const { expiresAt, scopes, issuedScope = null } = token;
  const refreshAt = expiresAt - Math.min(refreshBeforeMs, lifeMs / 2);
  const kept: Kept = { value: token.reveal(), expiresAt, refreshAt, scopes, issuedScope };
  return seal.close(JSON.stringify(kept));
}

/** Undefined when it is not ours, or no longer fresh. */
function open(sealed: string, { seal }: SharedToken, now: number): AccessToken | undefined {
  const text = seal.open(sealed);
  if (text === undefined) return undefined;
  // Nobody but us can have sealed it, so it has this shape.
  const { value, expiresAt, refreshAt, scopes, issuedScope } = JSON.parse(text) as Kept;
  if (now >= refreshAt) return undefined;
  return new AccessToken(value, { expiresAt, scopes, issuedScope: issuedScope ?? undefined });
}

function digest(identity: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}
