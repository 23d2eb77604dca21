/** Test processes beside each other, each printed as if it had run alone: what a later one prints follows when those before it have ended. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** @param processes arguments of Node for each */
export async function runBeside(processes: readonly (readonly string[])[]): Promise<void> {
  const running = processes.map((args) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const held: Buffer[] = [];
    const hold = (piece: Buffer): void => void held.push(piece);
    child.stdout.on('data', hold);
    const show = (): void => {
      child.stdout.off('data', hold);
      for (const piece of held) process.stdout.write(piece);
      child.stdout.pipe(process.stdout, { end: false });
    };
    return { ended: once(child, 'close') as Promise<[number | null]>, show };
  });
  for (const { ended, show } of running) {
    show();
    const [code] = await ended;
    // one that a signal ended has no code
    process.exitCode ||= code ?? 1;
  }
}
