/** Where the real Keycloak is: what the variable `KEYCLOAK` names, or what `install.ts` unpacked. A JDK must be on the path. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readCompose } from '../support/compose.ts';

/** The one that the compose file runs. */
const VERSION = readCompose().services.get('keycloak')?.image.split(':').at(-1) ?? '';
const OLDEST_JAVA = 17;

export const KEYCLOAK_ARTIFACT: string = `org.keycloak:keycloak-quarkus-dist:${VERSION}:zip`;

/** Ignored by git, and gone after `npm ci`; Maven keeps what it fetched. */
export const KEYCLOAK_FOLDER: string = resolve(import.meta.dirname, '../../node_modules/.cache/peers/keycloak');

export function keycloakDist(): string | undefined {
  const named = process.env['KEYCLOAK'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const unpacked = resolve(KEYCLOAK_FOLDER, `keycloak-${VERSION}`);
  return existsSync(resolve(unpacked, 'bin/kc.sh')) ? unpacked : undefined;
}

/** Whether a Java that Keycloak runs on is there. */
export function java(): boolean {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0) >= OLDEST_JAVA;
}

/** For node:test: why tests beside the real Keycloak are skipped. In CI they are not, and fail without it. */
export function withoutKeycloak(): string | false {
  if (process.env['CI'] === 'true') return false;
  if (keycloakDist() === undefined) return 'the real Keycloak is not installed';
  return java() ? false : `there is no Java ${OLDEST_JAVA} for Keycloak`;
}
