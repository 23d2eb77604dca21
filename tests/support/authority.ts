/** A folder with an authority's configuration, realms and store, and the commands that work on it. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { KeycloakRealm } from '../../packages/sidegate/src/authority/issuer/keycloak-realm.ts';
import { type IssuerProcess, startAuthorityProcess } from './issuer-process.ts';
import { servicesRealm } from './realms.ts';

const COMMAND = path.resolve(import.meta.dirname, '../../packages/sidegate/src/cli/main.ts');

export interface AuthoritySettings {
  readonly realms?: readonly KeycloakRealm[];
  readonly baseUrl?: string;
  /** YAML below `store:`; default: SQLite in the folder. */
  readonly store?: string;
  /** YAML below `signing:`, beside the encryption key. */
  readonly signing?: string;
  /** YAML at the top. */
  readonly more?: string;
  readonly encryptionKey?: string;
}

export interface AuthorityFolder extends AsyncDisposable {
  readonly config: string;
  at(name: string): string;
  /** A file that its owner alone can read. */
  write(name: string, text: string): Promise<void>;
  start(...args: readonly string[]): Promise<IssuerProcess>;
  /** A command on its store, as in `['keys', 'list']`. */
  command(...args: readonly string[]): Promise<CommandResult>;
  /** One that asks a running authority. */
  run(...args: readonly string[]): Promise<CommandResult>;
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function authorityFolder(settings: AuthoritySettings = {}): Promise<AuthorityFolder> {
  const { realms = [servicesRealm()], baseUrl = 'http://127.0.0.1:8443', encryptionKey, more = '' } = settings;
  const folder = await mkdtemp(path.join(tmpdir(), 'sidegate-authority-'));
  const at = (name: string) => path.join(folder, name);
  await Promise.all(realms.map((realm) => writeFile(at(`${realm.realm}.json`), JSON.stringify(realm))));
  await writeFile(at('sealing.key'), encryptionKey ?? randomBytes(32).toString('base64'), { mode: 0o600 });
  const { store = 'file: authority.db', signing = 'algorithms: [ES256]' } = settings;
  await writeFile(
    at('authority.yaml'),
    `addr: 127.0.0.1:0
base_url: ${baseUrl}
realms: [${realms.map(({ realm }) => `${realm}.json`).join(', ')}]
store: { ${store} }
signing: { encryption_key_file: sealing.key, ${signing} }
${more}
`,
  );
  const config = at('authority.yaml');
  return {
    config,
    at,
    write: (name, text) => writeFile(at(name), text, { mode: 0o600 }),
    start: (...args) => startAuthorityProcess(['--config', config, ...args]),
    command: (...args) => runCommand([...args, '--config', config]),
    run: (...args) => runCommand(args),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function runCommand(args: readonly string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, ['--conditions=@sidegate/source', COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
