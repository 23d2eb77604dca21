/** The real SPIRE on loopback: a server with its own authority and a PostgreSQL, and an agent that joined it and attests by UNIX credentials. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../support/free-port.ts';
import { type Folder, makeFolder, runProgram } from './foreign-program.ts';
import { startPostgresServer } from './postgres-server.ts';
import { spireBinaries } from './spire-binaries.ts';

export interface SpireEntry {
  readonly spiffeId: string;
  readonly selectors: readonly string[];
  readonly ttlSeconds?: number;
  readonly dnsNames?: readonly string[];
  readonly hint?: string;
}

export interface SpireDeployment extends AsyncDisposable {
  readonly trustDomain: string;
  /** Of the agent: `unix:///…` */
  readonly socket: string;
  /** Of the server, for its own commands. */
  readonly serverSocket: string;
  register(entry: SpireEntry): Promise<void>;
  /** `spire-server …`; throws when it does not succeed. */
  server(...args: readonly string[]): Promise<string>;
  stopAgent(): Promise<void>;
  startAgent(): Promise<void>;
}

const TRUST_DOMAIN = 'spire.example.org';
const AGENT_ID = `spiffe://${TRUST_DOMAIN}/agent`;
const START_MS = 60_000;

export async function startSpire(): Promise<SpireDeployment> {
  const binaries = spireBinaries();
  if (binaries === undefined) throw new Error('the real SPIRE is not installed: npm run test:peers installs it');
  const stack = new AsyncDisposableStack();
  const postgres = stack.use(await startPostgresServer());
  const folder = stack.use(makeFolder());
  const port = await freePort();
  const [serverSocket, agentSocket] = [path.join(folder.directory, 's.sock'), path.join(folder.directory, 'a.sock')];
  const server = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runProgram(binaries.server, [...args, '-socketPath', serverSocket]);
    if (code !== 0) throw new Error(`spire-server ${args.slice(0, 2).join(' ')}: ${stdout}${stderr}`);
    return stdout;
  };
  const own = folder.file(
    'server.conf',
    serverConfig(folder, { port, socket: serverSocket, database: await postgres.database() }),
  );
  const serverProcess = spawn(binaries.server, ['run', '-config', own], { stdio: ['ignore', 'ignore', 'pipe'] });
  stack.defer(() => ended(serverProcess));
  await answers(serverProcess, 'spire-server', () => server('healthcheck'));
  const bundle = folder.file('bundle.pem', await server('bundle', 'show'));
  const token = /Token: (\S+)/.exec(await server('token', 'generate', '-spiffeID', AGENT_ID))?.[1] ?? '';
  const config = folder.file('agent.conf', agentConfig(folder, port, { socket: agentSocket, bundle }));
  let agent: ChildProcess | undefined;
  const startAgent = async (): Promise<void> => {
    agent = spawn(binaries.agent, ['run', '-config', config, '-joinToken', token], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await answers(agent, 'spire-agent', async () => {
      const args = ['healthcheck', '-socketPath', agentSocket];
      const { code } = existsSync(agentSocket) ? await runProgram(binaries.agent, args) : { code: 1 };
      if (code !== 0) throw new Error('it is not healthy yet');
    });
  };
  const stopAgent = async (): Promise<void> => {
    if (agent !== undefined) await ended(agent);
  };
  stack.defer(stopAgent);
  await startAgent();
  const running = stack.move();
  return {
    trustDomain: TRUST_DOMAIN,
    socket: `unix://${agentSocket}`,
    serverSocket,
    server,
    startAgent,
    stopAgent,
    register: async ({ spiffeId, selectors, ttlSeconds = 3600, dnsNames = [], hint = '' }) => {
      const flags = [
        ...selectors.flatMap((selector) => ['-selector', selector]),
        ...dnsNames.flatMap((name) => ['-dns', name]),
        ...(hint === '' ? [] : ['-hint', hint]),
      ];
      const life = ['-x509SVIDTTL', String(ttlSeconds)];
      await server('entry', 'create', '-parentID', AGENT_ID, '-spiffeID', spiffeId, ...life, ...flags);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

const text = (value: string): string => JSON.stringify(value);

function serverConfig(
  { directory }: Folder,
  { port, socket, database }: { readonly port: number; readonly socket: string; readonly database: string },
): string {
  return `
server {
  bind_address = "127.0.0.1"
  bind_port = "${port}"
  socket_path = ${text(socket)}
  trust_domain = "${TRUST_DOMAIN}"
  data_dir = ${text(directory)}
  log_level = "WARN"
}
plugins {
  DataStore "sql" {
    plugin_data {
      database_type = "postgres"
      connection_string = ${text(`${database}?sslmode=disable`)}
    }
  }
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "memory" { plugin_data {} }
}`;
}

/** Keys on disk, so that an agent that starts again is the same one. */
function agentConfig(
  { directory }: Folder,
  port: number,
  { socket, bundle }: { readonly socket: string; readonly bundle: string },
): string {
  return `
agent {
  data_dir = ${text(directory)}
  log_level = "WARN"
  server_address = "127.0.0.1"
  server_port = "${port}"
  socket_path = ${text(socket)}
  trust_bundle_path = ${text(bundle)}
  trust_domain = "${TRUST_DOMAIN}"
  experimental { sync_interval = "1s" }
}
plugins {
  NodeAttestor "join_token" { plugin_data {} }
  KeyManager "disk" { plugin_data { directory = ${text(directory)} } }
  WorkloadAttestor "unix" { plugin_data { discover_workload_path = true } }
}`;
}

async function answers(child: ChildProcess, name: string, ask: () => Promise<unknown>): Promise<void> {
  let complaints = '';
  child.stderr?.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-2_000)));
  const end = performance.now() + START_MS;
  for (;;) {
    const failed = await ask().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failed === undefined) return;
    if (child.exitCode !== null || performance.now() > end) {
      throw new Error(`${name} does not start: ${complaints}`, { cause: failed });
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
