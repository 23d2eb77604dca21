/** Where Python with what our peers are written with is: what the variable `PEERS_PYTHON` names, or the environment that `install.ts` made. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

export const PYTHON_PACKAGES: readonly string[] = [
  'httpx==0.28.1',
  'authlib==1.9.10',
  'opentelemetry-proto==1.45.2',
  'http-message-signatures==3.0.0',
  'PyJWT==2.15.1',
];

/** Ignored by git, and gone after `npm ci`. */
export const PYTHON_FOLDER: string = resolve(import.meta.dirname, '../../node_modules/.cache/peers/python');

/** Written last: an environment whose installation broke off has none, and one made for other packages has another. */
export const PYTHON_CONTENT: string = resolve(PYTHON_FOLDER, 'packages.txt');

export function peersPython(): string | undefined {
  const named = process.env['PEERS_PYTHON'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : undefined;
  const complete = existsSync(PYTHON_CONTENT) && readFileSync(PYTHON_CONTENT, 'utf8') === PYTHON_PACKAGES.join('\n');
  return complete ? resolve(PYTHON_FOLDER, 'bin/python') : undefined;
}

/** For node:test: why tests with Python are skipped. In CI they are not, and fail without it. */
export function withoutPython(): string | false {
  return peersPython() === undefined && process.env['CI'] !== 'true'
    ? 'Python with its packages is not installed'
    : false;
}
