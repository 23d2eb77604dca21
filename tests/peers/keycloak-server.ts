/** The real Keycloak on loopback: nothing on disk but the realms it imports, and an administrator for the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../support/free-port.ts';
import { keycloakDist } from './keycloak-dist.ts';

export interface KeycloakOptions {
  readonly command: readonly string[];
  /** `KC_…` and whatever the realm files name; ports are replaced. */
  readonly env: Readonly<Record<string, string>>;
  /** A folder of realm files. */
  readonly realms: string;
}

export interface Keycloak extends AsyncDisposable {
  readonly httpsPort: number;
  readonly httpPort: number;
  /** One request to its admin API. */
  admin(method: 'GET' | 'POST' | 'PUT' | 'DELETE', resource: string, body?: object): Promise<unknown>;
}

/** The first start compiles its configuration, for which a busy machine takes long. */
const START_MILLISECONDS = 400_000;
const KEPT_OUTPUT = 4_000;

export async function startKeycloak({ command, env, realms }: KeycloakOptions): Promise<Keycloak> {
  const home = ownHome(realms);
  const [httpPort, httpsPort] = [await freePort(), await freePort()];
  const child = spawn('sh', [path.join(home, 'bin/kc.sh'), ...command], {
    env: {
      PATH: process.env['PATH'],
      JAVA_HOME: process.env['JAVA_HOME'],
      // Compiled code that is good soon rather than best later.
      JAVA_OPTS_APPEND: '-XX:TieredStopAtLevel=1',
      ...env,
      KC_DB: 'dev-mem',
      KC_HTTP_HOST: '127.0.0.1',
      KC_HTTP_PORT: String(httpPort),
      KC_HTTPS_PORT: String(httpsPort),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const dispose = async (): Promise<void> => {
    await ended(child);
    rmSync(home, { recursive: true, force: true });
  };
  try {
    await started(child);
  } catch (error) {
    await dispose();
    throw error;
  }
  const { KEYCLOAK_ADMIN: username = '', KEYCLOAK_ADMIN_PASSWORD: password = '' } = env;
  const origin = `http://127.0.0.1:${httpPort}`;
  return {
    httpPort,
    httpsPort,
    admin: async (method, resource, body) => {
      // One that lasts a minute: a new one for each request is simpler than to know when it ends.
      const form = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username, password });
      const signedIn = await fetch(`${origin}/realms/master/protocol/openid-connect/token`, {
        method: 'POST',
        body: form,
      });
      const { access_token: token } = (await signedIn.json()) as { readonly access_token?: string };
      const answer = await fetch(`${origin}/admin/realms/${resource}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${method} ${resource}: ${answer.status} ${text}`);
      return text === '' ? undefined : (JSON.parse(text) as unknown);
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** The distribution, shared, with a data folder of its own: what is compiled at the first start is kept for the next one. */
function ownHome(realms: string): string {
  const dist = keycloakDist();
  if (dist === undefined) throw new Error('the real Keycloak is not installed: npm run test:peers installs it');
  const home = mkdtempSync(path.join(tmpdir(), 'sidegate-keycloak-'));
  for (const folder of ['lib', 'providers', 'conf', 'themes'])
    symlinkSync(path.join(dist, folder), path.join(home, folder));
  for (const folder of ['bin', 'data']) mkdirSync(path.join(home, folder));
  // A copy: it looks for everything else beside the file that it really is.
  cpSync(path.join(dist, 'bin/kc.sh'), path.join(home, 'bin/kc.sh'));
  cpSync(path.join(dist, 'version.txt'), path.join(home, 'version.txt'));
  cpSync(realms, path.join(home, 'data/import'), { recursive: true });
  return home;
}

function started(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = '';
    const failed = (why: string): void => reject(new Error(`Keycloak ${why}:\n${output}`));
    const timer = setTimeout(() => failed('did not start in time'), START_MILLISECONDS);
    const hear = (chunk: Buffer): void => {
      output = (output + chunk.toString('utf8')).slice(-KEPT_OUTPUT);
      if (!/Keycloak \S+ on JVM .* started in/.test(output)) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', () => {
      clearTimeout(timer);
      failed('ended');
    });
  });
}

/** The script hands the signal on and waits for Java. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await exit;
}
