/** Where Docker Compose itself is: what the variable `COMPOSE` names, or what `install.ts` built. It needs no engine to read a file. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { BIN_FOLDER } from './opa-binary.ts';

/** Built as a dependency of an empty module: its own has directives that `go install` refuses. */
export const COMPOSE_MODULE = 'github.com/docker/compose/v5';
export const COMPOSE_VERSION = 'v5.5.1';

export const COMPOSE_BINARY: string = resolve(BIN_FOLDER, 'docker-compose');

export function composeBinary(): string | undefined {
  const named = process.env['COMPOSE'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  return existsSync(COMPOSE_BINARY) ? COMPOSE_BINARY : undefined;
}

/** For node:test: why tests with Docker Compose are skipped. In CI they are not, and fail without it. */
export function withoutCompose(): string | false {
  return composeBinary() === undefined && process.env['CI'] !== 'true' ? 'Docker Compose is not installed' : false;
}
