/** CPU time of a process and everything below it, from /proc: the metric of every scenario. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second, as the kernel reports them to user space. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Microseconds of user and system time since they started, of each process of the tree. */
export function cpuMicros(root: number): ReadonlyMap<number, number> {
  return new Map(treeOf(root).map((pid) => [pid, (ticksOf(pid) / TICKS) * 1e6]));
}

/** The same of the whole tree. */
export function totalCpuMicros(root: number): number {
  return cpuMicros(root)
    .values()
    .reduce((sum, micros) => sum + micros, 0);
}

/** Resident memory of the tree, in bytes. */
export function residentBytes(root: number): number {
  return treeOf(root).reduce((sum, pid) => {
    const match = /VmRSS:\s+(\d+) kB/.exec(readOrEmpty(`/proc/${pid}/status`));
    return sum + Number(match?.[1] ?? 0) * 1024;
  }, 0);
}

function treeOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(fieldsOf(Number(name))[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const tree = [root];
  for (const pid of tree) tree.push(...(children.get(pid) ?? []));
  return tree;
}

function ticksOf(pid: number): number {
  const fields = fieldsOf(pid);
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
}

/** The fields of `/proc/<pid>/stat` after the command name, which may hold spaces and parentheses. */
function fieldsOf(pid: number): string[] {
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
