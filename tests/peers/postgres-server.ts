/** The real PostgreSQL on a loopback port, with a password, in a folder that goes with it. */
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { makeFolder } from './foreign-program.ts';
import { postgresFolder } from './postgres-binary.ts';
import { startServer } from './started-program.ts';

export interface PostgresServer extends AsyncDisposable {
  /** Makes an empty database; what it is reached by. */
  database(): Promise<string>;
}

const PASSWORD = 'only-for-this-test';
const READY_MS = 20_000;
/** PostgreSQL refuses to run as root. */
const NOBODY = 65_534;

export async function startPostgresServer(): Promise<PostgresServer> {
  const binaries = postgresFolder();
  if (binaries === undefined) throw new Error('the real PostgreSQL is not installed');
  const folder = makeFolder();
  const asRoot = process.getuid?.() === 0;
  const data = join(folder.directory, 'data');
  const password = folder.file('password', PASSWORD);
  mkdirSync(data);
  if (asRoot) for (const owned of [folder.directory, data, password]) chownSync(owned, NOBODY, NOBODY);
  const unprivileged = asRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  const command = (program: string, ...args: readonly string[]): [string, ...string[]] =>
    [...unprivileged, join(binaries, program), ...args] as [string, ...string[]];

  const [init, ...initArgs] = command(
    'initdb',
    '-D',
    data,
    '-U',
    'sidegate',
    '-A',
    'scram-sha-256',
    `--pwfile=${password}`,
    '-N',
  );
  const made = spawnSync(init, initArgs, { encoding: 'utf8', cwd: folder.directory });
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`);
  const port = await freePort();
  // No answer of these tests has to survive a power cut.
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: 50,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [start, ...startArgs] = command('postgres', '-D', data, ...options);
  const server = await startServer({ name: 'PostgreSQL', command: start, args: startArgs, port, folder });

  const url = (database: string): string => `postgres://sidegate:${PASSWORD}@127.0.0.1:${port}/${database}`;
  // It listens before it is ready to be asked.
  await until(async () => {
    const client = new pg.Client({ connectionString: url('postgres') });
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    );
  }, READY_MS);
  let databases = 0;
  return {
    ...server,
    database: async () => {
      databases += 1;
      const name = `authority_${databases}`;
      const client = new pg.Client({ connectionString: url('postgres') });
      await client.connect();
      await client.query(`CREATE DATABASE ${name}`);
      await client.end();
      return url(name);
    },
  };
}
