import assert from 'node:assert/strict';
import { chmod, copyFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { calculateJwkThumbprint } from 'jose';
import { loadSigningKeys } from './key-directory.ts';

async function temporaryDirectory() {
  const directory = await mkdtemp(path.join(tmpdir(), 'sidegate-keys-'));
  return { directory, [Symbol.asyncDispose]: () => rm(directory, { recursive: true }) };
}

const kids = async (directory: string | undefined) => {
  const { keys, findings } = await loadSigningKeys('users', ['RS256', 'ES256'], directory);
  assert.deepEqual(findings, []);
  return keys.published().map(({ kid }) => kid);
};

/** The one finding about a key file in this directory. */
async function found(directory: string): Promise<string> {
  const { findings } = await loadSigningKeys('users', ['RS256', 'ES256'], directory);
  const [finding, ...more] = findings;
  assert.deepEqual(more, []);
  const file = finding !== undefined && 'file' in finding.where ? path.basename(finding.where.file) : '';
  return `${file} ${finding?.message}`;
}

test('keys in memory are new at every start', async () => {
  assert.notDeepEqual(await kids(undefined), await kids(undefined));
});

test('keys in a directory survive a restart, one private file each', async () => {
  await using temporary = await temporaryDirectory();
  const directory = path.join(temporary.directory, 'keys');
  const first = await kids(directory);
  assert.deepEqual(await kids(directory), first);
  assert.deepEqual((await readdir(directory)).sort(), ['users.es256.pem', 'users.rs256.pem']);
  assert.equal((await stat(path.join(directory, 'users.es256.pem'))).mode & 0o777, 0o600);
});

test('a key id is the thumbprint of RFC 7638', async () => {
  const { keys } = await loadSigningKeys('users', ['RS256', 'ES256'], undefined);
  for (const publicJwk of keys.published()) {
    assert.equal(publicJwk['kid'], await calculateJwkThumbprint({ ...publicJwk }));
  }
});

test('a key file that others can read stops the start', async () => {
  await using temporary = await temporaryDirectory();
  await kids(temporary.directory);
  await chmod(path.join(temporary.directory, 'users.rs256.pem'), 0o640);
  assert.match(await found(temporary.directory), /^users\.rs256\.pem is a private key that others can read/);
});

for (const [title, content] of [
  ['no key at all', 'nonsense'],
  ['empty', ''],
] as const) {
  test(`a key file that is ${title} stops the start`, async () => {
    await using temporary = await temporaryDirectory();
    await writeFile(path.join(temporary.directory, 'users.es256.pem'), content, { mode: 0o600 });
    assert.match(await found(temporary.directory), /^users\.es256\.pem is not a private key for ES256/);
  });
}

test('a key of the other algorithm stops the start', async () => {
  await using temporary = await temporaryDirectory();
  await kids(temporary.directory);
  const [from, to] = ['users.es256.pem', 'users.rs256.pem'].map((name) => path.join(temporary.directory, name));
  assert.ok(from && to);
  await rm(to);
  await copyFile(from, to);
  assert.match(await found(temporary.directory), /^users\.rs256\.pem is not a private key for RS256/);
});
