/** The real Redis on a loopback port, with a password, nothing on disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { freePort } from '../support/free-port.ts';
import { redisBinary } from './redis-binary.ts';

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  /** One command as an administrator sends it, and all that Redis answers to it. */
  ask(...command: readonly string[]): Promise<string>;
}

const START_MILLISECONDS = 10_000;

export async function startRedisServer(password: string, port?: number): Promise<RedisServer> {
  const binary = redisBinary();
  if (binary === undefined) throw new Error('the real Redis is not installed: npm run test:peers installs it');
  const chosen = port ?? (await freePort());
  // On standard input, so that the password is in no list of processes.
  const server = spawn(binary, ['-'], { stdio: ['pipe', 'ignore', 'ignore'] });
  server.stdin?.end(`bind 127.0.0.1\nport ${chosen}\nrequirepass "${password}"\nsave ""\nappendonly no\n`);
  const redis: RedisServer = {
    port: chosen,
    ask: (...command) => askOnce(chosen, [['AUTH', password], command]),
    [Symbol.asyncDispose]: () => ended(server),
  };
  const end = performance.now() + START_MILLISECONDS;
  while (!(await redis.ask('PING').catch(() => '')).includes('PONG')) {
    if (server.exitCode !== null || performance.now() > end) throw new Error('the real Redis does not answer');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return redis;
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, 'exit');
  server.kill('SIGKILL');
  await exit;
}

/** Commands in Redis's own protocol; the last one ends the connection. */
async function askOnce(port: number, commands: readonly (readonly string[])[]): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  for (const words of [...commands, ['QUIT']]) {
    const lines = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    socket.write(`*${words.length}\r\n${lines.join('')}`);
  }
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer;
}
