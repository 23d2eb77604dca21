/**
 * Who is at the other end of a UNIX socket, as the kernel says (SO_PEERCRED, unix(7)). Node cannot ask, so a child that is given
 * the connection does, with the Perl that every Debian, Red Hat and SUSE has; docs/decisions says what else was tried.
 */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

export interface PeerCredentials {
  /** Of the peer when it connected. */
  readonly uid: number;
  readonly gid: number;
  /** Undefined: a process that this one cannot see, in another PID namespace. */
  readonly pid: number | undefined;
}

/** Rejects when it cannot be told; nothing has been read from the socket yet. */
export type ReadPeerCredentials = (socket: Socket) => Promise<PeerCredentials>;

export const PERL = '/usr/bin/perl';

/** SOL_SOCKET and SO_PEERCRED of Linux on x86 and ARM. As its fourth descriptor: of the first three libuv would change the mode. */
const SCRIPT = 'open(my $s,"+<&=",3) or exit 1;my $c=getsockopt($s,1,17) or exit 2;print join " ",unpack "iII",$c';
const TIMEOUT_MS = 5_000;
/** What the kernel writes for a user that has no number in this namespace. */
const NOBODY_HERE = 0xffff_ffff;

/** @param perl the program */
export function perlCredentials(perl: string = PERL): ReadPeerCredentials {
  return (socket) =>
    new Promise((resolve, reject) => {
      const child = spawn(perl, ['-e', SCRIPT], {
        stdio: ['ignore', 'pipe', 'ignore', socket],
        env: {},
        timeout: TIMEOUT_MS,
      });
      let output = '';
      child.on('error', reject);
      child.stdout?.setEncoding('latin1').on('data', (text: string) => {
        if (output.length < 100) output += text;
      });
      child.on('close', (code) => {
        const credentials = code === 0 ? readCredentials(output) : undefined;
        if (credentials !== undefined) resolve(credentials);
        else reject(new Error(`the peer's credentials cannot be read (${perl} ended with ${code ?? 'a signal'})`));
      });
    });
}

export function readCredentials(output: string): PeerCredentials | undefined {
  const [, pid, uid, gid] = (/^(0|[1-9]\d{0,9}) (\d{1,10}) (\d{1,10})$/.exec(output) ?? []).map(Number);
  if (pid === undefined || uid === undefined || gid === undefined) return undefined;
  if (uid >= NOBODY_HERE || gid >= NOBODY_HERE) return undefined;
  return { uid, gid, pid: pid === 0 ? undefined : pid };
}
