/** A peer's credentials → selectors, and whether the process that they were read of still runs. Fails closed: what cannot be told is no selector. */
import { readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { ReadPeerCredentials } from './peer-credentials.ts';

export interface AttestedPeer {
  readonly pid: number | undefined;
  readonly selectors: ReadonlySet<string>;
  /** Whether it is still the process that connected. */
  isAlive(): boolean;
}

export type AttestPeer = (socket: Socket) => Promise<AttestedPeer>;

/** What of `/proc` is read; each throws where there is nothing. */
export interface ProcFiles {
  stat(pid: number): string;
  executable(pid: number): string;
  uptime(): string;
}

export const PROC: ProcFiles = {
  stat: (pid) => readFileSync(`/proc/${pid}/stat`, 'latin1'),
  executable: (pid) => readlinkSync(`/proc/${pid}/exe`),
  uptime: () => readFileSync('/proc/uptime', 'latin1'),
};

/** USER_HZ: times of `/proc` are in hundredths of a second on every architecture that Node has. */
const TICKS_PER_SECOND = 100;

/** @throws Error as a rejection, when the peer cannot be told */
export function unixAttestor(readCredentials: ReadPeerCredentials, proc: ProcFiles = PROC): AttestPeer {
  return async (socket) => {
    const connectedBy = secondsSinceBoot(proc);
    const { uid, gid, pid } = await readCredentials(socket);
    const selectors = new Set([`unix:uid:${uid}`, `unix:gid:${gid}`]);
    if (pid === undefined) return { pid, selectors, isAlive: () => true };
    const startedAt = startTicks(proc, pid);
    // A process that began later only has the number of the one that connected.
    if (startedAt === undefined || startedAt / TICKS_PER_SECOND > connectedBy) throw new Error('the peer has ended');
    const path = executableOf(proc, pid);
    if (path !== undefined) selectors.add(`unix:path:${path}`);
    if (startTicks(proc, pid) !== startedAt) throw new Error('the peer has ended');
    return { pid, selectors, isAlive: () => startTicks(proc, pid) === startedAt };
  };
}

function secondsSinceBoot(proc: ProcFiles): number {
  return Number(proc.uptime().split(' ')[0]);
}

/** Field 22 of `/proc/PID/stat`; the name of the program before it may hold anything, brackets and spaces included. */
function startTicks(proc: ProcFiles, pid: number): number | undefined {
  try {
    const stat = proc.stat(pid);
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(rest[18]);
    return state === undefined || 'ZXx'.includes(state) || !Number.isSafeInteger(ticks) ? undefined : ticks;
  } catch {
    return undefined;
  }
}

/** One that was removed has no path any more: another program may have its name now. */
function executableOf(proc: ProcFiles, pid: number): string | undefined {
  try {
    const path = proc.executable(pid);
    return path.endsWith(' (deleted)') ? undefined : path;
  } catch {
    return undefined;
  }
}
