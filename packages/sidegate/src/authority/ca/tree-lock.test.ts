import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { lockTree } from './tree-lock.ts';

const temporary = () => mkdtempDisposable(path.join(tmpdir(), 'sidegate-lock-'));

test('a directory that another run holds is refused, and free when that run has ended', async () => {
  await using directory = await temporary();
  {
    using _held = await lockTree(directory.path);
    await assert.rejects(lockTree(directory.path, 2), /is in use by another run/);
  }
  using _free = await lockTree(directory.path, 1);
});

test('a run that is killed holds nothing', async () => {
  await using directory = await temporary();
  const holder = `
    const { lockTree } = await import(${JSON.stringify(import.meta.resolve('./tree-lock.ts'))});
    globalThis.held = await lockTree(${JSON.stringify(directory.path)});
    console.log('held');
    setInterval(() => {}, 1000);`;
  const options = ['--conditions=@sidegate/source', '--input-type=module', '--eval', holder];
  const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    await assert.rejects(lockTree(directory.path, 2), /is in use by another run/);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  using _free = await lockTree(directory.path, 1);
});
