import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type LabProcess, type ProcessPlan, startProcess } from './process.ts';

const SAY = (line: string): string => `process.stdout.write(${JSON.stringify(`${line}\n`)});`;
const STAY = 'setInterval(() => {}, 1000);';

function scratch(): { readonly directory: string } & Disposable {
  const directory = mkdtempSync(join(tmpdir(), 'sidegate-process-'));
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}

function plan(directory: string, code: string): ProcessPlan {
  const logFile = join(directory, 'log', 'child.log');
  return { name: 'child', node: [process.execPath], args: ['--eval', code], env: {}, cwd: directory, logFile };
}

function start(directory: string, code: string): LabProcess & AsyncDisposable {
  const child = startProcess(plan(directory, code));
  return { ...child, [Symbol.asyncDispose]: () => child.stop(1_000) };
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a process that ends before it is ready rejects with its end, and its last words are kept', async () => {
  using files = scratch();
  await using child = start(files.directory, 'console.error("no such file"); process.exit(78);');
  await assert.rejects(child.event('listening', 10_000), /child ended \(exit 78\) before it said "listening"/);
  assert.equal(child.lastWords(), 'no such file');
  assert.match(readFileSync(join(files.directory, 'log', 'child.log'), 'utf8'), /no such file/);
});

test('a process that says nothing in time rejects', async () => {
  using files = scratch();
  await using child = start(files.directory, STAY);
  await assert.rejects(child.event('listening', 50), /did not say "listening" within 50 ms/);
});

test('JSON lines reach a listener that comes late; other output only the log', async () => {
  using files = scratch();
  const lines = ['{"event":"one"}', 'not json', '[1]', '{"event":"two","n":2}'];
  await using child = start(files.directory, lines.map(SAY).join('') + STAY);
  assert.deepEqual(await child.event('two', 10_000), { event: 'two', n: 2 });
  const seen: unknown[] = [];
  child.onLine((line) => seen.push(line['event']));
  assert.deepEqual(seen, ['one', 'two']);
});

test('nothing of our environment is inherited', async () => {
  using files = scratch();
  await using child = start(
    files.directory,
    `process.stdout.write(JSON.stringify({ event: 'env', home: process.env.HOME ?? null }) + '\\n');${STAY}`,
  );
  assert.equal((await child.event('env', 10_000))['home'], null);
});

test('a process that does not heed SIGTERM is killed after the grace', async () => {
  using files = scratch();
  await using child = start(files.directory, `process.on('SIGTERM', () => {});${SAY('{"event":"up"}')}${STAY}`);
  await child.event('up', 10_000);
  await child.stop(50);
  assert.equal((await child.ended).signal, 'SIGKILL');
  assert.equal(alive(child.pid), false);
});

test('a process ends with the lab, even when the lab is killed', async () => {
  using files = scratch();
  const module = JSON.stringify(import.meta.resolve('./process.ts'));
  const inner = JSON.stringify(
    plan(files.directory, `process.on('SIGTERM', () => {});${SAY('{"event":"up"}')}${STAY}`),
  );
  const lab = spawn(process.execPath, [
    '--conditions=@sidegate/source',
    '--input-type=module',
    '--eval',
    `const { startProcess } = await import(${module});
     const child = startProcess(${inner});
     await child.event('up', 10_000);
     console.log(child.pid);`,
  ]);
  const [pid] = (await once(lab.stdout, 'data')) as [Buffer];
  assert.ok(alive(Number(pid)));
  lab.kill('SIGKILL');
  await once(lab, 'close');
  while (alive(Number(pid))) await new Promise((later) => setTimeout(later, 50));
});
