/** Service tokens stay out of the repository: none is committed, and the files that hold them are not even offered to Git. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..');
const JWT = /eyJ[\w-]{8,}\.(eyJ[\w-]{8,})\.[\w-]{16,}/g;

/** Files and the claims of what in them says that it is a service's token. */
function serviceTokens(files: readonly string[], root: string): readonly string[] {
  return files.flatMap((file) => {
    const found = readFileSync(path.join(root, file), 'latin1').matchAll(JWT);
    return [...found].filter(([, payload = '']) => isOfService(payload)).map(() => file);
  });
}

function isOfService(payload: string): boolean {
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as Readonly<Record<string, unknown>>;
    return claims['type'] === 'service' || claims['is_service'] === true;
  } catch {
    return false;
  }
}

test('S1-098 no file of the repository holds a service token, and one that did would be found', () => {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 26 });
  const files = tracked
    .split('\0')
    .filter((file) => file !== '' && existsSync(path.join(ROOT, file)) && !/\.(?:png|wasm|gz|der)$/.test(file));
  assert.ok(files.length > 1_000, 'all of them are looked at');
  assert.deepEqual(serviceTokens(files, ROOT), []);

  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const planted = [{ alg: 'HS256' }, { sub: 'orders-service', type: 'service' }, { s: 'not a signature' }]
    .map(encode)
    .join('.');
  assert.ok([...planted.matchAll(JWT)].some(([, payload = '']) => isOfService(payload)));
});

test('S1-098 Git ignores .env and files of tokens', () => {
  for (const name of [
    '.env',
    'examples/tenant-deletion/.env',
    'orchestrator-token.txt',
    'examples/tenant-deletion/.lab/signing-key.pem',
  ]) {
    assert.equal(spawnSync('git', ['check-ignore', '-q', name], { cwd: ROOT }).status, 0, name);
  }
});
