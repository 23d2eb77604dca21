/** One measurement at a time on a machine: two that share its cores measure each other. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const FILE = path.join(tmpdir(), 'sidegate-bench.pid');
const PATIENCE_MS = 20 * 60_000;

/** Waits for its turn, then holds it until disposed; a holder that died holds nothing. */
export async function takeTurn(progress: (text: string) => void): Promise<Disposable> {
  const deadline = Date.now() + PATIENCE_MS;
  for (let told = false; !claim(); told = true) {
    if (Date.now() > deadline) throw new Error(`another measurement is still running: ${FILE} names its process`);
    if (!told) progress('waiting: another measurement is running on this machine');
    await sleep(500);
  }
  return { [Symbol.dispose]: () => rmSync(FILE, { force: true }) };
}

function claim(): boolean {
  if (holderDied()) rmSync(FILE, { force: true });
  try {
    writeFileSync(FILE, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    return false;
  }
}

function holderDied(): boolean {
  try {
    process.kill(Number(readFileSync(FILE, 'utf8')), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
