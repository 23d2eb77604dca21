/** This repository, scanned with what the rule no-hardcoded-client-secret knows of tokens and keys. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { secretInText } from '../../packages/eslint-plugin/src/secrets/secret-text.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Published, or good for nothing. */
const EXAMPLES: Readonly<Record<string, string>> = {
  'tests/vectors/jws.json': 'the examples of RFC 7515, appendix A',
  'packages/sidegate/src/proxy/shown-path.test.ts': 'its signature reads "signature"',
};
/** Clients of tests and their made-up secrets stand in forms and URLs; a test of the rule shows that others are found there. */
const OF_FORMS: ReadonlySet<string> = new Set([
  'client_secret',
  'the secret of Basic credentials',
  'the password of a URL',
]);

test('S1-098 a scan over the repository finds no token and no private key', () => {
  assert.equal(
    secretInText(`SERVICE_TOKEN=${['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiJvcmRlcnMifQ', 'c2lnbmF0dXJlLg'].join('.')}`),
    'a token',
  );
  const found = tracked().filter((file) => {
    const lines = readFileSync(path.join(ROOT, file), 'utf8');
    return [lines, ...lines.split('\n')].map(secretInText).some((kind) => kind !== undefined && !OF_FORMS.has(kind));
  });
  assert.deepEqual(found.sort(), Object.keys(EXAMPLES).sort());
});

test('S1-098 git ignores .env and files of tokens, and not what shows how they look', () => {
  const ignored = (file: string): boolean => spawnSync('git', ['check-ignore', '-q', file], { cwd: ROOT }).status === 0;
  const files = ['.env', 'services/orders/.env', '.env.production', 'orchestrator-token.txt', 'orders.token'];
  assert.deepEqual(
    files.filter((file) => !ignored(file)),
    [],
  );
  assert.ok(!ignored('.env.example'));
});

function tracked(): readonly string[] {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' });
  return listed.split('\0').filter((file) => file !== '' && existsSync(path.join(ROOT, file)));
}
